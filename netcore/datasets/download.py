"""Download data sets with torchvision; an error is one line."""

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

from netcore.datasets.base import DatasetUnavailable

TIMEOUT_SECONDS = 20  # without a response
_allowed = ContextVar("_allowed", default=True)


@contextlib.contextmanager
def no_downloads() -> Iterator[None]:
    """Let what is not on this machine be unavailable."""
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def download(name: str, size: str, folder: Path, fetch: Callable[[], object]) -> None:
    """Download a data set, with a message and its progress on stderr.

    Parameters
    ----------
    name : str
    size : str
        For the message: "12 MB".
    folder : Path
    fetch : callable
        Downloads into `folder`.

    Raises
    ------
    Unavailable
        If it fails, whatever the reason, or inside of `no_downloads`.
    """
    if not _allowed.get():
        raise DatasetUnavailable(f"{name} is not in {folder}")
    print(f"netcore: downloading {name} ({size}) into {folder}", file=sys.stderr)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            fetch()
    except Exception as error:  # the download can raise any exception
        reason = error.strerror if isinstance(error, PermissionError) else "no connection"
        raise DatasetUnavailable(
            f"{name} is not in {folder} and cannot be downloaded ({reason}): "
            "pass a folder with torchvision's files with --data-dir"
        ) from error
    finally:
        socket.setdefaulttimeout(before)

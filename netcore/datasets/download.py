"""Downloads by torchvision, with a word before and one clear line where there is no network."""

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

from netcore.datasets.base import DatasetUnavailable

TIMEOUT = 20  # seconds without an answer
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
    """Call `fetch`, which downloads into `folder` and shows its progress on stderr.

    Raises
    ------
    Unavailable
        If it fails, whatever the reason, or inside of `no_downloads`.
    """
    if not _allowed.get():
        raise DatasetUnavailable(f"{name} is not in {folder}")
    print(f"netcore: downloading {name} ({size}) into {folder}", file=sys.stderr)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            fetch()
    except Exception as error:  # torchvision raises whatever its download ran into
        reason = error.strerror if isinstance(error, PermissionError) else "no connection"
        raise DatasetUnavailable(
            f"{name} is not in {folder} and cannot be downloaded ({reason}): "
            "name a folder that has torchvision's files by --data-dir"
        ) from error
    finally:
        socket.setdefaulttimeout(before)

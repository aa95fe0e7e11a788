"""Download data sets with torchvision; an error is one line."""

import contextlib
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

from netcore.core.files import cache_dir
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


def download(name: str, size: str, folder: Path, fetch: Callable[[Path], object]) -> None:
    """Download a data set, with a message and its progress on stderr.

    The files go to a temporary folder of the cache first: `folder` is made and filled once all of them are there.

    Parameters
    ----------
    name : str
    size : str
        For the message: "12 MB".
    folder : Path
        Folder of the data files.
    fetch : callable
        Downloads into the folder that it is given.

    Raises
    ------
    DatasetUnavailable
        If it fails, whatever the reason, or inside of `no_downloads`.
    """
    if not _allowed.get():
        raise DatasetUnavailable(f"{name} is not in {folder}")
    if not _is_writable(folder):
        raise _unavailable(name, folder, "the folder cannot be written")
    print(f"netcore: downloading {name} ({size}) into {folder}", file=sys.stderr)
    try:
        with _staging_dir() as staging:
            with contextlib.redirect_stdout(sys.stderr), _socket_timeout():
                fetch(staging)
            _move_files(staging, folder)
    except OSError as error:
        reason = error.strerror if isinstance(error, PermissionError) else None
        raise _unavailable(name, folder, reason or "no connection") from error
    except Exception as error:  # the download can raise any exception
        raise _unavailable(name, folder, "no connection") from error


def _unavailable(name: str, folder: Path, reason: str) -> DatasetUnavailable:
    return DatasetUnavailable(
        f"{name} is not in {folder} and cannot be downloaded ({reason}): "
        "pass a folder with torchvision's files with --data-dir, or use --data embedded"
    )


def _is_writable(folder: Path) -> bool:
    """Whether `folder`, or the nearest folder above it that exists, can be written."""
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    return existing.is_dir() and os.access(existing, os.W_OK)


@contextlib.contextmanager
def _staging_dir() -> Iterator[Path]:
    downloads = cache_dir() / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=downloads) as staging:
        yield Path(staging)


@contextlib.contextmanager
def _socket_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _move_files(source: Path, target: Path) -> None:
    for file in sorted(p for p in source.rglob("*") if p.is_file()):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, place)

"""Atomic writing and digests of files."""

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from netcore.core.errors import NetcoreError
from netcore.core.plain_text import plain_text

MAX_STEM = 150  # characters of a target's name in that of its temporary file: file systems allow 255 bytes
SMALL_FILE = 2**18  # bytes below which a file is read whole for its digest
LEFTOVER_SECONDS = 24 * 3600  # after which a temporary file is one that its process left, if it cannot be asked
_LEFTOVER = re.compile(r"\..*?-(?:(?P<host>[0-9a-f]{6})-(?P<pid>\d+)-)?[0-9a-f]{8}\.partial(\.\w+)?")
_swept: set[tuple[str, int]] = set()  # folders, and the process that swept them


@cache
def scenes_dir() -> Path:
    """Return the folder of netcore's scenes: in the package if installed, beside it in a checkout."""
    spec = find_spec("netcore.scenes")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).resolve()


def cache_dir() -> Path:
    """Return the cache folder: the environment variable NETCORE_CACHE, else a folder in the user's cache."""
    if named := os.environ.get("NETCORE_CACHE"):
        return Path(named)
    try:
        from platformdirs import user_cache_path
    except ImportError:  # a bare GPU machine
        return Path.home() / ".cache" / "netcore"
    return user_cache_path("netcore", appauthor=False)


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 digest of a regular file; OSError for a device or a pipe."""
    info = os.stat(path)
    if not stat.S_ISREG(info.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with path.open("rb") as stream:
        if info.st_size < SMALL_FILE:
            return hashlib.sha256(stream.read()).hexdigest()
        return hashlib.file_digest(stream, "sha256").hexdigest()


def partial_path(target: Path, suffix: str = "") -> Path:
    """Return a new name beside `target` for what replaces it: hidden, with this process in it.

    Leftovers in the folder, of processes that were killed, are removed when a process asks for its first name there.

    Parameters
    ----------
    target : Path
    suffix : str
        Suffix of the name after ``.partial``.
    """
    _sweep_once(target.parent)
    process = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    return target.with_name(f".{target.stem[:MAX_STEM]}-{process}.partial{suffix}")


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Provide a temporary path that replaces `target` on success and is removed on failure.

    The temporary name has the target's suffix, by which encoders choose the format. A reader sees the old file or the
    new one, never a part; of two writers to one target the last to finish wins.

    Raises
    ------
    NetcoreError
        If the folder cannot be written or the disk is full; the earlier `target` remains.
    """
    partial = partial_path(target, target.suffix)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, target)
    except OSError as error:
        if error.filename is None and error.errno is None:  # not the file system's: an encoder's own complaint
            raise
        raise NetcoreError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def atomic_write_text(target: Path, text: str) -> None:
    """Write UTF-8 text to a file atomically."""
    with atomic_write(target) as partial:
        partial.write_text(text, encoding="utf-8")


def path_inside(folder: Path, name: str) -> Path:
    """Return the path that `name` has in a folder, links followed.

    Raises
    ------
    NetcoreError
        If it leads out of the folder, or there is something else than a regular file or a folder (a device, a pipe).
    """
    try:
        base = folder.resolve()
        path = (base / name).resolve()
        mode = path.stat().st_mode if path.exists() else None
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL character
        raise NetcoreError(f"{folder / plain_text(name)[:100]} is not a file: put back a copy") from error
    if not path.is_relative_to(base):
        raise NetcoreError(f"{folder / name} leads out of {folder}: put a copy of the file there instead")
    if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise NetcoreError(f"{folder / name} is not a regular file: put back a copy")
    return path


# ---- leftovers


def sweep_leftovers(folder: Path) -> None:
    """Remove temporary files and folders of processes that no longer run.

    Those of another machine, and those without a process in their name, are removed after a day.
    """
    with suppress(OSError):
        for entry in os.scandir(folder):
            found = _LEFTOVER.fullmatch(entry.name)
            if found and _is_left(entry, found["host"], found["pid"]):
                with suppress(OSError):
                    _remove(entry)


def _sweep_once(folder: Path) -> None:
    key = os.path.abspath(folder), os.getpid()
    if key not in _swept:
        _swept.add(key)
        sweep_leftovers(folder)


def _is_left(entry: os.DirEntry[str], host: str | None, pid: str | None) -> bool:
    if pid is not None and host == _host() and os.name == "posix":
        return not _runs(int(pid))
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > LEFTOVER_SECONDS


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        os.unlink(entry.path)


@cache
def _host() -> str:
    """Six digits that differ between machines and containers: a process is known by its number on one alone."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]

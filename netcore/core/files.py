"""Atomic writing and digests of files."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from netcore.core.errors import NetcoreError


@cache
def scenes_dir() -> Path:
    """Return the folder of netcore's scenes: in the package if installed, beside it in a checkout."""
    spec = find_spec("netcore.scenes")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).resolve()


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
    partial = target.with_name(f".{target.stem}-{secrets.token_hex(4)}.partial{target.suffix}")
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

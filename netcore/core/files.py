"""Files that appear whole or not at all, and their digests."""

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
    """Folder of netcore's scenes: inside the package of a wheel, beside it in a checkout."""
    spec = find_spec("netcore.scenes")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).resolve()


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Give a path beside `target` to write to; rename it over `target` on success, remove it on any failure.

    The temporary name keeps the target's suffix, since encoders go by it. A reader sees the old file or the new one,
    never a half; two writers to one target each write their own temporary, and the last to finish wins.

    Raises
    ------
    NetcoreError
        If the folder cannot be written or the disk is full; the earlier `target` stays whole.
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
    """Write UTF-8 `text` to `target`, whole or not at all."""
    with atomic_write(target) as partial:
        partial.write_text(text, encoding="utf-8")

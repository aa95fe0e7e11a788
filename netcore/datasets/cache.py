"""What takes long to parse is kept in the user's cache, with a digest; a damaged entry is built anew."""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write

Arrays = dict[str, np.ndarray]


def array_digest(*arrays: np.ndarray) -> str:
    """SHA-256 of shapes and bytes."""
    out = hashlib.sha256()
    for array in arrays:
        out.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return out.hexdigest()


def cache_dir() -> Path:
    """Folder for what can be made again: ``NETCORE_CACHE``, else the user's cache folder."""
    if named := os.environ.get("NETCORE_CACHE"):
        return Path(named)
    try:
        from platformdirs import user_cache_path
    except ImportError:  # a bare GPU machine
        return Path.home() / ".cache" / "netcore"
    return user_cache_path("netcore", appauthor=False)


def files_fingerprint(files: Iterable[Path]) -> str:
    """What changes when one of these files does: names, sizes and times, hashed."""
    out = hashlib.sha256()
    for file in sorted(files):
        found = file.stat()
        out.update(f"{file.resolve()}|{found.st_size}|{found.st_mtime_ns}\n".encode())
    return out.hexdigest()[:24]


def cached_arrays(key: str, parse: Callable[[], Arrays]) -> Arrays:
    """Give the arrays kept under `key`; parse and keep them where they are missing or damaged."""
    path = cache_dir() / "arrays" / f"{key}.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        if str(arrays.pop("sha256")) == array_digest(*(arrays[k] for k in sorted(arrays))):
            return arrays
    except Exception:  # whatever a damaged archive raises: it is built anew
        pass
    arrays = parse()
    try:
        with atomic_write(path) as partial, partial.open("wb") as stream:
            np.savez(stream, sha256=np.array(array_digest(*(arrays[k] for k in sorted(arrays)))), **arrays)
    except NetcoreError:
        pass  # an unwritable cache costs time only
    return arrays

"""Cache parsed arrays on disk, with their digests."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write, cache_dir

Arrays = dict[str, NDArray[Any]]


def array_digest(*arrays: ArrayLike) -> str:
    """Return the SHA-256 digest of the shapes and bytes of arrays."""
    out = hashlib.sha256()
    for array in map(np.asarray, arrays):
        out.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return out.hexdigest()


def files_fingerprint(files: Iterable[Path]) -> str:
    """Return a digest of the names, sizes and modification times of files."""
    out = hashlib.sha256()
    for file in sorted(files):
        status = file.stat()
        out.update(f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return out.hexdigest()[:24]


def cached_arrays(key: str, parse: Callable[[], Arrays]) -> Arrays:
    """Read the arrays cached under `key`, or parse and cache them.

    Parameters
    ----------
    key : str
        Name of the cache file.
    parse : callable
        Returns the arrays by name; called if the cache file is missing or damaged.
    """
    path = cache_dir() / "arrays" / f"{key}.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        if str(arrays.pop("sha256")) == array_digest(*(arrays[k] for k in sorted(arrays))):
            return arrays
    except Exception:  # missing or damaged, which can raise any exception
        pass
    arrays = parse()
    try:
        with atomic_write(path) as partial, partial.open("wb") as stream:
            contents: dict[str, Any] = arrays | {"sha256": np.array(array_digest(*(arrays[k] for k in sorted(arrays))))}
            np.savez(stream, **contents)
    except NetcoreError:
        pass  # the next call parses again
    return arrays

"""Cache of results as .npz files, read without torch or pickles.

An entry's name is the digest of all that decides its content, so entries never become wrong, only unused: the folder
is bounded, and the entries that were not read for the longest time go first. Arrays that equal a weight of the snapshot
are not stored again.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write
from netcore.core.run_files import Arrays
from netcore.core.trace import LayerTrace, Trace

MAX_BYTES = 128 * 2**20  # of all entries of a run
MAX_ENTRY_BYTES = 16 * 2**20  # a larger result is computed again each time


@dataclass(frozen=True)
class TraceStore:
    """Entries in a folder; one that is damaged or cannot be written is only computed again.

    Parameters
    ----------
    folder : Path
        Made when the first entry is saved.
    max_bytes, max_entry_bytes : int
        Bounds of the folder and of one entry.
    """

    folder: Path
    max_bytes: int = MAX_BYTES
    max_entry_bytes: int = MAX_ENTRY_BYTES

    def load(self, key: str, known: Callable[[], Arrays] = dict) -> Any:
        """Return what was saved under `key`; None if there is nothing, or it is damaged.

        Parameters
        ----------
        key : str
        known : callable
            Gives the arrays that `save` was given.
        """
        if not self._path(key).is_file():
            return None
        try:
            with np.load(self._path(key), allow_pickle=False) as archive:
                arrays = dict(archive)
            plain = json.loads(bytes(arrays.pop("values")))
        except FileNotFoundError:
            return None
        except Exception:  # what a damaged archive makes zipfile, NumPy and json raise
            return self._remove(key)
        weights = known() if _refers(plain) else {}  # outside of the try: a damaged snapshot is the user's to know
        try:
            value = unpack(plain, arrays, weights)
        except (KeyError, TypeError, ValueError):  # an archive of something else
            return self._remove(key)
        with suppress(OSError):
            os.utime(self._path(key))  # read now: among the last to be removed
        return value

    def save(self, key: str, value: Any, known: Callable[[], Arrays] = dict) -> None:
        """Keep a value under `key`.

        Parameters
        ----------
        key : str
        value : mapping, tuple, list, array, Trace, str, int, float, bool or None
            One that holds anything else is not kept.
        known : callable
            Gives arrays by name, of which a trace's weights are stored by name alone.
        """
        arrays: Arrays = {}
        try:
            plain = json.dumps(pack(value, arrays, _by_shape(known()) if isinstance(value, Trace) else {})).encode()
        except TypeError:
            return
        if len(plain) + sum(array.nbytes for array in arrays.values()) > self.max_entry_bytes:
            return
        with suppress(NetcoreError):  # a folder that cannot be written, a full disk
            with atomic_write(self._path(key)) as partial, partial.open("wb") as stream:
                np.savez(stream, values=np.frombuffer(plain, np.uint8), **arrays)  # type: ignore[arg-type]
            self._evict()

    def _remove(self, key: str) -> None:
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _evict(self) -> None:
        """Remove the entries read longest ago until the others fit."""
        found = []
        for path in self.folder.glob("*.npz"):
            with suppress(OSError):  # removed by another process
                info = path.stat()
                found.append((info.st_mtime_ns, info.st_size, path))
        excess = sum(size for _, size, _ in found) - self.max_bytes
        for _, size, path in sorted(found):
            if excess <= 0:
                break
            with suppress(OSError):
                path.unlink()
            excess -= size


# ---- values as JSON and arrays


def pack(value: Any, arrays: Arrays, known: Mapping[tuple[int, ...], list[tuple[str, NDArray[Any]]]]) -> Any:
    """Turn a value into what JSON can hold, its arrays put into `arrays`.

    Parameters
    ----------
    value : mapping, tuple, list, array, Trace, LayerTrace, str, int, float, bool or None
    arrays : dict
        Filled.
    known : mapping
        By shape, names and arrays that are referred to by name.

    Raises
    ------
    TypeError
        If it is, or holds, anything else.
    """
    if isinstance(value, np.ndarray):
        return _pack_array(value, arrays, known)
    if isinstance(value, (Trace, LayerTrace)):
        values = {f.name: getattr(value, f.name) for f in fields(value)}
        return {type(value).__name__: {k: pack(v, arrays, known) for k, v in values.items()}}
    if isinstance(value, Mapping):
        if not all(type(k) is str for k in value):
            raise TypeError("keys must be texts")
        return {"map": {k: pack(v, arrays, known) for k, v in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [pack(v, arrays, known) for v in value]}
    if isinstance(value, list):
        return [pack(v, arrays, known) for v in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(f"no plain form of {type(value).__name__}")


def unpack(plain: Any, arrays: Arrays, known: Arrays) -> Any:
    """Return the value that `pack` was given."""
    if isinstance(plain, list):
        return [unpack(v, arrays, known) for v in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, inside),) = plain.items()
    if kind == "array":
        return arrays[inside]
    if kind == "known":
        return np.array(known[inside], np.float32)
    if kind == "tuple":
        return tuple(unpack(v, arrays, known) for v in inside)
    values = {k: unpack(v, arrays, known) for k, v in inside.items()}
    return values if kind == "map" else {"Trace": Trace, "LayerTrace": LayerTrace}[kind](**values)


def _pack_array(
    array: NDArray[Any], arrays: Arrays, known: Mapping[tuple[int, ...], list[tuple[str, NDArray[Any]]]]
) -> dict[str, str]:
    if array.dtype.kind not in "biuf":
        raise TypeError(f"no plain form of an array of {array.dtype}")
    if array.dtype == np.float32:
        for name, candidate in known.get(array.shape, ()):
            if np.array_equal(candidate, array):
                return {"known": name}
    name = str(len(arrays))
    arrays[name] = array
    return {"array": name}


def _by_shape(weights: Mapping[str, NDArray[Any]]) -> dict[tuple[int, ...], list[tuple[str, NDArray[Any]]]]:
    found: dict[tuple[int, ...], list[tuple[str, NDArray[Any]]]] = {}
    for name, array in weights.items():
        if array.dtype.kind == "f":
            found.setdefault(array.shape, []).append((name, array.astype(np.float32, copy=False)))
    return found


def _refers(plain: Any) -> bool:
    """Whether an entry refers to arrays that were not stored with it."""
    if isinstance(plain, dict):
        return "known" in plain or any(_refers(v) for v in plain.values())
    return isinstance(plain, list) and any(_refers(v) for v in plain)

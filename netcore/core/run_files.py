"""Read the files of a run, each checked by its digest."""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from netcore.core.errors import NetcoreError
from netcore.core.files import file_sha256

MAX_ARRAY_BYTES = 2**32  # of all arrays of an .npz file: a small one can expand to any size
Arrays = dict[str, NDArray[Any]]


def read_npz(path: Path, digest: str) -> Arrays:
    """Read the arrays of an .npz file; nothing is unpickled."""
    data = read_checked(path, digest)
    with reading(path):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_ARRAY_BYTES:
                raise ValueError(f"its arrays have more than {MAX_ARRAY_BYTES:,} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)


def read_tensors(path: Path, digest: str, names: Iterable[str] | None = None) -> Arrays:
    """Read arrays of a safetensors file, all or those of `names`; the file is checked in a little memory."""
    try:
        found = file_sha256(path)
    except OSError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}; {_remedy(path)}") from error
    _check_digest(path, found, digest)
    with _open_tensors(path) as file:
        return {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read the shapes of the arrays of a safetensors file."""
    with _open_tensors(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Report what reading a damaged file raises in one line."""
    try:
        yield
    except NetcoreError:
        raise
    except Exception as error:  # of zipfile, zlib, NumPy and struct
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise NetcoreError(f"{path} is damaged: {reason}; {_remedy(path)}") from error


def read_checked(path: Path, digest: str) -> bytes:
    """Read a file whose SHA-256 is known; NetcoreError if it is missing or another."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}; {_remedy(path)}") from error
    _check_digest(path, hashlib.sha256(data).hexdigest(), digest)
    return data


def _check_digest(path: Path, found: str, digest: str) -> None:
    if found != digest:
        told = f"sha256 {found[:12]}…, but run.json records {digest[:12]}…"
        raise NetcoreError(f"{path} is damaged: {told}; {_remedy(path)}")


@contextmanager
def _open_tensors(path: Path) -> Iterator[Any]:
    """Open a safetensors file for reading single arrays."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except FileNotFoundError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}; {_remedy(path)}") from error
    except Exception as error:  # what a damaged header makes safetensors and NumPy raise
        raise NetcoreError(f"{path} is not a safetensors file: {error}") from error


def _remedy(path: Path) -> str:
    """Return the advice that restores a file of a run."""
    if path.parent.name == "evaluation":
        return f"netcore evaluate {path.parents[1].name} makes it again"
    if path.parent.name == "snapshots":
        return "choose another snapshot with --at, or train again"
    return "train again, or put back a copy"

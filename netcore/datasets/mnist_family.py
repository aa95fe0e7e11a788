"""MNIST, EMNIST digits, Fashion-MNIST and KMNIST from IDX files."""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.datasets.base import DIGITS, Dataset, DatasetSplits, DatasetUnavailable
from netcore.datasets.download import download


@dataclass(frozen=True)
class IdxDataset:
    """Where torchvision's class `kind` keeps a set: ``<kind>/raw/<part>-images-idx3-ubyte`` and its labels."""

    kind: str
    parts: tuple[str, str] = ("train", "t10k")
    classes: tuple[str, ...] = DIGITS
    transposed: bool = False  # rows and columns exchanged in the file
    size: str = "12 MB"
    options: tuple[tuple[str, str], ...] = ()  # what torchvision's class wants beside the folder


FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
DATASETS = {
    "mnist": IdxDataset("MNIST"),
    "emnist-digits": IdxDataset(
        "EMNIST",
        ("emnist-digits-train", "emnist-digits-test"),
        transposed=True,
        size="540 MB",
        options=(("split", "digits"),),
    ),
    "fashion-mnist": IdxDataset("FashionMNIST", classes=FASHION, size="30 MB"),
    "kmnist": IdxDataset("KMNIST", classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"), size="20 MB"),
}
NAMES = tuple(DATASETS)


def load(name: str, data_dir: Path) -> DatasetSplits:
    """Read one of `DATASETS` from the data folder; nothing is written there unless it must be downloaded.

    Raises
    ------
    DatasetUnavailable
        If it is not there and cannot be downloaded.
    NetcoreError
        If a file is damaged.
    """
    known = DATASETS[name]
    raw = data_dir / known.kind / "raw"
    files = [raw / f"{part}-{kind}" for part in known.parts for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    if not all(_lying(file) for file in files):
        from torchvision import datasets

        fetch = getattr(datasets, known.kind)
        download(name, known.size, data_dir, lambda: fetch(data_dir, download=True, **dict(known.options)))
    train, test = (_part(name, known, files[i], files[i + 1]) for i in (0, 2))
    return DatasetSplits(train, test)


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of bytes, `path` itself or `path`.gz: two zeros, type, number of dimensions, sizes, values."""
    found = _lying(path)
    if found is None:
        raise DatasetUnavailable(f"{path} does not exist")
    try:
        data = gzip.decompress(found.read_bytes()) if found.suffix == ".gz" else found.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise NetcoreError(f"{found} is damaged ({error}): delete it to download it again") from error
    dims = data[3] if data[:3] == b"\0\0\x08" and len(data) > 3 else 0
    shape = tuple(int(n) for n in np.frombuffer(data, ">i4", dims, offset=4)) if len(data) >= 4 + 4 * dims else ()
    if not shape or len(data) != 4 + 4 * dims + math.prod(shape):
        raise NetcoreError(f"{found} is not an IDX file of bytes, or is truncated: delete it to download it again")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def _lying(path: Path) -> Path | None:
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)


def _part(name: str, known: IdxDataset, images: Path, labels: Path) -> Dataset:
    pixels = read_idx(images)
    if known.transposed:
        pixels = np.ascontiguousarray(pixels.transpose(0, 2, 1))
    return Dataset(name, pixels, read_idx(labels).astype(np.int64), known.classes)

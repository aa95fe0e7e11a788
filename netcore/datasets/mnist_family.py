"""MNIST, EMNIST digits, Fashion-MNIST and KMNIST from IDX files."""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.datasets.base import DIGITS, Dataset, DatasetSplits, DatasetUnavailable
from netcore.datasets.download import download


@dataclass(frozen=True)
class IdxDataset:
    """A data set in IDX files, ``<torchvision_class>/raw/<prefix>-images-idx3-ubyte`` and its labels.

    Attributes
    ----------
    torchvision_class : str
    prefixes : tuple of str
        Of the files of the training and the test part.
    classes : tuple of str
    transposed : bool
        Whether rows and columns are exchanged in the file.
    size : str
        Of the download.
    options : tuple of (str, str)
        Arguments of torchvision's class.
    """

    torchvision_class: str
    prefixes: tuple[str, str] = ("train", "t10k")
    classes: tuple[str, ...] = DIGITS
    transposed: bool = False
    size: str = "12 MB"
    options: tuple[tuple[str, str], ...] = ()


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
    """Read one of `DATASETS` from the data folder, or download it there.

    Raises
    ------
    DatasetUnavailable
        If it is not in the folder and cannot be downloaded.
    NetcoreError
        If a file is damaged.
    """
    source = DATASETS[name]
    raw = data_dir / source.torchvision_class / "raw"
    files = [
        raw / f"{prefix}-{kind}" for prefix in source.prefixes for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ]
    if not all(_find_file(file) for file in files):
        from torchvision import datasets

        fetch = getattr(datasets, source.torchvision_class)
        download(name, source.size, data_dir, lambda: fetch(data_dir, download=True, **dict(source.options)))
    train, test = (_read_part(name, source, files[i], files[i + 1]) for i in (0, 2))
    return DatasetSplits(train, test)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of bytes, `path` or ``path.gz``.

    The format: two zeros, type, number of dimensions, size of each dimension, values.

    Raises
    ------
    DatasetUnavailable
        If there is no such file.
    NetcoreError
        If the file is damaged.
    """
    found = _find_file(path)
    if found is None:
        raise DatasetUnavailable(f"{path} does not exist")
    try:
        data = gzip.decompress(found.read_bytes()) if found.suffix == ".gz" else found.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise NetcoreError(f"{found} is damaged ({error}): delete it to download it again") from error
    dims = data[3] if data[:3] == b"\0\0\x08" and len(data) > 3 else 0
    shape = tuple(int(n) for n in np.frombuffer(data, ">i4", dims, offset=4)) if len(data) >= 4 + 4 * dims else ()
    if not shape or min(shape) < 0 or len(data) != 4 + 4 * dims + math.prod(shape):
        raise NetcoreError(f"{found} is not an IDX file of bytes, or is truncated: delete it to download it again")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def _find_file(path: Path) -> Path | None:
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)


def _read_part(name: str, source: IdxDataset, images: Path, labels: Path) -> Dataset:
    pixels = read_idx(images)
    if source.transposed:
        pixels = np.ascontiguousarray(pixels.transpose(0, 2, 1))
    return Dataset(name, pixels, read_idx(labels).astype(np.int64), source.classes)

"""USPS digits, resized to MNIST's format."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.errors import NetcoreError
from netcore.datasets.base import MNIST_SIDE, Dataset, DatasetSplits
from netcore.datasets.cache import Arrays, cached_arrays, files_fingerprint
from netcore.datasets.download import download

NAMES = ("usps",)
PREPARATION = "resized like MNIST: to 20×20 pixels, centred by mass in 28×28"
DIGIT_SIDE = 20  # pixels of height and width that MNIST's digits fill
CENTER = 14  # pixel of their centre of mass


def load(name: str, data_dir: Path) -> DatasetSplits:
    """Load the digits of the United States Postal Service, 7,291 and 2,007 images, resized to 28×28.

    The files ``usps.bz2`` and ``usps.t.bz2`` are read from the data folder or its folder ``usps``.

    Raises
    ------
    DatasetUnavailable
        If they are not there and cannot be downloaded.
    NetcoreError
        If a file is damaged.
    """
    from torchvision.datasets import USPS

    folders = (data_dir / "usps", data_dir / "USPS", data_dir)
    folder = next((p for p in folders if (p / "usps.bz2").is_file() and (p / "usps.t.bz2").is_file()), None)
    if folder is None:
        folder = data_dir if data_dir.name.lower() == "usps" else data_dir / "usps"
        download("usps", "2 MB", folder, lambda into: [USPS(into, train=t, download=True) for t in (True, False)])
    return DatasetSplits(_read_part(folder, True), _read_part(folder, False))


def _read_part(folder: Path, train: bool) -> Dataset:
    file = folder / ("usps.bz2" if train else "usps.t.bz2")
    arrays = cached_arrays(f"usps-{files_fingerprint([file])}", partial(_parse, folder, train))
    return Dataset("usps", arrays["images"], arrays["labels"], preparation=PREPARATION)


def _parse(folder: Path, train: bool) -> Arrays:
    from torchvision.datasets import USPS

    try:
        found = USPS(folder, train=train)
    except (OSError, EOFError, ValueError) as error:
        raise NetcoreError(f"{folder} contains damaged USPS files ({error}): delete them to download again") from error
    return {"images": resize_to_mnist(found.data), "labels": np.array(found.targets, np.int64)}


def resize_to_mnist(images: ArrayLike) -> NDArray[np.uint8]:
    """Resize digits like MNIST's: 20×20 pixels in 28×28, centre of mass in the middle.

    Parameters
    ----------
    images : array_like of uint8, shape (N, H, W)
        Light on black; the digits fill the longer side of their images.

    Returns
    -------
    ndarray of uint8, shape (N, 28, 28)
    """
    import torch

    images = np.asarray(images, np.uint8)
    given = torch.from_numpy(images).float()[:, None]
    longest = max(images.shape[1:])
    size = [max(1, round(DIGIT_SIDE * n / longest)) for n in images.shape[1:]]
    scaled = torch.nn.functional.interpolate(given, size, mode="bicubic", antialias=True).round().clamp(0, 255)
    boxes = scaled[:, 0].byte().numpy()
    out = np.zeros((len(images), MNIST_SIDE, MNIST_SIDE), np.uint8)
    weight = np.maximum(boxes.sum((1, 2), dtype=np.float64), 1)
    corners = []
    for axis, length in ((1, size[0]), (2, size[1])):
        center = boxes.sum(3 - axis, dtype=np.float64) @ np.arange(length) / weight
        corners.append(np.clip(np.round(CENTER - center), 0, MNIST_SIDE - length).astype(int))
    for top, left in {*zip(*map(np.ndarray.tolist, corners), strict=True)}:
        alike = (corners[0] == top) & (corners[1] == left)
        out[alike, top : top + size[0], left : left + size[1]] = boxes[alike]
    return out

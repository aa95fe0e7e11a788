"""USPS digits, resized to MNIST's format."""

from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.datasets.base import MNIST_SIDE, Dataset, DatasetSplits
from netcore.datasets.cache import Arrays, cached_arrays, files_fingerprint
from netcore.datasets.download import download

NAMES = ("usps",)
BOX = 20  # pixels of height and width that MNIST's digits fill
CENTER = 14  # pixel that their centre of mass is placed on


def load(name: str, data_dir: Path) -> DatasetSplits:
    """United States Postal Service digits, other writers than MNIST's: 7,291 and 2,007 images, fitted to 28×28.

    The files ``usps.bz2`` and ``usps.t.bz2`` lie in the data folder or in its folder ``usps``.
    """
    from torchvision.datasets import USPS

    places = (data_dir / "usps", data_dir / "USPS", data_dir)
    place = next((p for p in places if (p / "usps.bz2").is_file() and (p / "usps.t.bz2").is_file()), None)
    if place is None:
        place = data_dir / "usps"
        download("usps", "2 MB", place, lambda: [USPS(place, train=t, download=True) for t in (True, False)])

    def parse(train: bool) -> Arrays:
        try:
            found = USPS(place, train=train)
        except (OSError, EOFError, ValueError) as error:
            raise NetcoreError(
                f"{place} contains damaged USPS files ({error}): delete them to download them again"
            ) from error
        return {"images": resize_to_mnist(found.data), "labels": np.array(found.targets, np.int64)}

    parts = []
    for train, file in ((True, "usps.bz2"), (False, "usps.t.bz2")):
        arrays = cached_arrays(f"usps-{files_fingerprint([place / file])}", lambda train=train: parse(train))
        parts.append(Dataset("usps", **arrays))
    return DatasetSplits(*parts)


def resize_to_mnist(images: np.ndarray) -> np.ndarray:
    """Fit digits that fill their images to 28×28 as MNIST has them: 20×20 pixels, centre of mass in the middle.

    Parameters
    ----------
    images : uint8 (N, H, W)
        Light on black, the longer side of the ink as long as the image's.
    """
    import torch

    given = torch.from_numpy(images).float()[:, None]
    longest = max(images.shape[1:])
    size = [max(1, round(BOX * n / longest)) for n in images.shape[1:]]
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

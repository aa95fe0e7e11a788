"""Images in one folder per class, as torchvision's ImageFolder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.plain_text import plain_text
from netcore.datasets.base import MNIST_SIDE, Dataset, DatasetSplits
from netcore.datasets.cache import Arrays, cached_arrays, files_fingerprint

NAMES = ("folder:",)
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def load(name: str, data_dir: Path | None = None) -> DatasetSplits:
    """Load the images of ``folder:PATH``."""
    return load_image_folder(Path(name.partition(":")[2]).expanduser())


def load_image_folder(folder: Path, shape: tuple[int, int, int] = (1, MNIST_SIDE, MNIST_SIDE)) -> DatasetSplits:
    """Read images from one folder per class, or from such folders in ``train`` and ``test``.

    Files that cannot be read are skipped; the note counts and names them.

    Parameters
    ----------
    folder : Path
    shape : tuple of int
        (C, H, W) to fit the images to; images of (1, 28, 28) are prepared like MNIST's.

    Raises
    ------
    NetcoreError
        If the folder does not exist, has fewer than two classes, or a class without a readable image.
    """
    if not folder.is_dir():
        raise NetcoreError(f"no folder {folder}")
    parts = [folder / "train", folder / "test"] if (folder / "train").is_dir() else [folder]
    found = [_folder_part(part, folder.name, shape) for part in parts if part.is_dir()]
    if len(found) == 2 and found[0][0].classes != found[1][0].classes:
        raise NetcoreError(f"{folder}: train and test have different classes")
    return DatasetSplits(found[0][0], found[1][0] if len(found) == 2 else None, "; ".join(n for _, n in found if n))


def _folder_part(folder: Path, name: str, shape: tuple[int, int, int]) -> tuple[Dataset, str]:
    classes = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise NetcoreError(f"{folder} must have one subfolder of images per class, two or more, got {len(classes)}")
    files = [
        (file, label)
        for label, kind in enumerate(classes)
        for file in sorted((folder / kind).iterdir())
        if file.suffix.lower() in SUFFIXES
    ]
    key = f"folder-{'x'.join(map(str, shape))}-{files_fingerprint(file for file, _ in files)}"
    arrays = cached_arrays(key, lambda: _read_images(files, folder, shape))
    empty = [kind for label, kind in enumerate(classes) if label not in arrays["labels"]]
    if empty:
        raise NetcoreError(f"{folder / empty[0]} does not contain a readable image")
    skipped = arrays["skipped"].tolist()
    note = f"{len(skipped)} of {len(files)} files skipped: {'; '.join(skipped[:3])}" if skipped else ""
    return Dataset(plain_text(name), arrays["images"], arrays["labels"], tuple(map(plain_text, classes))), note


def _read_images(files: list[tuple[Path, int]], folder: Path, shape: tuple[int, int, int]) -> Arrays:
    from netcore.core.sample import read_sample

    images, labels, skipped = [], [], []
    for file, label in files:
        try:
            pixels = _read_prepared(file, shape)
            images.append(read_sample(file, shape)[0].pixels if pixels is None else pixels)
            labels.append(label)
        except NetcoreError as error:
            skipped.append(plain_text(str(error)).replace(f"{folder}/", ""))
    stacked = np.stack(images) if images else np.empty((0, *shape), np.uint8)
    return {
        "images": stacked[:, 0] if shape[0] == 1 else stacked,
        "labels": np.array(labels, np.int64),
        "skipped": np.array(skipped, np.str_),
    }


def _read_prepared(file: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8] | None:
    """Pixels of an image like MNIST's already: grey, of this size, on a dark ground; else None."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            if shape[0] != 1 or image.mode != "L" or image.size != (shape[2], shape[1]):
                return None
            pixels = np.asarray(image)[None]
    except Exception:  # `read_sample` reports the error
        return None
    border = np.concatenate([pixels[0, 0], pixels[0, -1], pixels[0, :, 0], pixels[0, :, -1]])
    return pixels.copy() if np.median(border) < 64 else None

"""Data sets that are not MNIST's files: USPS, Kaggle's digit tables, folders of images."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from netcore.errors import NetcoreError
from netcore.learn.cache import Arrays, cached, stamp
from netcore.learn.data import DIGITS, DataSet, Source
from netcore.learn.download import downloading

BOX, SIDE = 20, 28  # MNIST's digits fill 20×20 pixels of 28×28
CENTRE = 14  # pixel that their centre of mass is placed on
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


# ---- USPS


def load_usps(folder: Path) -> Source:
    """United States Postal Service digits, other writers than MNIST's: 7,291 and 2,007 images, fitted to 28×28.

    The files ``usps.bz2`` and ``usps.t.bz2`` lie in the data folder or in its folder ``usps``.
    """
    from torchvision.datasets import USPS

    places = (folder / "usps", folder / "USPS", folder)
    place = next((p for p in places if (p / "usps.bz2").is_file() and (p / "usps.t.bz2").is_file()), None)
    if place is None:
        place = folder / "usps"
        downloading("usps", "2 MB", place, lambda: [USPS(place, train=t, download=True) for t in (True, False)])

    def parse(train: bool) -> Arrays:
        try:
            found = USPS(place, train=train)
        except (OSError, EOFError, ValueError) as error:
            raise NetcoreError(f"{place} holds damaged USPS files ({error}): delete them to download again") from error
        return {"images": as_mnist(found.data), "labels": np.array(found.targets, np.int64)}

    parts = []
    for train, file in ((True, "usps.bz2"), (False, "usps.t.bz2")):
        arrays = cached(f"usps-{stamp([place / file])}", lambda train=train: parse(train))
        parts.append(DataSet("usps", **arrays))
    return Source(*parts)


def as_mnist(images: np.ndarray) -> np.ndarray:
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
    out = np.zeros((len(images), SIDE, SIDE), np.uint8)
    weight = np.maximum(boxes.sum((1, 2), dtype=np.float64), 1)
    corners = []
    for axis, length in ((1, size[0]), (2, size[1])):
        centre = boxes.sum(3 - axis, dtype=np.float64) @ np.arange(length) / weight
        corners.append(np.clip(np.round(CENTRE - centre), 0, SIDE - length).astype(int))
    for top, left in {*zip(*map(np.ndarray.tolist, corners), strict=True)}:
        alike = (corners[0] == top) & (corners[1] == left)
        out[alike, top : top + size[0], left : left + size[1]] = boxes[alike]
    return out


# ---- Kaggle's digit recogniser


def load_kaggle(folder: Path) -> Source:
    """Read ``train.csv`` (or ``.csv.gz``): `label` and 784 pixels a row. Kaggle's test rows have no labels."""
    images, labels = read_table(table_in(folder, "train.csv"), labelled=True)
    return Source(DataSet("kaggle", images, labels), None)


def table_in(folder: Path, name: str) -> Path:
    """The table `name` in a folder, gzipped or not."""
    found = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if found is None:
        raise NetcoreError(f"{folder} has no {name} and no {name}.gz: give the folder of Kaggle's Digit Recognizer")
    return found


def read_table(path: Path, labelled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Read images uint8 (N, 28, 28) and labels (N,) from a table of Kaggle's layout; without labels they are empty.

    Raises
    ------
    NetcoreError
        If a column is missing, a row is ragged, a value no whole number from 0 to 255, a label none from 0 to 9, or
        there is no row; the line is told.
    """
    if not path.is_file():
        raise NetcoreError(f"no file {path}")
    arrays = cached(f"table-{int(labelled)}-{stamp([path])}", lambda: _parse_table(path, labelled))
    return arrays["images"], arrays["labels"]


def _parse_table(path: Path, labelled: bool) -> Arrays:
    try:
        import pandas as pd
    except ImportError as error:
        raise NetcoreError("reading tables needs the package pandas: pip install pandas") from error
    wanted = ["label"] * labelled + [f"pixel{i}" for i in range(SIDE * SIDE)]
    try:
        frame = pd.read_csv(path, low_memory=False)
    except pd.errors.EmptyDataError:
        raise NetcoreError(f"{path} is empty") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
        raise NetcoreError(f"{path} is no table as Kaggle has it: {' '.join(str(error).split())}") from error
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise NetcoreError(f"{path} lacks the column '{missing[0]}'{more}")
    if not len(frame):
        raise NetcoreError(f"{path} has no rows")
    if not isinstance(frame.index, pd.RangeIndex):
        raise NetcoreError(f"{path}, line 2: more values than the header has columns")
    values = _whole_numbers(frame[wanted], path)
    labels = values[:, 0] if labelled else np.empty(0, np.int64)
    pixels = values[:, 1:] if labelled else values
    _in_range(pixels, 255, path, "pixel")
    _in_range(labels[:, None], len(DIGITS) - 1, path, "label")
    return {"images": pixels.astype(np.uint8).reshape(-1, SIDE, SIDE), "labels": labels.astype(np.int64)}


def _whole_numbers(frame, path: Path) -> np.ndarray:
    for name, kind in frame.dtypes.items():
        if kind.kind not in "iu":
            import pandas as pd

            column = pd.to_numeric(frame[name], errors="coerce")
            bad = (column.isna() | (column % 1 != 0)).to_numpy()
            row = int(bad.argmax())
            value = frame[name].iloc[row]
            said = "has too few values" if pd.isna(value) else f"has '{value}' in {name}, no whole number"
            raise NetcoreError(f"{path}, line {row + 2}: {said}")
    return frame.to_numpy()


def _in_range(values: np.ndarray, high: int, path: Path, what: str) -> None:
    bad = np.argwhere((values < 0) | (values > high))
    if len(bad):
        row, column = bad[0]
        raise NetcoreError(f"{path}, line {row + 2}: {what} {values[row, column]} is out of range, 0 to {high}")


# ---- a folder of images


def load_folder(folder: Path, shape: tuple[int, int, int] = (1, SIDE, SIDE)) -> Source:
    """Read images that lie in one folder a class; ``train`` and ``test`` within, where there are such.

    Files that cannot be read are left out, named and counted in the note.

    Parameters
    ----------
    shape : tuple of int
        (C, H, W) to fit the images to; digits of (1, 28, 28) are prepared as MNIST's are.
    """
    if not folder.is_dir():
        raise NetcoreError(f"no folder {folder}")
    parts = [folder / "train", folder / "test"] if (folder / "train").is_dir() else [folder]
    found = [_folder_part(part, folder.name, shape) for part in parts if part.is_dir()]
    if len(found) == 2 and found[0][0].classes != found[1][0].classes:
        raise NetcoreError(f"{folder}: train and test have different classes")
    return Source(found[0][0], found[1][0] if len(found) == 2 else None, "; ".join(n for _, n in found if n))


def _folder_part(folder: Path, name: str, shape: tuple[int, int, int]) -> tuple[DataSet, str]:
    classes = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise NetcoreError(f"{folder} needs a folder of images for each of two classes or more, it has {len(classes)}")
    files = [
        (file, label)
        for label, kind in enumerate(classes)
        for file in sorted((folder / kind).iterdir())
        if file.suffix.lower() in IMAGES
    ]
    key = f"folder-{'x'.join(map(str, shape))}-{stamp(file for file, _ in files)}"
    arrays = cached(key, lambda: _read_images(files, folder, shape))
    empty = [kind for label, kind in enumerate(classes) if label not in arrays["labels"]]
    if empty:
        raise NetcoreError(f"{folder / empty[0]} holds no image that can be read")
    skipped = arrays["skipped"].tolist()
    note = f"{len(skipped)} of {len(files)} files left out: {'; '.join(skipped[:3])}" if skipped else ""
    return DataSet(name, arrays["images"], arrays["labels"], tuple(classes)), note


def _read_images(files: list[tuple[Path, int]], folder: Path, shape: tuple[int, int, int]) -> Arrays:
    from netcore.picture import read_picture

    images, labels, skipped = [], [], []
    for file, label in files:
        try:
            pixels = _as_it_is(file, shape)
            images.append(read_picture(file, shape)[0].pixels if pixels is None else pixels)
            labels.append(label)
        except NetcoreError as error:
            skipped.append(str(error).replace(f"{folder}/", ""))
    stacked = np.stack(images) if images else np.empty((0, *shape), np.uint8)
    return {
        "images": stacked[:, 0] if shape[0] == 1 else stacked,
        "labels": np.array(labels, np.int64),
        "skipped": np.array(skipped, np.str_),
    }


def _as_it_is(file: Path, shape: tuple[int, int, int]) -> np.ndarray | None:
    """The pixels of a file that is MNIST-like already: grey, of that very size, on a dark ground; else None."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            if shape[0] != 1 or image.mode != "L" or image.size != (shape[2], shape[1]):
                return None
            pixels = np.asarray(image)[None]
    except Exception:  # `read_picture` tells what is wrong with it
        return None
    border = np.concatenate([pixels[0, 0], pixels[0, -1], pixels[0, :, 0], pixels[0, :, -1]])
    return pixels.copy() if np.median(border) < 64 else None


PLACES: dict[str, Callable[[Path], Source]] = {"kaggle": load_kaggle, "folder": load_folder}

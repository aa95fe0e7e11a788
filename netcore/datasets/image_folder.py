"""Images in one folder per class, as torchvision's ImageFolder."""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.plain_text import plain_text
from netcore.core.preprocessing import MNIST, is_dark_on_light
from netcore.core.sample import open_image, read_sample
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
    listed = [_list_part(part) for part in parts if part.is_dir()]
    if len(listed) == 2 and listed[0][0] != listed[1][0]:
        raise NetcoreError(f"{folder}: train and test have different classes")
    every = [file for _, files in listed for file, _ in files]
    dark_on_light, odd = _polarity(every) if shape == MNIST else (None, "")
    found = [
        _read_part(part, folder.name, shape, *one, dark_on_light) for part, one in zip(parts, listed, strict=False)
    ]
    notes = "; ".join(note for note in (odd, *(n for _, n in found)) if note)
    return DatasetSplits(found[0][0], found[1][0] if len(found) == 2 else None, notes)


Files = list[tuple[Path, int]]  # with the position of the class


def _list_part(folder: Path) -> tuple[list[str], Files]:
    """Names of the classes, and the image files of one part."""
    classes = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise NetcoreError(f"{folder} must have one subfolder of images per class, two or more, got {len(classes)}")
    files = [
        (file, label)
        for label, kind in enumerate(classes)
        for file in sorted((folder / kind).iterdir())
        if file.suffix.lower() in SUFFIXES
    ]
    return classes, files


def _polarity(files: list[Path]) -> tuple[bool, str]:
    """Whether digits are darker than their ground in most images of a data set; and a note on the other images."""

    def vote() -> Arrays:
        return {"votes": np.array([_vote(file) for file in files], np.int8)}

    votes = cached_arrays(f"polarity-{files_fingerprint(files)}", vote)["votes"]
    dark_on_light = bool(votes.sum() > 0)
    words = ("light on dark", "dark on light")
    odd = int((votes == (-1 if dark_on_light else 1)).sum())
    looks = f"{odd:,} of {len(files):,} images {'looks' if odd == 1 else 'look'} {words[not dark_on_light]}"
    return dark_on_light, f"{looks}: prepared as {words[dark_on_light]}, like the others" if odd else ""


def _vote(file: Path) -> int:
    """1 for dark on light, -1 for light on dark, 0 if unknown."""
    try:
        found = is_dark_on_light(open_image(file))
    except NetcoreError:  # reported when it is read
        return 0
    return 0 if found is None else 1 if found else -1


def _read_part(
    folder: Path, name: str, shape: tuple[int, int, int], classes: list[str], files: Files, dark_on_light: bool | None
) -> tuple[Dataset, str]:
    polarity = {None: "", True: "-dark", False: "-light"}[dark_on_light]
    key = f"folder2-{'x'.join(map(str, shape))}{polarity}-{files_fingerprint(file for file, _ in files)}"
    arrays = cached_arrays(key, lambda: _read_images(files, folder, shape, dark_on_light))
    empty = [kind for label, kind in enumerate(classes) if label not in arrays["labels"]]
    if empty:
        raise NetcoreError(f"{folder / empty[0]} does not contain a readable image")
    skipped = arrays["skipped"].tolist()
    note = f"{len(skipped)} of {len(files)} files skipped: {'; '.join(skipped[:3])}" if skipped else ""
    preparation = str(arrays["preparation"])
    names = tuple(map(plain_text, classes))
    return Dataset(plain_text(name), arrays["images"], arrays["labels"], names, preparation), note


def _read_images(files: Files, folder: Path, shape: tuple[int, int, int], dark_on_light: bool | None) -> Arrays:
    images, labels, skipped, done = [], [], [], []
    for file, label in files:
        try:
            pixels, steps = _read_unchanged(file, shape, bool(dark_on_light))
            if pixels is None:
                sample, note = read_sample(file, shape, dark_on_light)
                pixels, steps = sample.pixels, note.removeprefix(f"{file.name}: ")
            images.append(pixels)
            labels.append(label)
            done.append(steps)
        except NetcoreError as error:
            skipped.append(plain_text(str(error)).replace(f"{folder}/", ""))
    stacked = np.stack(images) if images else np.empty((0, *shape), np.uint8)
    return {
        "images": stacked[:, 0] if shape[0] == 1 else stacked,
        "labels": np.array(labels, np.int64),
        "skipped": np.array(skipped, np.str_),
        "preparation": np.array(_describe(done)),
    }


def _describe(done: list[str]) -> str:
    """Describe the preparation of all images: a short form, and each step with the number of images if not all.

    Examples
    --------
    >>> _describe(["inverted (dark on light), fitted", "inverted (dark on light), thin lines thickened, fitted"])
    'inverted and fitted like MNIST: inverted (dark on light), fitted, thin lines thickened (1 of 2)'
    """
    counts = Counter(step for steps in done for step in steps.split(", ") if step)
    if not counts:
        return ""
    steps = [step if n == len(done) else f"{step} ({n:,} of {len(done):,})" for step, n in counts.items()]
    words = {"inverted": "inverted", "fitted": "fitted like MNIST", "resized": "resized"}
    short = [word for start, word in words.items() if any(step.startswith(start) for step in counts)]
    return f"{' and '.join(short) or 'converted'}: {', '.join(steps)}"


def _read_unchanged(
    file: Path, shape: tuple[int, int, int], dark_on_light: bool
) -> tuple[NDArray[np.uint8] | None, str]:
    """Pixels of an image that needs no preparation: grey, of this size, on a dark ground; else None."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            if dark_on_light or shape[0] != 1 or image.mode != "L" or image.size != (shape[2], shape[1]):
                return None, ""
            return np.asarray(image)[None].copy(), ""
    except Exception:  # `read_sample` reports the error
        return None, ""

"""Checks of arrays from files."""

from collections.abc import Iterable, Mapping

import numpy as np


def check_arrays(
    arrays: Mapping[str, np.ndarray], dtypes: Mapping[str, str], ndims: Mapping[str, int], same: Iterable[str]
) -> None:
    """Check arrays of an .npz file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    dtypes : mapping of str to str
        Allowed kinds of dtype by name: ``"u"``, ``"iu"``, ``"f"``.
    ndims : mapping of str to int
        Number of axes by name.
    same : iterable of str
        Names whose arrays have the same length.

    Raises
    ------
    ValueError
        If an array is missing or another.
    """
    for name, kinds in dtypes.items():
        if name not in arrays:
            raise ValueError(f"it has no {name}")
        found = arrays[name]
        if found.dtype.kind not in kinds or found.ndim != ndims[name]:
            raise ValueError(f"{name} must have {ndims[name]} axes of numbers, got {found.dtype} {found.shape}")
    if len({len(arrays[name]) for name in same}) > 1:
        raise ValueError(f"{', '.join(same)} must have the same length")


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Check that labels are numbers of classes; ValueError otherwise."""
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels must be from 0 to {classes - 1}")


# Names of the images of an evaluation, and of what belongs to each.
EVALUATED_IMAGES = {
    "mistake": ("mistake_images", "mistake_index"),
    "sample": ("sample_images", "sample_labels", "sample_index"),
}


def check_images(arrays: Mapping[str, np.ndarray], names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """Check uint8 images, the first of `names`, and the integers of the same length that belong to them."""
    images, *others = names
    kinds = {images: "u"} | dict.fromkeys(others, "iu")
    check_arrays(arrays, kinds, {images: 4} | dict.fromkeys(others, 1), names)
    if arrays[images].dtype != np.uint8 or arrays[images].shape[1:] != shape:
        found = f"{arrays[images].dtype} {arrays[images].shape}"
        raise ValueError(f"{images} must be uint8 (N, {', '.join(map(str, shape))}), got {found}")


def check_evaluation(arrays: Mapping[str, np.ndarray], shape: tuple[int, ...], classes: int) -> None:
    """Check the arrays of an evaluation on images of `shape` (C, H, W); ValueError says what is wrong."""
    check_arrays(arrays, {"logits": "f", "labels": "iu"}, {"logits": 2, "labels": 1}, ())
    count, scores = arrays["logits"].shape
    if scores != classes or len(arrays["labels"]) not in (0, count):
        raise ValueError(f"logits must be (N, {classes}) and labels (N,)")
    if not np.isfinite(arrays["logits"]).all():
        raise ValueError("logits must be finite")
    check_labels(arrays["labels"], classes)
    for part, names in EVALUATED_IMAGES.items():
        if any(name in arrays for name in names):
            check_images(arrays, names, shape)
            check_labels(arrays[f"{part}_index"], count)

"""Data sets in memory, split and sampled by class."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.errors import NetcoreError
from netcore.datasets.cache import array_digest

DIGITS = tuple("0123456789")
MNIST_SIDE = 28  # pixels of height and width


class DatasetUnavailable(NetcoreError):
    """The files are not on this machine and cannot be downloaded."""


@dataclass(frozen=True)
class Dataset:
    """Images with their classes.

    Attributes
    ----------
    name : str
    images : ndarray of uint8, shape (N, H, W) or (N, C, H, W)
    labels : ndarray of int64, shape (N,)
        Positions in `classes`.
    classes : tuple of str
        K names.
    preparation : str
        How the images were prepared, in words: a short form, and what was done after a colon; "" if they are as stored.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.integer]
    classes: tuple[str, ...] = DIGITS
    preparation: str = ""

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim not in (3, 4):
            raise NetcoreError(f"{self.name}: images must be uint8 (N, H, W), got {self.images.dtype}")
        if len(self.images) != len(self.labels):
            raise NetcoreError(f"{self.name}: {len(self.images)} images but {len(self.labels)} labels")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            worst = self.labels[(self.labels < 0) | (self.labels >= len(self.classes))][0]
            raise NetcoreError(f"{self.name}: label {worst} is out of range, 0 to {len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels_first(self) -> NDArray[np.uint8]:
        """Images of shape (N, C, H, W)."""
        return self.images if self.images.ndim == 4 else self.images[:, None]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 digest of images and labels."""
        return array_digest(self.images, self.labels)

    def subset(self, index: ArrayLike) -> "Dataset":
        """Select the images at these positions, or by a mask."""
        index = np.asarray(index)
        return replace(self, images=self.images[index], labels=self.labels[index])


@dataclass(frozen=True)
class DatasetSplits:
    """The parts of a data set.

    Attributes
    ----------
    train : Dataset
    test : Dataset or None
        None if the data set has no test part.
    note : str
        Message to the user, for example about files that could not be read.
    """

    train: Dataset
    test: Dataset | None
    note: str = ""


def stratified_split(labels: ArrayLike, share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split positions into training and held-out ones, the same share of each class held out.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
    share : float
        Share to hold out, in [0, 1]; at least one image of each class.
    seed : int

    Returns
    -------
    train, held_out : ndarray
        Positions in ascending order.

    Examples
    --------
    >>> train, held_out = stratified_split([0, 0, 0, 0, 1, 1], 0.5, seed=0)
    >>> len(train), len(held_out)
    (3, 3)
    """
    labels = np.asarray(labels)
    random = np.random.default_rng(seed)
    held = [
        random.permutation(np.flatnonzero(labels == c))[: max(1, round(share * np.sum(labels == c)))]
        for c in np.unique(labels)
    ]
    mask = np.zeros(len(labels), bool)
    mask[np.concatenate(held)] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def sample_per_class(data: Dataset, per_class: int) -> NDArray[np.intp]:
    """Return the positions of the first `per_class` images of every class, interleaved by class.

    Examples
    --------
    >>> sample_per_class(Dataset("a", np.zeros((5, 1, 1), np.uint8), np.array([0, 0, 0, 1, 1])), 2)
    array([0, 3, 1, 4])
    """
    ranks = np.zeros(len(data), np.int64)
    for c in range(len(data.classes)):
        members = np.flatnonzero(data.labels == c)
        ranks[members] = np.arange(len(members))
    order = np.lexsort((data.labels, ranks))
    return order[ranks[order] < per_class]

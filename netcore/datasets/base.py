"""Data sets in memory: splitting and sampling by class."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.datasets.cache import array_digest

DIGITS = tuple("0123456789")
MNIST_SIDE = 28  # pixels of height and width


class DatasetUnavailable(NetcoreError):
    """The data are not on this machine and cannot be downloaded."""


@dataclass(frozen=True)
class Dataset:
    """Images with their classes.

    images : uint8 (N, H, W), or (N, C, H, W) where they have colour.
    labels : int64 (N,), positions in `classes`.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...] = DIGITS

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
    def channels_first(self) -> np.ndarray:
        """The images as (N, C, H, W)."""
        return self.images if self.images.ndim == 4 else self.images[:, None]

    @cached_property
    def sha256(self) -> str:
        """Digest of images and labels."""
        return array_digest(self.images, self.labels)

    def take(self, index: np.ndarray) -> "Dataset":
        """The images at these positions."""
        return replace(self, images=self.images[index], labels=self.labels[index])


@dataclass(frozen=True)
class DatasetSplits:
    """What a name stands for: a training part, a test part where there is one, and a note for the user."""

    train: Dataset
    test: Dataset | None
    note: str = ""


def stratified_split(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split positions into (kept, held out), with `share` of each class held out; both in ascending order."""
    random = np.random.default_rng(seed)
    held = [
        random.permutation(np.flatnonzero(labels == c))[: max(1, round(share * np.sum(labels == c)))]
        for c in np.unique(labels)
    ]
    mask = np.zeros(len(labels), bool)
    mask[np.concatenate(held)] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def sample_per_class(data: Dataset, each: int) -> np.ndarray:
    """Positions of the first `each` images of every class, interleaved by class."""
    ranks = np.zeros(len(data), np.int64)
    for c in range(len(data.classes)):
        mine = np.flatnonzero(data.labels == c)
        ranks[mine] = np.arange(len(mine))
    order = np.lexsort((data.labels, ranks))
    return order[ranks[order] < each]

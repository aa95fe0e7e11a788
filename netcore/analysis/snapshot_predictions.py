"""Predictions of the snapshots of a run on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from netcore.analysis.history import epoch_columns, snapshots_until
from netcore.analysis.regions import evenly_spaced
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_subset
from netcore.core.run import LabeledImages, Snapshot
from netcore.core.sample import Sample

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # training steps and values
MAX_SNAPSHOTS = 60
MAX_IMAGES = 1000  # a CNN of two convolutions takes about 0.5 s for each snapshot


@dataclass(frozen=True)
class Mistake:
    """Images of one class that are predicted to be of another.

    Attributes
    ----------
    true, predicted : int
    images : ndarray of int, shape (M,)
        Indices, the highest probability of the predicted class first.
    of : int
        Number of images of the true class.
    """

    true: int
    predicted: int
    images: NDArray[np.int_]
    of: int


@dataclass(frozen=True)
class LossRise:
    """A held-out loss that rises while the training loss falls.

    Attributes
    ----------
    index : int
        Snapshot of the lowest held-out loss.
    held_out, train : tuple of float
        Loss at that snapshot and at the last one; the training loss as it was recorded.
    """

    index: int
    held_out: tuple[float, float]
    train: tuple[float, float]


@dataclass(frozen=True)
class SnapshotPredictions:
    """Logits of T snapshots on N images of K classes, in evaluation mode.

    Attributes
    ----------
    snapshots : tuple of Snapshot
    images : LabeledImages
    logits : ndarray, shape (T, N, K)
    total : int
        Number of images that the N were taken from; 0 if they are all.
    """

    snapshots: tuple[Snapshot, ...]
    images: LabeledImages
    logits: NDArray[np.floating]
    total: int = 0

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

    @cached_property
    def recall(self) -> NDArray[np.float64]:
        """Share of the images of each class that are predicted right, shape (T, K); NaN for a class without images."""
        counts = self.confusion.sum(2)
        right = np.diagonal(self.confusion, axis1=1, axis2=2)
        return np.asarray(np.where(counts, right / np.maximum(counts, 1), np.nan))

    @property
    def words(self) -> str:
        """Number of images and what they are: ``"1,000 images not used in training"``."""
        n = len(self.images.labels)
        kind = {"held_out": "image", "train": "training image"}.get(self.images.part, "example image")
        known = " not used in training" if self.images.part == "held_out" else ""
        return format_subset(n, self.total or n, kind) + known

    def index_of(self, pixels: NDArray[np.uint8]) -> int | None:
        """Return the place of an image (C, H, W) among the images, None if it is not one of them."""
        same = np.flatnonzero((self.images.images == pixels).all((1, 2, 3)))
        return int(same[0]) if len(same) else None

    def slowest_classes(self, share: float = 0.5) -> tuple[list[int], int]:
        """Return the classes that reach a recall last, and the snapshot at which they do, -1 for never.

        If all classes have it from the first snapshot on, there are none, and the snapshot is 0.
        """
        reached = self.recall >= share
        known = np.isfinite(self.recall[0])
        never = np.flatnonzero(known & ~reached.any(0))
        if len(never):
            return never.tolist(), -1
        first = np.where(known, reached.argmax(0), 0)
        return (np.flatnonzero(first == first.max()).tolist() if first.max() else []), int(first.max())

    def main_mistake(self) -> Mistake | None:
        """Return the most frequent pair of true and predicted class at the last snapshot, None without mistakes."""
        errors = self.confusion[-1] * (1 - np.eye(self.logits.shape[2], dtype=int))
        true, predicted = (int(k) for k in np.unravel_index(errors.argmax(), errors.shape))
        if not errors[true, predicted]:
            return None
        found = np.flatnonzero((self.images.labels == true) & (self.predictions[-1] == predicted))
        surest = found[np.argsort(-self.log_probabilities[-1, found, predicted], kind="stable")]
        return Mistake(true, predicted, surest, int((self.images.labels == true).sum()))

    def least_sure(self, limit: int) -> NDArray[np.int_]:
        """Return the right predictions of lowest confidence at the last snapshot, as indices of images."""
        right = np.flatnonzero(self.predictions[-1] == self.images.labels)
        return right[np.argsort(self.losses[-1, right])[::-1][:limit]]


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


def path_label(context: SceneContext) -> str:
    """Return the labels of the first and last of `path_snapshots`: ``"untrained to epoch 300"``."""
    snapshots = path_snapshots(context)
    return f"{snapshots[0].label} to {snapshots[-1].label}"


def predict_snapshots(
    context: SceneContext, snapshots: Sequence[Snapshot], limit: int = MAX_IMAGES
) -> SnapshotPredictions:
    """Compute the predictions of snapshots on the held-out images, or on the examples; they are kept with the run.

    Parameters
    ----------
    context : SceneContext
    snapshots : sequence of Snapshot
    limit : int
        Maximum number of images; of more, evenly spaced ones are taken.
    """
    images = context.images("held_out")
    total = len(images.labels)
    if total > limit:
        index = np.linspace(0, total - 1, limit).round().astype(int)
        images = LabeledImages(images.part, images.images[index], images.labels[index])
    logits = np.stack([context.predict_batch(images.images, at=s)["logits"] for s in snapshots])
    return SnapshotPredictions(tuple(snapshots), images, logits, total)


def shares_of_image(context: SceneContext, found: SnapshotPredictions, sample: Sample) -> NDArray[np.float64]:
    """Return the class probabilities of one image at the snapshots, shape (T, K)."""
    place = found.index_of(sample.pixels)
    if place is not None:
        return np.exp(found.log_probabilities[:, place])
    logits = [context.predict_batch(sample.pixels[None], at=s)["logits"][0] for s in found.snapshots]
    return np.asarray(softmax(np.stack(logits).astype(np.float64), axis=1))


def recorded_curves(context: SceneContext, found: SnapshotPredictions) -> tuple[Curve, Curve]:
    """Return loss and accuracy by training step: at the snapshots, and where the history has the same images."""
    steps = np.array([s.step for s in found.snapshots], dtype=np.float64)
    rows = np.column_stack([steps, found.loss, found.accuracy])
    if found.images.part == "held_out" and context.held_out_count == len(found.images.labels):
        more = np.column_stack(epoch_columns(context, "step", "val_loss", "val_accuracy"))
        more = more[np.isfinite(more).all(1) & ~np.isin(more[:, 0], steps) & (more[:, 0] < steps[-1])]
        rows = np.concatenate([rows, more])
    rows = rows[np.argsort(rows[:, 0])]
    return (rows[:, 0], rows[:, 1]), (rows[:, 0], rows[:, 2])


def lasting_half(found: SnapshotPredictions, curve: Curve) -> int | None:
    """Return the first snapshot from which on the accuracy stays above one half, None if it does not.

    Parameters
    ----------
    found : SnapshotPredictions
    curve : Curve
        Accuracy at the snapshots and between them, see `recorded_curves`.
    """
    steps, accuracy = curve
    low = steps[accuracy <= 0.5]
    after = [k for k, s in enumerate(found.snapshots) if not len(low) or s.step > low[-1]]
    return after[0] if after else None


def rising_loss(context: SceneContext, found: SnapshotPredictions, factor: float = 1.1) -> LossRise | None:
    """Return where the loss begins to rise, None unless it ends `factor` times as high while the training loss fell."""
    lowest = int(found.loss.argmin())
    steps, train = epoch_columns(context, "step", "train_loss")
    at = [np.flatnonzero((steps <= found.snapshots[k].step) & np.isfinite(train))[-1:] for k in (lowest, -1)]
    if found.loss[-1] < factor * found.loss[lowest] or not all(map(len, at)):
        return None
    before, after = (float(train[k[0]]) for k in at)
    ends = float(found.loss[lowest]), float(found.loss[-1])
    return LossRise(lowest, ends, (before, after)) if after < before else None

"""Stored or computed predictions on a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.diagram_columns import diagram_columns
from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.formatting import format_count, format_images
from netcore.core.probabilities import class_probabilities
from netcore.core.run import Snapshot
from netcore.core.sample import Sample
from netcore.core.trace import Trace


@dataclass(frozen=True)
class Predictions:
    """Predictions on N images of K classes.

    Attributes
    ----------
    name : str
        The data set.
    probabilities : ndarray of float64, shape (N, K)
    labels : ndarray of int64, shape (N,)
        True classes; empty if they are not known.
    snapshot : str
        Label of the snapshot evaluated, ``"epoch 20"``; empty if not known.
    best_on_these : bool
        Whether that snapshot was chosen as the best one on these images.
    held_out : bool
        Whether the images are the held-out ones of the data set used for training.
    preparation : str
        How the images were prepared, in a few words; empty if they are as stored.
    """

    name: str
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    snapshot: str = ""
    best_on_these: bool = False
    held_out: bool = False
    preparation: str = ""

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """Predicted classes, shape (N,)."""
        return self.probabilities.argmax(1)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the predicted class, shape (N,)."""
        return self.probabilities.max(1)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is correct, shape (N,)."""
        return np.equal(self.predictions, self.labels)

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return float(self.correct.mean())

    @cached_property
    def confusion_matrix(self) -> NDArray[np.int64]:
        """Counts, shape (K, K): rows are true classes, columns predicted ones."""
        from sklearn.metrics import confusion_matrix

        counts: NDArray[np.int64] = confusion_matrix(
            self.labels, self.predictions, labels=range(self.probabilities.shape[1])
        )
        return counts

    @property
    def description(self) -> str:
        """Images and snapshot: ``1,000 held-out MNIST digits, best epoch (20), chosen on these images``."""
        images = format_images(len(self.probabilities), self.name, self.held_out)
        images += f" ({self.preparation})" if self.preparation else ""
        if not self.snapshot:
            return images
        unit, _, number = self.snapshot.partition(" ")
        if not self.best_on_these:
            return f"{images}, {self.snapshot}"
        best = f"best epoch ({number})" if unit == "epoch" else f"best snapshot ({self.snapshot})"
        return f"{images}, {best}, chosen on these images"


def stored_predictions(context: SceneContext, name: str | None = None, labeled: bool = True) -> Predictions:
    """Read the stored predictions on a data set.

    Parameters
    ----------
    context : SceneContext
    name : str, optional
        The data set; default: the first one evaluated.
    labeled : bool
        Whether the true classes are required.

    Returns
    -------
    Predictions

    Raises
    ------
    RequirementError
        If there are none, some are NaN, or the true classes are required but not known.
    """
    stored = context.evaluation(name)
    if not len(stored.logits) or not np.isfinite(stored.logits).all():
        raise RequirementError(
            f"run '{context.run_name}': the evaluation on {stored.name} is empty or contains NaN: evaluate again"
        )
    labels = stored.labels.astype(np.int64)
    if labeled and len(labels) != len(stored.logits):
        raise RequirementError(f"run '{context.run_name}': the true classes of {stored.name} are not known")
    return Predictions(
        stored.name,
        class_probabilities(stored.logits),
        labels,
        stored.snapshot,
        _chosen_on(context, stored.name, stored.snapshot),
        context.dataset_name == stored.name,
        stored.preparation.partition(":")[0],
    )


def _chosen_on(context: SceneContext, name: str, snapshot: str) -> bool:
    """Whether a snapshot is evaluated on the very images on which it was found to be the best of the run."""
    best = context.best_snapshot
    evaluated_here = context.dataset_name == name and context.held_out_is_test_set
    return evaluated_here and best is not None and best.label == snapshot


def predict_examples(context: SceneContext, at: str | Snapshot | None = None) -> Predictions:
    """Compute the predictions on the run's example images.

    Parameters
    ----------
    context : SceneContext
    at : str or Snapshot, optional
        Default: the chosen snapshot.
    """
    examples = context.examples()
    logits = context.predict_batch(examples.images, at=at)["logits"]
    return Predictions("examples", class_probabilities(logits), examples.labels.astype(np.int64))


def whole_accuracy(context: SceneContext) -> tuple[float, str]:
    """Return the accuracy of the chosen snapshot on all images there are, and which: ``"1,000 held-out"``.

    They are the held-out images where the run was evaluated on them at this snapshot, else the examples.
    """
    for name in context.evaluations:
        try:
            found = stored_predictions(context, name)
        except NetcoreError:  # empty, damaged, or with NaN
            continue
        if found.held_out and found.snapshot == context.snapshot().label and len(found.labels):
            return found.accuracy, f"{len(found.labels):,} held-out"
    examples = predict_examples(context)
    return examples.accuracy, format_count(len(examples.labels), "example")


@dataclass(frozen=True)
class PredictionBatch:
    """Predictions on all N images of an animation, computed beforehand so that scales stay the same.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (N, K)
    labels : ndarray of int64, shape (N,)
        -1 if the true class is not known.
    layers : tuple of str
        Names of the layers whose activations are measured; the last one gives the scores.
    activation_stats : ndarray, shape (2, layers, N)
        Mean and largest magnitude.
    output_weights : ndarray, shape (K, features), optional
        Weights into the scores.
    """

    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    layers: tuple[str, ...]
    activation_stats: NDArray[np.floating]
    output_weights: NDArray[np.floating] | None


def predict_samples(context: SceneContext, samples: Sequence[Sample]) -> PredictionBatch:
    """Put all images through the network at once."""
    trace = context.trace(sample=samples[-1])
    columns = diagram_columns(trace)[1:]
    nodes = [column.block.output for column in columns if column.block is not None]
    found = context.predict_batch(np.stack([sample.pixels for sample in samples]), tuple(nodes))
    flat = [np.abs(found[node].reshape(len(samples), -1)) for node in nodes]
    labels = np.array([-1 if sample.label is None else sample.label for sample in samples])
    return PredictionBatch(
        class_probabilities(found["logits"]),
        labels,
        tuple(column.name for column in columns),
        np.stack([[v.mean(1) for v in flat], [v.max(1) for v in flat]]),
        _output_weights(trace),
    )


def _output_weights(trace: Trace) -> NDArray[np.floating] | None:
    """Weights into the scores, (K, features): those of the last layer that has one row per class."""
    for layer in reversed(trace.layers):
        if layer.weight is not None and layer.weight.ndim > 1:
            return layer.weight.reshape(len(layer.weight), -1) if len(layer.weight) == len(trace.logits) else None
    return None

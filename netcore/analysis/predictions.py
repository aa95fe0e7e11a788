"""Stored or computed predictions on a data set."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import softmax

from netcore.analysis.diagram_columns import diagram_columns
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_images
from netcore.core.sample import Sample
from netcore.core.trace import Trace


@dataclass(frozen=True)
class Predictions:
    """Answers on N images of K classes.

    name : the data set.
    probabilities : float64 (N, K).
    labels : int64 (N,), the true classes; empty where they are not known.
    snapshot : label of the snapshot evaluated, ``"epoch 20"``; empty if not known.
    chosen_here : whether that snapshot was chosen as the best one on these images.
    held_out : whether the images are the held-out ones of the data set used for training.
    preparation : how the images were prepared, in a few words; empty if they are as stored.
    """

    name: str
    probabilities: np.ndarray
    labels: np.ndarray
    snapshot: str = ""
    chosen_here: bool = False
    held_out: bool = False
    preparation: str = ""

    @cached_property
    def predictions(self) -> np.ndarray:
        """int64 (N,)."""
        return self.probabilities.argmax(1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float64 (N,)."""
        return self.probabilities.max(1)

    @cached_property
    def right(self) -> np.ndarray:
        """bool (N,)."""
        return self.predictions == self.labels

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    @cached_property
    def confusion(self) -> np.ndarray:
        """Counts (K, K): rows are true classes, columns predicted ones."""
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(self.labels, self.predictions, labels=range(self.probabilities.shape[1]))

    @property
    def words(self) -> str:
        """Images and snapshot: ``1,000 held-out MNIST digits, best epoch (20), chosen on these images``."""
        images = format_images(len(self.probabilities), self.name, self.held_out)
        images += f" ({self.preparation})" if self.preparation else ""
        if not self.snapshot:
            return images
        unit, _, number = self.snapshot.partition(" ")
        if not self.chosen_here:
            return f"{images}, {self.snapshot}"
        best = f"best epoch ({number})" if unit == "epoch" else f"best snapshot ({self.snapshot})"
        return f"{images}, {best}, chosen on these images"


def stored_predictions(context: SceneContext, name: str | None = None, labelled: bool = True) -> Predictions:
    """Read the stored answers on a data set (the first one evaluated where `name` is None).

    Raises
    ------
    Refused
        If there are none, some are NaN, or (where `labelled`) the true classes are not known.
    """
    stored = context.evaluation(name)
    if not len(stored.logits) or not np.isfinite(stored.logits).all():
        raise RequirementError(
            f"run '{context.run_name}': the evaluation on {stored.name} is empty or contains NaN: evaluate again"
        )
    labels = stored.labels.astype(np.int64)
    if labelled and len(labels) != len(stored.logits):
        raise RequirementError(f"run '{context.run_name}': the true classes of {stored.name} are not known")
    return Predictions(
        stored.name,
        softmax(stored.logits.astype(float), axis=1),
        labels,
        stored.snapshot,
        _chosen_on(context, stored.name, stored.snapshot),
        context.dataset_name == stored.name,
        stored.preparation.partition(":")[0],
    )


def _chosen_on(context: SceneContext, name: str, snapshot: str) -> bool:
    """Whether a snapshot's answers are on the very images on which it was found to be the best of the run."""
    best = context.best_snapshot
    judged_here = context.dataset_name == name and context.held_out_is_test_set
    return judged_here and best is not None and best.label == snapshot


def predict_examples(context: SceneContext, at: object = None) -> Predictions:
    """Compute the answers on the run's example images at a snapshot (the chosen one where `at` is None)."""
    examples = context.examples()
    logits = context.predict_batch(examples.images, at=at)["logits"]  # type: ignore[arg-type]
    return Predictions("examples", softmax(logits.astype(float), axis=1), examples.labels.astype(np.int64))


@dataclass(frozen=True)
class PredictionBatch:
    """Answers on all N images, known beforehand so that scales stay.

    probabilities : (N, K).
    labels : (N,), -1 where the true class is not known.
    layers : names of the layers whose activations are measured, the last one gives the scores.
    activity : (2, layers, N), mean and largest magnitude.
    weights : (K, features) into the scores, or None.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    layers: tuple[str, ...]
    activity: np.ndarray
    weights: np.ndarray | None


def predict_samples(context: SceneContext, feed: list[Sample]) -> PredictionBatch:
    """Put all images through the network at once."""
    trace = context.trace(sample=feed[-1])
    columns = diagram_columns(trace)[1:]
    nodes = [column.block.output for column in columns if column.block is not None]
    found = context.predict_batch(np.stack([p.pixels for p in feed]), tuple(nodes))
    flat = [np.abs(found[node].reshape(len(feed), -1)) for node in nodes]
    labels = np.array([-1 if p.label is None else p.label for p in feed])
    return PredictionBatch(
        softmax(found["logits"].astype(float), axis=1),
        labels,
        tuple(column.name for column in columns),
        np.stack([[v.mean(1) for v in flat], [v.max(1) for v in flat]]),
        _last_weights(trace),
    )


def _last_weights(trace: Trace) -> np.ndarray | None:
    """Weights into the scores, (K, features): those of the last layer that has a row a class."""
    for layer in reversed(trace.layers):
        if layer.weight is not None and layer.weight.ndim > 1:
            return layer.weight.reshape(len(layer.weight), -1) if len(layer.weight) == len(trace.logits) else None
    return None

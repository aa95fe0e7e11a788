"""What a run answered on a data set, and the statistics that figures show of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import softmax

from netcore.case import Case
from netcore.core.formatting import format_count
from netcore.errors import Refused


@dataclass(frozen=True)
class Answers:
    """Answers on N images of K classes.

    name : the data set.
    probabilities : float64 (N, K).
    labels : int64 (N,), the true classes; empty where they are not known.
    snapshot : whose answers they are, ``"epoch 20"``, where that is known.
    chosen_here : whether it was chosen from several as the best on these images.
    """

    name: str
    probabilities: np.ndarray
    labels: np.ndarray
    snapshot: str = ""
    chosen_here: bool = False

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
        """How many images of what, and whose answers: ``10,000 images of mnist, epoch 20 (best on these)``."""
        words = f"{format_count(len(self.probabilities), 'image')} of {self.name}"
        words += f", {self.snapshot}" if self.snapshot else ""
        return words + (" (best on these)" if self.chosen_here else "")


def answers(case: Case, name: str | None = None, labelled: bool = True) -> Answers:
    """Read the stored answers on a data set (the first one evaluated where `name` is None).

    Raises
    ------
    Refused
        If there are none, some are NaN, or (where `labelled`) the true classes are not known.
    """
    stored = case.evaluation(name)
    if not len(stored.logits) or not np.isfinite(stored.logits).all():
        raise Refused(f"run '{case.run_name}': the evaluation on {stored.name} is empty or holds NaN: evaluate again")
    labels = stored.labels.astype(np.int64)
    if labelled and len(labels) != len(stored.logits):
        raise Refused(f"run '{case.run_name}': the true classes of {stored.name} are not known")
    return Answers(
        stored.name,
        softmax(stored.logits.astype(float), axis=1),
        labels,
        stored.snapshot,
        _chosen_on(case, stored.name, stored.snapshot),
    )


def _chosen_on(case: Case, name: str, snapshot: str) -> bool:
    """Whether a snapshot's answers are on the very images on which it was found to be the best of the run."""
    best = case.best_snapshot
    judged_here = case.dataset_name == name and case.held_out_is_test_set
    return judged_here and best is not None and best.label == snapshot


def answers_on_examples(case: Case, at: object = None) -> Answers:
    """Compute the answers on the run's example images at a snapshot (the chosen one where `at` is None)."""
    examples = case.examples()
    logits = case.passes(examples.images, at=at)["logits"]  # type: ignore[arg-type]
    return Answers("examples", softmax(logits.astype(float), axis=1), examples.labels.astype(np.int64))


def interval(right: int, of: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share, Wilson's (good for few images and near 0 and 1); 0 to 1 of none."""
    if of == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    found = binomtest(int(right), int(of)).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def calibration(answers: Answers, bins: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """By bin of confidence: images, mean confidence, accuracy (NaN in empty bins); and the expected calibration error.

    The error is the mean of |accuracy − confidence| over bins, weighted by their images (Naeini et al., 2015).
    """
    place = np.clip(np.ceil(answers.confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, answers.confidence, bins) / count
        accuracy = np.bincount(place, answers.right, bins) / count
    error = float(np.nansum(count * abs(accuracy - confidence)) / count.sum())
    return count, confidence, accuracy, error

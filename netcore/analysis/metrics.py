"""Accuracy, Wilson interval, precision, recall and calibration of a classifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.probabilities import class_probabilities

BINS = 10  # of equal width, of the calibration error


def expected_calibration_error(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Compute the expected calibration error, in [0, 1].

    The mean of |accuracy - confidence| over bins of confidence, weighted by their images (Guo et al., "On Calibration
    of Modern Neural Networks", 2017, arXiv 1706.04599).

    Parameters
    ----------
    probabilities : array_like, shape (N, K)
    labels : array_like of int, shape (N,)

    Examples
    --------
    >>> expected_calibration_error([[0.75, 0.25], [0.75, 0.25]], [0, 0])
    0.25
    """
    probabilities = np.asarray(probabilities)
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == labels
    bins = _bin_index(confidence, BINS)
    gaps = np.bincount(bins, correct, BINS) - np.bincount(bins, confidence, BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def classification_metrics(logits: ArrayLike, labels: ArrayLike, classes: Sequence[str]) -> dict[str, Any]:
    """Compute all metrics of one data set, as plain values for run.json.

    Parameters
    ----------
    logits : array_like, shape (N, K)
    labels : array_like of int, shape (N,)
    classes : sequence of str
        K names.

    Returns
    -------
    dict
        "count", "right" (number correct), "accuracy", "interval" (95 %), "calibration_error", "confusion" (one row per
        true class) and "classes": name, precision, recall, f1 and support of each, 0 if a class never occurs.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    logits, labels = np.asarray(logits), np.asarray(labels)
    predicted = logits.argmax(1)
    numbers = list(range(len(classes)))
    correct = int((predicted == labels).sum())
    columns = precision_recall_fscore_support(labels, predicted, labels=numbers, zero_division=0)
    return {
        "count": len(labels),
        "right": correct,
        "accuracy": correct / len(labels),
        "interval": list(wilson_interval(correct, len(labels))),
        "calibration_error": expected_calibration_error(class_probabilities(logits), labels),
        "confusion": confusion_matrix(labels, predicted, labels=numbers).tolist(),
        "classes": [
            {"name": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for name, p, r, f, n in zip(classes, *columns, strict=True)
        ],
    }


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, (0, 1) if there are no trials.

    Unlike the normal approximation it stays within [0, 1] and is usable for few trials (Wilson, 1927).

    Examples
    --------
    >>> low, high = wilson_interval(98, 100)
    >>> round(low, 3), round(high, 3)
    (0.93, 0.994)
    """
    if trials == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    interval = binomtest(int(successes), int(trials)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def calibration_bins(
    confidences: ArrayLike, correct: ArrayLike, bins: int = BINS
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], float]:
    """Compute count, confidence and accuracy per bin of confidence, for a reliability diagram.

    Parameters
    ----------
    confidences : array_like, shape (N,)
        Probability of the predicted class.
    correct : array_like of bool, shape (N,)
    bins : int
        Number of bins of equal width; a bin includes its upper edge.

    Returns
    -------
    count : ndarray of int, shape (bins,)
    confidence, accuracy : ndarray, shape (bins,)
        Means, NaN in empty bins.
    error : float
        Expected calibration error (Naeini et al., 2015).
    """
    confidences = np.asarray(confidences)
    index = _bin_index(confidences, bins)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(index, confidences, bins) / count
        accuracy = np.bincount(index, np.asarray(correct), bins) / count
    error = float(np.nansum(count * abs(accuracy - confidence)) / count.sum())
    return count, confidence, accuracy, error


def _bin_index(confidence: NDArray[np.floating], bins: int) -> NDArray[np.intp]:
    """Bin of each confidence in [0, 1], upper edges included."""
    return np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)

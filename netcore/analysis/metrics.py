"""Accuracy, Wilson interval, precision, recall and calibration."""

from typing import Any

import numpy as np

BINS = 10  # of the calibration error, evenly wide


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error: mean distance of confidence and accuracy, over bins of confidence, weighted by size.

    Guo et al., "On Calibration of Modern Neural Networks", 2017 (arXiv 1706.04599); in as many bins as are drawn.
    """
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)  # a bin has its upper edge, not its lower
    gaps = np.bincount(bins, right, BINS) - np.bincount(bins, sure, BINS)
    return float(np.abs(gaps).sum() / len(labels))


def classification_metrics(logits: np.ndarray, labels: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """All figures of one data set, as plain values.

    Parameters
    ----------
    logits : float (N, K)
    labels : int (N,)
    classes : list of str
        K names.

    Returns
    -------
    dict
        ``count``, ``right``, ``accuracy``, ``interval`` (95 %), ``calibration_error``, ``confusion`` (rows: true class)
        and ``classes``: name, precision, recall, f1, support of each (0 where a class never occurs).
    """
    from scipy.special import softmax
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    said = logits.argmax(1)
    numbers = list(range(len(classes)))
    right = int((said == labels).sum())
    columns = precision_recall_fscore_support(labels, said, labels=numbers, zero_division=0)
    return {
        "count": len(labels),
        "right": right,
        "accuracy": right / len(labels),
        "interval": list(wilson_interval(right, len(labels))),
        "calibration_error": expected_calibration_error(softmax(logits.astype(np.float64), axis=1), labels),
        "confusion": confusion_matrix(labels, said, labels=numbers).tolist(),
        "classes": [
            {"name": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for name, p, r, f, n in zip(classes, *columns, strict=True)
        ],
    }


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, (0, 1) if there are no trials.

    Unlike the normal approximation it stays within [0, 1] and is usable for few trials (Wilson, 1927).
    """
    if trials == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    interval = binomtest(int(successes), int(trials)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def calibration_bins(
    confidences: np.ndarray, correct: np.ndarray, bins: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """By bin of confidence: images, mean confidence, accuracy (NaN in empty bins); and the expected calibration error.

    The error is the mean of |accuracy − confidence| over bins, weighted by their images (Naeini et al., 2015).
    """
    place = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, confidences, bins) / count
        accuracy = np.bincount(place, correct, bins) / count
    error = float(np.nansum(count * abs(accuracy - confidence)) / count.sum())
    return count, confidence, accuracy, error

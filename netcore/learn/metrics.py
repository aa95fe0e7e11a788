"""How good answers are: accuracy with its interval, per-class figures, confusion matrix, calibration."""

import math
from typing import Any

import numpy as np

Z95 = 1.959963984540054  # standard normal quantile of 0.975
BINS = 10  # of the calibration error, evenly wide


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities float64 (N, K) of logits (N, K)."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    powers = np.exp(shifted)
    return powers / powers.sum(1, keepdims=True)


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % confidence interval of a share of `right` in `count` (E. B. Wilson, 1927, doi 10.2307/2276774)."""
    share, z2 = right / count, Z95**2
    middle = share + z2 / (2 * count)
    half = Z95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    low, high = (middle - half) / (1 + z2 / count), (middle + half) / (1 + z2 / count)
    return max(0.0, low), min(1.0, high)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error: mean distance of confidence and accuracy, over bins of confidence, weighted by size.

    Guo et al., "On Calibration of Modern Neural Networks", 2017 (arXiv 1706.04599); in as many bins as are drawn.
    """
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)  # a bin has its upper edge, not its lower
    gaps = np.bincount(bins, right, BINS) - np.bincount(bins, sure, BINS)
    return float(np.abs(gaps).sum() / len(labels))


def measure(logits: np.ndarray, labels: np.ndarray, classes: list[str]) -> dict[str, Any]:
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
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    said = logits.argmax(1)
    numbers = list(range(len(classes)))
    right = int((said == labels).sum())
    columns = precision_recall_fscore_support(labels, said, labels=numbers, zero_division=0)
    return {
        "count": len(labels),
        "right": right,
        "accuracy": right / len(labels),
        "interval": list(wilson(right, len(labels))),
        "calibration_error": calibration_error(softmax(logits), labels),
        "confusion": confusion_matrix(labels, said, labels=numbers).tolist(),
        "classes": [
            {"name": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for name, p, r, f, n in zip(classes, *columns, strict=True)
        ],
    }

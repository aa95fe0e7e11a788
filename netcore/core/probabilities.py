"""Class probabilities of logits."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALLEST, LARGEST = np.nextafter(0, 1), np.nextafter(1, 0)  # float64


def class_probabilities(logits: ArrayLike) -> NDArray[np.float64]:
    """Softmax of logits over the last axis.

    The softmax of finite logits is never 0 nor 1. What float64 would round to one of them is the nearest number between
    them: no probability reads 100 % beside others that are not 0.

    Parameters
    ----------
    logits : array_like, shape (..., K)

    Returns
    -------
    ndarray of float64, shape (..., K)

    Examples
    --------
    >>> class_probabilities([0, 0]), bool(class_probabilities([1000, 0]).max() < 1)
    (array([0.5, 0.5]), True)
    """
    from scipy.special import softmax

    values = np.asarray(logits, np.float64)
    probabilities: NDArray[np.float64] = softmax(values, axis=-1)
    finite = np.isfinite(values)
    between = finite & (finite.sum(-1, keepdims=True) > 1)
    return np.where(between, np.clip(probabilities, SMALLEST, LARGEST), probabilities)

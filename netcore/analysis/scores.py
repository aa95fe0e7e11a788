"""Losses of many images from their scores."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cross_entropy_losses(scores: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return −ln of the true class's probability for each image, in nats: (N,).

    Parameters
    ----------
    scores : array_like, shape (N, K)
        Logits.
    labels : array_like of int, shape (N,)

    Examples
    --------
    >>> cross_entropy_losses([[0.0, 0.0], [3.0, 3.0]], [0, 1]).round(3).tolist()
    [0.693, 0.693]
    """
    from scipy.special import log_softmax

    z = np.asarray(scores, float)
    losses: NDArray[np.float64] = -log_softmax(z, axis=1)[np.arange(len(z)), np.asarray(labels, int)]
    return losses

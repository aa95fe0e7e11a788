"""Project the outputs of a layer to two dimensions: PCA and t-SNE."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def flatten_features(outputs: ArrayLike) -> NDArray[np.floating]:
    """Reshape outputs (N, ...) to (N, features).

    Examples
    --------
    >>> flatten_features(np.zeros((5, 2, 3))).shape
    (5, 6)
    """
    array = np.asarray(outputs)
    return array.reshape(len(array), -1)


def project_pca(
    over_time: Sequence[NDArray[np.floating]],
) -> tuple[list[NDArray[np.floating]], list[float | None]]:
    """Project centered outputs onto the two principal components of the last.

    Parameters
    ----------
    over_time : sequence of ndarray
        Outputs (N, features) of the same N images at each snapshot.

    Returns
    -------
    points : list of ndarray
        Coordinates (N, 2) at each snapshot.
    shares : list of float or None
        Explained variance in [0, 1] at each snapshot; None if the last outputs do not vary.
    """
    from sklearn.decomposition import PCA

    last = over_time[-1]
    if min(last.shape) < 2 or not last.std() > 0:
        return [np.zeros((len(last), 2))] * len(over_time), [None] * len(over_time)
    fitted = PCA(2, svd_solver="randomized" if last.shape[1] > 200 else "full", random_state=0).fit(last)
    points = [(outputs - outputs.mean(0)) @ fitted.components_.T for outputs in over_time]
    shares = [float(p.var(0).sum() / max(o.var(0).sum(), 1e-30)) for p, o in zip(points, over_time, strict=True)]
    return points, [*shares]


def class_middles(
    points: ArrayLike, labels: ArrayLike, classes: int, fewest: int = 3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of each class's points, and how many of them are nearer to it than to any other middle.

    Parameters
    ----------
    points : array_like, shape (N, 2)
    labels : array_like of int, shape (N,)
    classes : int
        Number K of classes.
    fewest : int
        Classes of fewer points have no middle.

    Returns
    -------
    middles : ndarray, shape (K, 2)
        Medians; NaN for a class without one.
    shares : ndarray, shape (K,)
        In [0, 1]; 0 for a class without a middle.

    Examples
    --------
    >>> middles, shares = class_middles([[0, 0], [1, 0], [9, 0], [8, 0]], [0, 0, 1, 1], 2, fewest=2)
    >>> middles[:, 0].tolist(), shares.tolist()
    ([0.5, 8.5], [1.0, 1.0])
    """
    at, labels = np.asarray(points, dtype=float), np.asarray(labels)
    middles, shares = np.full((classes, 2), np.nan), np.zeros(classes)
    known = [k for k in range(classes) if (labels == k).sum() >= fewest]
    for k in known:
        middles[k] = np.median(at[labels == k], axis=0)
    if known:
        distances = np.linalg.norm(at[:, None] - middles[known], axis=2)  # (N, known)
        nearest = np.array(known)[distances.argmin(1)]
        for k in known:
            shares[k] = (nearest[labels == k] == k).mean()
    return middles, shares


def project_tsne(outputs: ArrayLike) -> NDArray[np.floating]:
    """Embed outputs (N, features) in two dimensions by t-SNE, (N, 2)."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    array = np.asarray(outputs)
    if min(array.shape) > 50:  # as its authors do: distances hardly change, and it is many times faster
        array = PCA(50, random_state=0).fit_transform(array)
    perplexity = min(30, (len(array) - 1) / 3)
    points: NDArray[np.floating] = TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(array)
    return points

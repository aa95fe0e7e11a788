"""Largest values of feature maps; kernels ordered by similarity."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def largest_values(values: ArrayLike, count: int, distance: int) -> list[tuple[int, int]]:
    """Find the largest values of a map, no two nearer than `distance` rows and columns.

    Parameters
    ----------
    values : array_like, shape (H, W)
    count : int
        Maximum number.
    distance : int

    Returns
    -------
    list of (int, int)
        Rows and columns, largest value first; values of 0 and less are left out.
    """
    left = np.array(values, dtype=float)
    found: list[tuple[int, int]] = []
    while len(found) < count and left.max() > 0:
        row, column = (int(k) for k in np.unravel_index(left.argmax(), left.shape))
        found.append((row, column))
        left[max(0, row - distance + 1) : row + distance, max(0, column - distance + 1) : column + distance] = -np.inf
    return found


def similarity_order(weights: ArrayLike) -> NDArray[np.int_]:
    """Order kernels so that similar ones are neighbours.

    The order is that of the angle in the plane of the first two principal components of the normalised kernels.

    Parameters
    ----------
    weights : array_like, shape (N, ...)

    Returns
    -------
    ndarray of int, shape (N,)
    """
    flat = np.asarray(weights, dtype=float).reshape(len(np.asarray(weights)), -1)
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    if min(flat.shape) < 2:
        return np.argsort(flat[:, 0], kind="stable")
    _, _, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    plane = (flat - flat.mean(0)) @ (axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(1)])[:, None]).T
    return np.argsort(np.arctan2(plane[:, 1], plane[:, 0]), kind="stable")

"""Largest values of feature maps."""

import numpy as np
from numpy.typing import ArrayLike


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

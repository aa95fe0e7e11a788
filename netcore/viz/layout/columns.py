"""Positions of neurons in a column."""

import numpy as np
from numpy.typing import NDArray


def column_positions(
    count: int, x: float, low: float, high: float, dots: bool, pitch: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centres of neurons in a column, first at the top, centred between `low` and `high`.

    Parameters
    ----------
    count : int
        Number of neurons.
    x : float
        Position of the column.
    low, high : float
        Vertical limits; the first neuron is at the `high` end, which may be the smaller number.
    dots : bool
        Whether one slot in the middle is kept for an ellipsis of three dots.
    pitch : float
        Maximum distance of neighbours.

    Returns
    -------
    centers : ndarray, shape (count, 2)
    dots : ndarray, shape (3, 2), or (0, 2) without `dots`
    """
    slots = count + dots
    step = min(pitch, abs(high - low) / slots) * (1 if high >= low else -1)
    ys = (low + high) / 2 + ((slots - 1) / 2 - np.arange(slots)) * step
    hole = (count + 1) // 2
    if not dots:
        return np.column_stack([np.full(count, x), ys]), np.zeros((0, 2))
    three = ys[hole] + np.array([1, 0, -1]) * step * 0.26
    return np.column_stack([np.full(count, x), np.delete(ys, hole)]), np.column_stack([np.full(3, x), three])


def evenly_spread(count: int, left: float, right: float) -> NDArray[np.float64]:
    """Return `count` evenly spaced positions from `left` to `right`, both included."""
    return np.linspace(left, right, count)

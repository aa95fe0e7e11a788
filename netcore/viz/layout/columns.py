"""Positions of neurons in a column."""

import numpy as np


def column_positions(
    count: int, x: float, low: float, high: float, dots: bool, pitch: float
) -> tuple[np.ndarray, np.ndarray]:
    """Places of `count` things one under the other, the first at the top, in the middle between `low` and `high`.

    Parameters
    ----------
    count : int
    x : float
    low, high : float
        Ends of the room; the first thing is at the `high` end, also where y points down and `high` is less.
    dots : bool
        Leave one place free in the middle, for the three dots that stand for what is left out.
    pitch : float
        Distance of neighbours, at most.

    Returns
    -------
    centres : (count, 2)
    dots : (3, 2), or (0, 2)
    """
    slots = count + dots
    step = min(pitch, abs(high - low) / slots) * (1 if high >= low else -1)
    ys = (low + high) / 2 + ((slots - 1) / 2 - np.arange(slots)) * step
    hole = (count + 1) // 2
    if not dots:
        return np.column_stack([np.full(count, x), ys]), np.zeros((0, 2))
    three = ys[hole] + np.array([1, 0, -1]) * step * 0.26
    return np.column_stack([np.full(count, x), np.delete(ys, hole)]), np.column_stack([np.full(3, x), three])


def evenly_spread(count: int, left: float, right: float) -> np.ndarray:
    """`count` places from `left` to `right`, both included: (count,)."""
    return np.linspace(left, right, count)

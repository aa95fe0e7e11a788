"""Where things stand in a film, in scene units: pure geometry."""

import itertools

import numpy as np


def column(count: int, x: float, low: float, high: float, dots: bool, pitch: float) -> tuple[np.ndarray, np.ndarray]:
    """Places of `count` things one under the other, the first at the top, in the middle between `low` and `high`.

    Parameters
    ----------
    count : int
    x : float
    low, high : float
        The room there is.
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
    step = min(pitch, (high - low) / slots)
    ys = (low + high) / 2 + ((slots - 1) / 2 - np.arange(slots)) * step
    hole = (count + 1) // 2
    if not dots:
        return np.column_stack([np.full(count, x), ys]), np.zeros((0, 2))
    three = ys[hole] + np.array([1, 0, -1]) * step * 0.26
    return np.column_stack([np.full(count, x), np.delete(ys, hole)]), np.column_stack([np.full(3, x), three])


def spread(count: int, left: float, right: float) -> np.ndarray:
    """`count` places from `left` to `right`, both included: (count,)."""
    return np.linspace(left, right, count)


def between(starts: np.ndarray, ends: np.ndarray, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Lines from each of `starts` (S, 2) to each of `ends` (E, 2), right of them: two (E·S, 2), end by end.

    They leave `gap` to the right of a start and arrive `gap` to the left of an end.
    """
    shift = np.array([gap, 0.0])
    return np.tile(starts, (len(ends), 1)) + shift, np.repeat(ends, len(starts), axis=0) - shift


def upright(left: float, bottom: float, width: float, height: float) -> np.ndarray:
    """Upper left, upper right and lower left corner of an upright image: (1, 3, 2)."""
    top = bottom + height
    return np.array([[[left, top], [left + width, top], [left, bottom]]])


def row_frames(frame: np.ndarray, rows: int) -> np.ndarray:
    """The rows of an image that stands in `frame` (1, 3, 2), as frames of their own: (rows, 3, 2)."""
    step = (frame[0, 2] - frame[0, 0]) / rows
    first = np.stack([frame[0, 0], frame[0, 1], frame[0, 0] + step])
    return first[None] + np.arange(rows)[:, None, None] * step


def strip_frames(left: float, right: float, low: float, high: float, rows: int) -> np.ndarray:
    """The same rows, each turned by a quarter and set one under the other in one column: (rows, 3, 2)."""
    tops = np.linspace(high, low, rows + 1)
    return np.array([[[right, a], [right, b], [left, a]] for a, b in itertools.pairwise(tops)])


def pixel_boxes(frame: np.ndarray, index: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Corners (N, 2, 2), lower left and upper right, of pixels of an image (H, W) in `frame` (1, 3, 2).

    `index` (N,) counts along the rows; channels lie one after another, and stand on the same place.
    """
    h, w = shape
    y, x = np.divmod(np.asarray(index) % (h * w), w)
    across, down = (frame[0, 1] - frame[0, 0]) / w, (frame[0, 2] - frame[0, 0]) / h
    low = frame[0, 0] + x[:, None] * across + (y[:, None] + 1) * down
    return np.stack([low, low + across - down], axis=1)

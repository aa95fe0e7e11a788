"""Frames of an image, of its rows and of its pixels."""

import itertools

import numpy as np


def axis_aligned_frame(left: float, bottom: float, width: float, height: float) -> np.ndarray:
    """Upper left, upper right and lower left corner of an upright image: (1, 3, 2)."""
    top = bottom + height
    return np.array([[[left, top], [left + width, top], [left, bottom]]])


def row_frames(frame: np.ndarray, rows: int) -> np.ndarray:
    """The rows of an image that stands in `frame` (1, 3, 2), as frames of their own: (rows, 3, 2)."""
    step = (frame[0, 2] - frame[0, 0]) / rows
    first = np.stack([frame[0, 0], frame[0, 1], frame[0, 0] + step])
    return first[None] + np.arange(rows)[:, None, None] * step


def unrolled_frames(left: float, right: float, low: float, high: float, rows: int) -> np.ndarray:
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

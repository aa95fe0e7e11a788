"""Frames of an image, of its rows and of its pixels.

A frame is the upper left, upper right and lower left corner of an image: (3, 2).
"""

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray


def axis_aligned_frame(left: float, bottom: float, width: float, height: float) -> NDArray[np.float64]:
    """Return the frame (1, 3, 2) of an upright image."""
    top = bottom + height
    return np.array([[[left, top], [left + width, top], [left, bottom]]])


def row_frames(frame: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Divide `frame` (1, 3, 2) into the frames of its rows: (rows, 3, 2)."""
    step = (frame[0, 2] - frame[0, 0]) / rows
    first = np.stack([frame[0, 0], frame[0, 1], frame[0, 0] + step])
    return first[None] + np.arange(rows)[:, None, None] * step


def unrolled_frames(left: float, right: float, low: float, high: float, rows: int) -> NDArray[np.float64]:
    """Return frames of the rows turned by 90° and joined into one column: (rows, 3, 2)."""
    tops = np.linspace(high, low, rows + 1)
    return np.array([[[right, a], [right, b], [left, a]] for a, b in itertools.pairwise(tops)])


def pixel_boxes(frame: NDArray[np.float64], index: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return lower left and upper right corners (N, 2, 2) of single pixels.

    Parameters
    ----------
    frame : ndarray, shape (1, 3, 2)
        Frame of the image.
    index : ndarray, shape (N,)
        Row-major indices into (C, H, W); channels share positions.
    shape : (int, int)
        Height and width of the image.
    """
    h, w = shape
    y, x = np.divmod(np.asarray(index) % (h * w), w)
    across, down = (frame[0, 1] - frame[0, 0]) / w, (frame[0, 2] - frame[0, 0]) / h
    low = frame[0, 0] + x[:, None] * across + (y[:, None] + 1) * down
    return np.stack([low, low + across - down], axis=1)

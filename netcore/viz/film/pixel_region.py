"""Rectangles of pixels that are drawn again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.viz.film.base_mobject import PIXEL


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels, from `left` and `top` to before `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def union(self, other: "Region") -> "Region":
        """Return the smallest rectangle that holds both."""
        if other == NO_PIXELS or self == NO_PIXELS:
            return other if self == NO_PIXELS else self
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Region(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


NO_PIXELS = Region(0, 0, 0, 0)
WHOLE_FRAME = Region(0, 0, 2**31, 2**31)
MARGIN = 2  # pixels around a box for antialiasing


def pixel_region(pixels: tuple[int, int], frame: tuple[float, float], box: NDArray[np.float64]) -> Region:
    """Return the pixels that a box touches.

    Parameters
    ----------
    pixels : (int, int)
        Width and height of the picture.
    frame : (float, float)
        The same in scene units; the frame's middle is the origin.
    box : ndarray, shape (4,)
        Left, bottom, right, top in scene units.
    """
    across, down = pixels[0] / frame[0], pixels[1] / frame[1]
    left, right = (box[[0, 2]] + frame[0] / 2) * across
    bottom, top = (frame[1] / 2 - box[[1, 3]]) * down
    low = np.floor([left, top]) - MARGIN
    high = np.ceil([right, bottom]) + MARGIN + 1
    ends = np.clip([*low, *high], 0, [*pixels, *pixels]).astype(int)
    return Region(*ends.tolist()) if (ends[:2] < ends[2:]).all() else NO_PIXELS


def overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two boxes (left, bottom, right, top) come within a pixel of each other."""
    return bool(a[0] < b[2] + PIXEL and b[0] < a[2] + PIXEL and a[1] < b[3] + PIXEL and b[1] < a[3] + PIXEL)

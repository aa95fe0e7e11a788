"""Rectangles that a picture is laid out in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Area:
    """A rectangle in units of the picture, `top` above `bottom`.

    Examples
    --------
    >>> Area(0, 0, 10, 4).part(0.5, 0.0, 1.0, 0.25)
    Area(left=5.0, bottom=3.0, right=10.0, top=4.0)
    """

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """Horizontal extent."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Vertical extent."""
        return self.top - self.bottom

    @property
    def center(self) -> tuple[float, float]:
        """Middle point."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    @property
    def frame(self) -> NDArray[np.float64]:
        """Upper left, upper right and lower left corner: (1, 3, 2), as images have it."""
        return np.array([[[self.left, self.top], [self.right, self.top], [self.left, self.bottom]]])

    @property
    def corners(self) -> NDArray[np.float64]:
        """Lower left and upper right corner: (1, 2, 2), as rectangles have them."""
        return np.array([[[self.left, self.bottom], [self.right, self.top]]])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the point at fractions of width and height, from the top left."""
        return self.left + x * self.width, self.top - y * self.height

    def part(self, left: float, top: float, right: float, bottom: float) -> "Area":
        """Return a part by fractions of width and height, from the top left."""
        (x0, y0), (x1, y1) = self.at(left, bottom), self.at(right, top)
        return Area(x0, y0, x1, y1)

    def inset(self, margin: float) -> "Area":
        """Return the area without a margin on all sides."""
        return Area(self.left + margin, self.bottom + margin, self.right - margin, self.top - margin)

    def shift(self, x: float, y: float) -> "Area":
        """Return the area, moved."""
        return Area(self.left + x, self.bottom + y, self.right + x, self.top + y)

    def columns(self, weights: Sequence[float], gap: float = 0.0) -> list["Area"]:
        """Divide the width by `weights`, with `gap` between neighbours, from left to right."""
        ends = _divide(self.width, weights, gap)
        return [Area(self.left + a, self.bottom, self.left + b, self.top) for a, b in ends]

    def rows(self, weights: Sequence[float], gap: float = 0.0) -> list["Area"]:
        """Divide the height by `weights`, with `gap` between neighbours, from top to bottom."""
        ends = _divide(self.height, weights, gap)
        return [Area(self.left, self.top - b, self.right, self.top - a) for a, b in ends]

    def divide(self, weights: Sequence[float], gap: float = 0.0) -> list["Area"]:
        """Divide the longer side by `weights`: into columns if it is wide, into rows if it is tall."""
        return self.columns(weights, gap) if self.width >= self.height else self.rows(weights, gap)

    def fit(self, width: float, height: float, align: tuple[float, float] = (0.0, 0.0)) -> "Area":
        """Return the largest area of the shape `width` to `height` inside.

        Parameters
        ----------
        width, height : float
            Only their ratio counts.
        align : tuple of float
            -1 left or bottom, 0 middle, 1 right or top.
        """
        scale = min(self.width / width, self.height / height)
        w, h = width * scale, height * scale
        left = self.left + (self.width - w) * (align[0] + 1) / 2
        bottom = self.bottom + (self.height - h) * (align[1] + 1) / 2
        return Area(left, bottom, left + w, bottom + h)


def _divide(length: float, weights: Sequence[float], gap: float) -> NDArray[np.float64]:
    """Starts and ends (N, 2) of parts of a length."""
    share = np.asarray(weights, dtype=float)
    sizes = (length - gap * (len(share) - 1)) * share / share.sum()
    ends = np.cumsum(sizes + gap) - gap
    return np.column_stack([ends - sizes, ends])

"""The base of a film's mobjects: arrays that Cairo draws."""

from typing import Self

import cairo
import numpy as np
from manim import Mobject
from numpy.typing import ArrayLike

from netcore.viz.theme import Color

PIXEL = 128 / 9 / 854  # one pixel of an 854 × 480 frame, in scene units
# Sizes of text in pixels of an 854 pixel wide frame. In a README, 800 wide, the smallest is 14.5.
HEADING, CAPTION, TAKEAWAY, SUM_LINE, NUMBER, LABEL, ANSWER = 17.5, 20.0, 21.5, 19.0, 16.0, 15.5, 32.0
TITLE, BODY, NOTE = 22, 18, 16


def as_points(xy: ArrayLike) -> np.ndarray:
    """Convert points (…, 2) or (…, 3) to float (N, 3)."""
    a = np.asarray(xy, dtype=float)
    a = a.reshape(-1, a.shape[-1])
    return a if a.shape[1] == 3 else np.pad(a, ((0, 0), (0, 1)))


class ArrayMobject(Mobject):
    """A mobject that draws itself from arrays; subclasses define `draw`.

    Parameters
    ----------
    points : array_like, shape (…, 2) or (…, 3)
        Geometry, which Manim's own methods move.
    opacity : float
        In [0, 1].
    z_index : float
        Drawing order.

    Attributes
    ----------
    points_each : int
        Consecutive points that belong to one element, which move together.
    """

    points_each = 1

    def __init__(self, points: ArrayLike, opacity: float = 1.0, z_index: float = 0) -> None:
        super().__init__(z_index=z_index)
        self.points = as_points(points)
        self.opacity = opacity

    def draw(self, ctx: cairo.Context) -> None:
        """Draw in scene units. Set colours by `set_source`: Manim's frames are RGBA, Cairo's are BGRA."""
        raise NotImplementedError

    def set_source(self, ctx: cairo.Context, rgb: Color, alpha: float = 1.0) -> None:
        """Set Cairo's colour, with the mobject's opacity."""
        r, g, b = (float(c) for c in rgb[:3])
        ctx.set_source_rgba(b, g, r, float(alpha) * self.opacity)

    def bounding_box(self) -> np.ndarray:
        """Return left, bottom, right and top of what it covers: (4,)."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return np.array([low[0], low[1], high[0], high[1]])

    def interpolate_color(self, start: Mobject, end: Mobject, alpha: float) -> Self:
        """Interpolate every number, so that Manim's own ``.animate`` works."""
        for name, value in vars(end).items():
            if name != "points" and isinstance(value, (float, np.ndarray)):
                setattr(self, name, (1 - alpha) * getattr(start, name) + alpha * value)
        return self

"""The base of what films are drawn with: a mobject that holds its numbers as arrays and draws itself through Cairo."""

from typing import Any

import cairo
import numpy as np
from manim import Mobject

PIXEL = 128 / 9 / 854  # one pixel of an 854 × 480 frame, in scene units
TITLE, BODY, NOTE = 22, 18, 16  # sizes of text; 16 is 15 px where a README shows the clip 800 px wide
HUGE = 40


def as_points(xy: Any) -> np.ndarray:
    """Points (…, 2) or (…, 3) as float (N, 3)."""
    a = np.asarray(xy, dtype=float)
    a = a.reshape(-1, a.shape[-1])
    return a if a.shape[1] == 3 else np.pad(a, ((0, 0), (0, 1)))


class ArrayMobject(Mobject):
    """A mobject that draws itself. Subclasses set `points` and whatever arrays they need, and define `paint`."""

    def __init__(self, points: Any, opacity: float = 1.0, z_index: float = 0) -> None:
        super().__init__(z_index=z_index)
        self.points = as_points(points)
        self.opacity = opacity

    def paint(self, ctx: cairo.Context) -> None:
        """Draw in scene units. Colours are set by `ink`, since Manim's frames hold red first and Cairo's blue."""
        raise NotImplementedError

    def ink(self, ctx: cairo.Context, rgb: Any, alpha: float = 1.0) -> None:
        r, g, b = (float(c) for c in rgb[:3])
        ctx.set_source_rgba(b, g, r, float(alpha) * self.opacity)

    def box(self) -> np.ndarray:
        """What it covers at most: (4,) left, bottom, right, top."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return np.array([low[0], low[1], high[0], high[1]])

    def interpolate_color(self, start: "ArrayMobject", end: "ArrayMobject", alpha: float) -> None:
        """Let Manim's own `.animate` work: every number moves with the points."""
        for name, value in vars(end).items():
            if name != "points" and isinstance(value, (float, np.ndarray)):
                setattr(self, name, (1 - alpha) * getattr(start, name) + alpha * value)

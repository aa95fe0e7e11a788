"""A line through many points as a mobject."""

from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.base_mobject import PIXEL, ArrayMobject


class Curve(ArrayMobject):
    """A line through points, drawn as far as `progress` says.

    Parameters
    ----------
    points : array_like, shape (N, 2)
    rgb : array_like, shape (3,)
    width : float
        In pixels.
    **keys
        Of `ArrayMobject`.

    Attributes
    ----------
    progress : float
        Share of the points that the line has reached, in [0, 1].
    """

    def __init__(self, points: ArrayLike, rgb: ArrayLike, width: float = 2.5, **keys: Any) -> None:
        super().__init__(points, **keys)
        self.rgb = np.asarray(rgb, float)
        self.width_px = float(width)
        self.progress = 1.0

    def draw(self, ctx: cairo.Context) -> None:
        """Stroke the line."""
        last = self.progress * (len(self.points) - 1)
        whole = int(last)
        shown = self.points[: whole + 1, :2]
        if whole < len(self.points) - 1:
            share = last - whole
            shown = np.vstack([shown, self.points[whole, :2] * (1 - share) + self.points[whole + 1, :2] * share])
        for x, y in shown.tolist():
            ctx.line_to(x, y)
        ctx.set_line_width(self.width_px * PIXEL)
        ctx.set_line_join(cairo.LINE_JOIN_ROUND)
        self.set_source(ctx, self.rgb)
        ctx.stroke()

    def bounding_box(self) -> NDArray[np.float64]:
        """Return left, bottom, right and top, the width included: (4,)."""
        half = self.width_px * PIXEL / 2
        return super().bounding_box() + np.array([-half, -half, half, half])

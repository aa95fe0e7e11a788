"""Many straight lines as one mobject."""

from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike

from netcore.viz.film.base_mobject import PIXEL, ArrayMobject, as_points


class Edges(ArrayMobject):
    """Many straight lines.

    Parameters
    ----------
    starts, ends : array_like, shape (N, 2)
    rgba : array_like, shape (N, 4) or (4,)
        In [0, 1].
    widths : array_like, shape (N,) or ()
        In pixels.
    values : array_like, shape (N,)
        Quantities that the lines represent.
    progress : float
        Drawn fraction of each line; stored per line, (N,).
    **keys
        Of `ArrayMobject`.
    """

    points_each = 2

    def __init__(
        self,
        starts: ArrayLike,
        ends: ArrayLike,
        rgba: ArrayLike,
        widths: ArrayLike = 1.0,
        values: ArrayLike = (),
        progress: float = 1.0,
        **keys: Any,
    ) -> None:
        both = np.stack([as_points(starts), as_points(ends)], axis=1)
        super().__init__(both, **keys)
        n = len(both)
        self.rgba = np.broadcast_to(np.asarray(rgba, float), (n, 4)).copy()
        self.widths = np.broadcast_to(np.asarray(widths, float), (n,)).copy()
        self.values = np.asarray(values, dtype=float)
        self.progress = np.full(n, progress)
        self._kept = _Kept()

    def draw(self, ctx: cairo.Context) -> None:
        """Draw the lines, from a cached image if they did not change."""
        state = [a.tobytes() for a in (self.points, self.rgba, self.widths, self.progress)]
        if state != self._kept.state:
            self._kept = _Kept(state)
            self._stroke(ctx, self.opacity)
            return
        if self._kept.sample is None:  # unchanged, but drawn again because of its opacity or of what is above
            self._kept.sample = ctx.get_target().create_similar_image(cairo.FORMAT_ARGB32, *_size(ctx))
            into = cairo.Context(self._kept.sample)
            into.set_matrix(ctx.get_matrix())
            self._stroke(into, 1.0)
        x0, y0, x1, y1 = self.bounding_box()
        ctx.save()
        ctx.rectangle(x0 - PIXEL, y0 - PIXEL, x1 - x0 + 2 * PIXEL, y1 - y0 + 2 * PIXEL)
        ctx.clip()
        ctx.identity_matrix()
        ctx.set_source_surface(self._kept.sample)
        ctx.paint_with_alpha(self.opacity)
        ctx.restore()

    def bounding_box(self) -> np.ndarray:
        """Return left, bottom, right and top, line widths included: (4,)."""
        start, end = self.points[0::2, :2], self.points[1::2, :2]
        way = end - start
        across = way[:, ::-1] / np.maximum(np.hypot(*way.T), 1e-9)[:, None] * (self.widths * PIXEL / 2)[:, None]
        half = np.abs(across)
        low, high = np.minimum(start, end) - half, np.maximum(start, end) + half
        return np.concatenate([low.min(axis=0), high.max(axis=0)])

    def _stroke(self, ctx: cairo.Context, opacity: float) -> None:
        """Stroke line by line, which for straight lines is faster in Cairo than one path."""
        start, end = self.points[0::2, :2], self.points[1::2, :2]
        alpha = self.rgba[:, 3] * opacity
        shape = np.column_stack([start, start + (end - start) * self.progress[:, None], self.widths * PIXEL])
        order = np.argsort(alpha, kind="stable")  # the strongest on top
        order = order[(alpha[order] > 0.004) & (self.widths[order] > 0) & (self.progress[order] > 0)]
        colors = np.column_stack([self.rgba[:, 2::-1], alpha])
        for (x0, y0, x1, y1, width), color in zip(shape[order].tolist(), colors[order].tolist(), strict=True):
            ctx.move_to(x0, y0)
            ctx.line_to(x1, y1)
            ctx.set_line_width(width)
            ctx.set_source_rgba(*color)
            ctx.stroke()


class _Kept:
    """A rendered image of lines and the state that it shows."""

    def __init__(self, state: list[bytes] | None = None) -> None:
        self.state = state
        self.sample: cairo.ImageSurface | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> "_Kept":
        return _Kept()  # Cairo's surfaces cannot be copied, and need not be


def _size(ctx: cairo.Context) -> tuple[int, int]:
    target = ctx.get_target()
    return target.get_width(), target.get_height()

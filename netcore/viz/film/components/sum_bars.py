"""The parts of a sum as bars."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

ROW = 0.95  # height of a row, at most


class SumBars:
    """Bars of the parts of a sum, and of the sum.

    Parameters
    ----------
    theme : Theme
    area : Area
    values : sequence of float
        Parts; their sum is the last bar.
    texts : sequence of str
        Of the parts and the sum.
    labels : sequence of str
        Likewise, above each bar.

    Attributes
    ----------
    bars : Rectangles
        One of each part, then the sum's; empty at first.
    """

    def __init__(
        self, theme: Theme, area: Area, values: Sequence[float], texts: Sequence[str], labels: Sequence[str]
    ) -> None:
        self.theme, self.values = theme, np.array([*values, sum(values)], dtype=float)
        ends = np.cumsum(values)
        self.starts = np.array([0.0, *ends[:-1], 0.0])
        self.ends = np.array([*ends, ends[-1]])
        low, high = min(0.0, self.ends.min()), max(0.0, self.ends.max())
        room = max(line_width(text, NUMBER) for text in texts) + 0.2
        self._low, self._span = low, max(high - low, 1e-12)
        self._inner = Area(area.left, area.bottom, area.right - room, area.top)
        back = self.ends[self.ends < self.starts]  # with their numbers at the left
        if len(back) and self.x(float(back.min())) - room < area.left:
            self._inner = Area(area.left + room, area.bottom, area.right - room, area.top)
        height = min(ROW, area.height / len(self.values))
        top = area.center[1] + height * len(self.values) / 2
        self._tops = top - height * np.arange(len(self.values))
        self._half, ys = 0.17 * height, self._tops - 0.68 * height
        self.ys = ys
        roles = ["positive" if v >= 0 else "negative" for v in values] + ["foreground"]
        fill = np.array([[*theme.rgb(role), 1.0] for role in roles])
        self.bars = Rectangles(self._corners(self.starts), fill=fill)
        muted = theme.rgb("muted")
        self.labels = [
            text_line(label, LABEL, muted, at=(area.left, t - 0.24 * height), align=(-1, 0))
            for label, t in zip(labels, self._tops, strict=True)
        ]
        self.numbers = [self._number(text, k, roles[k]) for k, text in enumerate(texts)]
        foot, head = (np.column_stack([np.full(len(ys), self.x(0.0)), ys + d * 1.5 * self._half]) for d in (-1, 1))
        self.zero = Edges(foot, head, [*muted, 1.0], 1.5, progress=0.0)

    def x(self, value: float) -> float:
        """Return the place of a value on the axis."""
        return float(self._inner.left + (value - self._low) / self._span * self._inner.width)

    def _corners(self, ends: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b = (np.array([self.x(v) for v in side]) for side in (self.starts, ends))
        low = np.column_stack([np.minimum(a, b), self.ys - self._half])
        return np.stack([low, np.column_stack([np.maximum(a, b), self.ys + self._half])], axis=1)

    def _number(self, text: str, k: int, role: str) -> TextLine:
        right = self.ends[k] >= self.starts[k]
        x = self.x(self.ends[k]) + (0.1 if right else -0.1)
        if not right and x - line_width(text, NUMBER) < self.x(0.0) < x:  # it would cover the zero mark
            right, x = True, self.x(self.starts[k]) + 0.1
        rgb = self.theme.rgb(role)
        return text_line(text, NUMBER, rgb, at=(x, self.ys[k]), align=(-1 if right else 1, 0))

    def points(self, shown: int) -> NDArray[np.float64]:
        """Return the corners (N, 2, 2) with the first `shown` bars at full length."""
        ends = np.where(np.arange(len(self.ends)) < shown, self.ends, self.starts)
        return self._corners(ends)

    def tip(self, k: int) -> tuple[float, float]:
        """Return the middle of a bar."""
        return (self.x(self.starts[k]) + self.x(self.ends[k])) / 2, float(self.ys[k])

    def grow(self, k: int, run_time: float = 0.5, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which bar `k` grows and gets its label and number."""
        appear = [
            Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=delay)
            for m in (self.labels[k], self.numbers[k])
        ]
        marks = (np.arange(len(self.ends)) <= k).astype(float)
        return [
            Animate(self.zero, progress=marks, run_time=0.3, delay=delay),
            Animate(self.bars, points=self.points(k + 1), run_time=run_time, delay=delay),
            *appear,
        ]

    def everything(self) -> list[ArrayMobject]:
        """Return all of it."""
        return [self.bars, self.zero, *self.labels, *self.numbers]


def falling_pixels(
    theme: Theme, corners: NDArray[np.float64], values: NDArray[np.floating], scale: float, limit: int = 200
) -> tuple[Rectangles, NDArray[np.int_]]:
    """Return squares on the strongest products, and their indices.

    Parameters
    ----------
    theme : Theme
    corners : ndarray, shape (N, 2, 2)
        Of all pixels.
    values : ndarray, shape (N,)
        Products.
    scale : float
        Of full colour.
    limit : int
        Maximum number of squares.
    """
    order = np.argsort(-np.abs(values), kind="stable")[:limit]
    order = order[values[order] != 0]
    fill = np.column_stack([theme.signed_colors(values[order] / scale), np.ones(len(order))])
    return Rectangles(corners[order], fill=fill, width=PIXEL), order

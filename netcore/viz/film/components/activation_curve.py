"""The curve of an activation function."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

SAMPLES = 160
LEAST_RANGE = 4.0  # of sums, on both sides of 0
FAR = np.array([-1e4, -1e3, 1e3, 1e4])  # where a function that has a limit is at it


class ActivationCurve:
    """Axes, curve and a dot.

    Parameters
    ----------
    theme : Theme
    area : Area
    function : callable
        Of an array.
    z, a : float
        Sum and activation of one neuron.
    texts : tuple of str
        Both as text.

    Attributes
    ----------
    curve : Edges
        `values` holds the heights (SAMPLES,) of the curve at `sums`.
    dot : Neurons
        At (0, 0) first; `run` moves it.
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        z: float,
        a: float,
        texts: tuple[str, str],
    ) -> None:
        self.theme, self.z, self.a = theme, z, a
        limit = max(LEAST_RANGE, 1.3 * abs(z))
        self.sums = np.linspace(-limit, limit, SAMPLES)
        heights = np.asarray(function(self.sums), dtype=float)
        self.limits = find_limits(function)
        self._limit, self._low = limit, min(0.0, heights.min(), a, *self.limits)
        self._high = max(0.0, heights.max(), a, *self.limits)
        room = 0.55
        side = line_width(texts[1], NUMBER) + 0.4
        self.plot = Area(area.left + side, area.bottom + room, area.right - 0.6, area.top - 0.55)
        self._make_axes(texts)
        points = np.array([self.at(x, y) for x, y in zip(self.sums, heights, strict=True)])
        self.curve = Edges(points[:-1], points[1:], [*theme.rgb("foreground"), 1.0], 3.0, values=heights)
        self.dot = Neurons([self.at(0, 0)], 6 * PIXEL, theme.rgb("emphasis"), theme.rgb("emphasis"), z_index=2)
        way = [self.at(z, 0), self.at(z, a), (self.plot.left, self.at(0, a)[1])]
        emphasis = [*theme.rgb("emphasis"), 0.8]
        self.guides = Edges(way[:2], way[1:], emphasis, 1.5, progress=0.0)
        self._way = way

    def _make_axes(self, texts: tuple[str, str]) -> None:
        theme, plot = self.theme, self.plot
        muted, emphasis = theme.rgb("muted"), theme.rgb("emphasis")
        zero = self.at(0, 0)
        starts = [(plot.left, zero[1]), (plot.left, plot.bottom), (zero[0], zero[1] - 0.06)]
        ends = [(plot.right, zero[1]), (plot.left, plot.top), (zero[0], zero[1] + 0.06)]
        rgba = np.tile([*muted, 1.0], (3 + len(self.limits), 1))
        rgba[3:, 3] = 0.5
        starts += [(plot.left, self.at(0, limit)[1]) for limit in self.limits]
        ends += [(plot.right, self.at(0, limit)[1]) for limit in self.limits]
        self.axes = Edges(starts, ends, rgba, 1.5)
        z_at, a_at = self.at(self.z, 0), self.at(0, self.a)
        below = zero[1] - 0.3
        self.z_text = text_line(texts[0], NUMBER, emphasis, at=(z_at[0], below))
        self.a_text = text_line(texts[1], NUMBER, emphasis, at=(plot.left - 0.22, a_at[1]), align=(1, 0))
        self.labels = [text_line("sum", LABEL, muted, at=(plot.right + 0.1, zero[1]), align=(-1, 0))]
        self.labels.append(text_line("activation", LABEL, muted, at=(plot.left, plot.top + 0.35)))
        for limit in self.limits:
            y, text = self.at(0, limit)[1], f"{limit:.2g}".replace("-", "−")
            if abs(y - a_at[1]) > LABEL * PIXEL * 1.3:  # at the axis, where the activation's number leaves room
                self.labels.append(text_line(text, LABEL, muted, at=(plot.left - 0.12, y), align=(1, 0)))
            elif limit:
                self.labels.append(text_line(text, LABEL, muted, at=(plot.right + 0.1, y), align=(-1, 0)))
        zero_text = text_line("0", LABEL, muted, at=(zero[0], below))
        if abs(z_at[0] - zero[0]) > self.z_text.width / 2 + 0.3:
            self.labels.append(zero_text)

    def at(self, z: float, a: float) -> tuple[float, float]:
        """Return the place of a sum and an activation."""
        x = (z + self._limit) / (2 * self._limit)
        y = (self._high - a) / max(self._high - self._low, 1e-9)
        return self.plot.at(x, y)

    def run(self) -> list[list[Animate]]:
        """Return the plays in which the number runs along the axis, up to the curve, and to the other axis."""
        r = 6 * PIXEL
        goals = [np.array([np.subtract(p, r), np.add(p, r)]) for p in self._way]
        first, second = self.guides.progress.copy(), self.guides.progress.copy()
        first[:], second[:] = [1.0, 0.0], 1.0
        return [
            [Animate(self.dot, points=goals[0], run_time=0.5), *fade_in([self.z_text])],
            [Animate(self.dot, points=goals[1], run_time=0.5), Animate(self.guides, progress=first, run_time=0.5)],
            [
                Animate(self.dot, points=goals[2], run_time=0.5),
                Animate(self.guides, progress=second, run_time=0.5),
                *fade_in([self.a_text], delay=0.3),
            ],
        ]

    def everything(self) -> list[ArrayMobject]:
        """Return all of it."""
        return [self.axes, self.curve, self.guides, self.dot, *self.labels, self.z_text, self.a_text]


def find_limits(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> list[float]:
    """Return the values that a function approaches far from 0, the lower first; none where it grows on.

    Examples
    --------
    >>> find_limits(np.tanh)
    [-1.0, 1.0]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        low_far, low, high, high_far = np.asarray(function(FAR), dtype=float).tolist()
    pairs = ((low_far, low), (high_far, high))
    return sorted({round(a, 6) + 0.0 for a, b in pairs if np.isfinite(a) and abs(a - b) < 1e-6})

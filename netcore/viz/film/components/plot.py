"""Axes of a plot, and curves and dots on them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.curve import Curve
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons, Rectangles
from netcore.viz.film.text import TextLine, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

TICK_LENGTH = 6 * PIXEL
DOT_RADIUS = 5 * PIXEL
HIDDEN = 0.6  # of the radius: nearer dots hide each other
SAMPLES = 200  # of a curve
BAR_HEIGHT = 0.7  # of the highest bar, as a share of the plot's


class Plot:
    """A plot of values in an area; ranges may change, marks are moved to their new places by the film.

    Parameters
    ----------
    theme : Theme
    area : Area
        Of the axes, labels outside.
    x, y : tuple of float
        Ranges of the axes.
    """

    def __init__(self, theme: Theme, area: Area, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.theme, self.area, self.x, self.y = theme, area, x, y

    def at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Return the points (N, 2) of values; those out of range are outside of the area."""
        xs, ys = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        u = (xs - self.x[0]) / (self.x[1] - self.x[0])
        v = (ys - self.y[0]) / (self.y[1] - self.y[0])
        return np.column_stack(
            [
                np.ravel(self.area.left + u * self.area.width),
                np.ravel(self.area.bottom + v * self.area.height),
            ]
        )

    def axes(self) -> Edges:
        """Draw the two axes, through 0 where the range has it, else at the edge."""
        x0, y0 = (min(max(0.0, low), high) for low, high in (self.x, self.y))
        starts = np.vstack([self.at(self.x[0], y0), self.at(x0, self.y[0])])
        ends = np.vstack([self.at(self.x[1], y0), self.at(x0, self.y[1])])
        return Edges(starts, ends, [*self.theme.rgb("muted"), 1.0], 1.5)

    def x_ticks(self, labels: Mapping[float, str]) -> list[ArrayMobject]:
        """Draw marks and labels under the area, by value."""
        return self._ticks(labels, vertical=False)

    def y_ticks(self, labels: Mapping[float, str]) -> list[ArrayMobject]:
        """Draw marks and labels left of the area, by value."""
        return self._ticks(labels, vertical=True)

    def x_title(self, text: str) -> TextLine:
        """Write what the horizontal axis shows, below its labels."""
        x, y = self.area.center[0], self.area.bottom - 0.72
        return text_line(text, LABEL, self.theme.rgb("muted"), at=(x, y))

    def y_title(self, text: str) -> TextLine:
        """Write what the vertical axis shows, above it."""
        return text_line(text, LABEL, self.theme.rgb("muted"), at=(self.area.left, self.area.top + 0.3), align=(-1, 0))

    def curve(self, function: Callable[[NDArray[np.float64]], NDArray[np.float64]], rgb: ArrayLike) -> Curve:
        """Draw a function over the range of the horizontal axis, as far as it stays within the vertical one."""
        return Curve(self.curve_points(function), rgb)

    def curve_points(self, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the points (N, 2) of a function, clipped to the vertical range."""
        xs = np.linspace(*self.x, SAMPLES)
        return self.at(xs, np.clip(function(xs), *self.y))

    def dots(self, x: ArrayLike, y: ArrayLike, rgb: ArrayLike, radius: float = DOT_RADIUS) -> Neurons:
        """Draw values as dots; `values` of the mobject are the vertical ones."""
        return Neurons(self.at(x, y), radius, rgb, rgb, values=np.ravel(np.asarray(y, float)), width=0)

    def crowds(self, x: ArrayLike) -> list[tuple[float, int]]:
        """Return mean and number of values whose dots hide each other on the horizontal axis."""
        values = np.sort(np.ravel(np.asarray(x, float)))
        near = HIDDEN * DOT_RADIUS * (self.x[1] - self.x[0]) / self.area.width
        groups = np.split(values, np.flatnonzero(np.diff(values) > near) + 1)
        return [(float(group.mean()), len(group)) for group in groups if len(group) > 1]

    def bands(self, ranges: Sequence[tuple[float, float]]) -> Rectangles:
        """Shade ranges of the horizontal axis, behind everything."""
        corners = [[self.at(a, self.y[0])[0], self.at(b, self.y[1])[0]] for a, b in ranges]
        return Rectangles(np.array(corners), [*self.theme.rgb("muted"), 0.22], width=0, z_index=-1)

    def histogram(self, values: ArrayLike, bins: int = 60, height: float = BAR_HEIGHT) -> Rectangles:
        """Draw how often values occur, the highest bar `height` of the plot's; values out of range at its ends."""
        counts, edges = self.count_values(values, bins)
        foot, xs = self.area.bottom, self.at(edges, self.y[0])[:, 0]
        tops = foot + counts * height * self.area.height / max(int(counts.max()), 1)
        corners = np.stack([np.column_stack([xs[:-1], np.full(bins, foot)]), np.column_stack([xs[1:], tops])], axis=1)
        return Rectangles(corners, [*self.theme.rgb("muted"), 0.8], width=0, z_index=-0.5)

    def count_values(self, values: ArrayLike, bins: int = 60) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
        """Count the values in each part of the horizontal axis, those beyond it at its ends; edges (N + 1,) too."""
        return np.histogram(np.clip(np.asarray(values, float), *self.x), bins, self.x)

    def _ticks(self, labels: Mapping[float, str], vertical: bool) -> list[ArrayMobject]:
        values = list(labels)
        if vertical:
            ends = self.at(self.x[0], values)
            starts, at, align = ends - [TICK_LENGTH, 0], ends - [TICK_LENGTH + 0.1, 0], (1, 0)
        else:
            ends = self.at(values, self.y[0])
            starts, at, align = ends - [0, TICK_LENGTH], ends - [0, TICK_LENGTH + 0.2], (0, 0)
        muted = self.theme.rgb("muted")
        out: list[ArrayMobject] = [Edges(starts, ends, [*muted, 1.0], 1.5)]
        out += [
            text_line(labels[value], LABEL, muted, at=point, align=align)
            for value, point in zip(values, at, strict=True)
        ]
        return out

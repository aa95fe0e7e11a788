"""Legends of a dense network in a film."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from netcore.core.formatting import format_number, format_value
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.columns import DenseColumns
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.legend import LEGEND_LINE, edge_scale_legend
from netcore.viz.film.components.pictures import color_ramp
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.theme import Theme

WIDTH = 3.0  # of a line, at most


class DenseLegends:
    """What fills, edges, dots and faint circles mean, one below the other.

    Parameters
    ----------
    theme : Theme
    columns : DenseColumns
    corner : tuple of float
        Upper left.

    Attributes
    ----------
    edges, uncomputed : list of ArrayMobject
        The legends of edges and of circles without a value, while they are shown.
    """

    def __init__(self, theme: Theme, columns: DenseColumns, corner: tuple[float, float]) -> None:
        self.theme, self.columns = theme, columns
        self.left, self.top = corner
        self.edges: list[ArrayMobject] = []
        self.uncomputed: list[ArrayMobject] = []

    def activation(self, scale: float, signed: bool) -> list[ArrayMobject]:
        """Explain the fills of neurons."""
        low = format_value(-scale) if signed else "0"
        y = self.top - LEGEND_LINE / 2
        title = text_line("activation", LABEL, self.theme.rgb("muted"), at=(self.left, y), align=(-1, 0))
        at, high = (self.left, y - LEGEND_LINE), format_value(scale)
        return [title, *color_ramp(self.theme, at, low, high, signed, 0.8, -1)]

    def products(self, scale: float, noun: str) -> list[ArrayMobject]:
        """Explain the colours of pictures of products."""
        y = self.top - 2.8 * LEGEND_LINE
        title = text_line(f"{noun} × weight", LABEL, self.theme.rgb("muted"), at=(self.left, y), align=(-1, 0))
        ends = format_number(-scale), format_number(scale)
        return [title, *color_ramp(self.theme, (self.left, y - LEGEND_LINE), *ends, True, 0.8, -1)]

    def explain(self, lines: Sequence[str]) -> list[Animate]:
        """Return the animations in which words take the place of the legend of edges."""
        old, y = self.edges, self.top - 2.8 * LEGEND_LINE
        muted = self.theme.rgb("muted")
        self.edges = [
            text_line(text, LABEL, muted, at=(self.left, y - k * LEGEND_LINE), align=(-1, 0))
            for k, text in enumerate(lines)
        ]
        return [*fade_out(old), *fade_in(self.edges, 0.3)]

    def change_edges(self, values: ArrayLike, scope: str, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which the legend takes the numbers of other edges; `scope` says of which."""
        array = np.asarray(values, dtype=float)
        high = float(array.max()) if array.max() > 0 else None
        low = float(array.min()) if array.min() < 0 else None
        old, top = self.edges, self.top - 2.3 * LEGEND_LINE
        self.edges = edge_scale_legend(self.theme, self.left, top, high, low, scope=ellipsize_line(scope, WIDTH, LABEL))
        return [*fade_out(old, delay), *fade_in(self.edges, delay + (0.3 if old else 0.0))]

    def drop_scope(self) -> list[Animate]:
        """Return the animations in which the line on the edges that are bright leaves, when none is."""
        gone, self.edges = self.edges[-1:], self.edges[:-1]
        return fade_out(gone)

    def outputs(self) -> list[Animate]:
        """Return the animations in which words on the outputs' colours take the place of those on empty circles."""
        y = self.top - (7.65 if any(self.columns.dots) else 6.75) * LEGEND_LINE
        words = text_line("output: value beside it", LABEL, self.theme.rgb("muted"), at=(self.left, y), align=(-1, 0))
        old, self.uncomputed = self.uncomputed, []
        return [*fade_out(old), *fade_in([words], 0.3)]

    def dots(self) -> list[ArrayMobject]:
        """Explain the dots, if a column has some."""
        if not any(self.columns.dots):
            return []
        muted, x = self.theme.rgb("muted"), self.left + 0.1
        y = self.top - 6.75 * LEGEND_LINE
        dots = Neurons([(x, y + d) for d in (0.1, 0.0, -0.1)], 0.028, muted, muted, width=0)
        return [dots, text_line("sum of all others", LABEL, muted, at=(x + 0.25, y), align=(-1, 0))]

    def not_computed(self) -> list[ArrayMobject]:
        """Explain the circles that have no value yet."""
        x, y = self.left + 0.1, self.top - (7.65 if any(self.columns.dots) else 6.75) * LEGEND_LINE
        circle = Neurons([(x, y)], 0.1, self.theme.rgb("background"), self.theme.rgb("faint"), dashed=1)
        words = text_line("not computed yet", LABEL, self.theme.rgb("muted"), at=(x + 0.25, y), align=(-1, 0))
        self.uncomputed = [circle, words]
        return self.uncomputed

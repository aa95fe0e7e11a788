"""Partial sums of an output value over all input maps."""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.examples import WindowExample
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.kernel_window import window_corners
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sums import format_fixed, sum_terms
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.edges import edge_style
from netcore.viz.theme import Theme


class PartialSums:
    """Windows on the tiles of a grid, and a line from each to the pixel that they make.

    Parameters
    ----------
    theme : Theme
    example : WindowExample
    grid : MapGrid
        What is read.
    output : MapGrid
        The map that is made.
    legend : Area
        Place of two lines that say what the lines mean.
    """

    def __init__(self, theme: Theme, example: WindowExample, grid: MapGrid, output: MapGrid, legend: Area) -> None:
        self.theme, self.example, self.grid = theme, example, grid
        read = {int(c): k for k, c in enumerate(example.terms.channels)}
        tiles = [t for t, unit in enumerate(grid.index) if unit in read]
        self.parts = [read[grid.index[t]] for t in tiles]
        corners = np.array([window_corners(grid.maps, example, tile=t) for t in tiles])
        self.starts = corners.mean(1)
        low, high = output.maps.pixel(example.terms.row, example.terms.column)
        self.end = (low + high) / 2
        values = example.terms.partial_sums[self.parts]
        rgba, widths = edge_style(theme, values)
        ends = np.repeat(self.end[None], len(tiles), 0)
        self.edges = Edges(self.starts, ends, rgba, widths, values=values, z_index=1)
        yellow = theme.rgb("emphasis")
        lines = [[*yellow, 1.0] if grid.index[t] == grid.index[0] else [*yellow, 0.7] for t in tiles]
        self.windows = Rectangles(corners, line=lines, width=1.3, z_index=2)
        strongest = format_fixed(float(np.abs(values).max(initial=0.0)), 2)
        words = ("line: what a map adds to the sum", f"blue raises, orange lowers; widest: {strongest}")
        self.legend = [
            text_line(ellipsize_line(word, row.width, LABEL), LABEL, theme.rgb("muted"), at=row.center)
            for word, row in zip(words, legend.rows([1, 1]), strict=True)
        ]
        self.pixel = Rectangles([[low, high]], line=[*yellow, 1.0], width=2.0, z_index=2)

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Lines, windows, the mark of the pixel and the legend."""
        return [self.edges, self.windows, self.pixel, *self.legend]

    def open(self) -> list[Animate]:
        """Let a window appear on each map, then the lines grow to the pixel."""
        return [
            Animate(self.windows, start={"opacity": 0.0}, opacity=1.0, run_time=0.4),
            Animate(self.edges, start={"progress": 0.0}, progress=1.0, run_time=1.0, delay=0.4, lag_ratio=0.5),
            *(
                Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=1.3)
                for m in (self.pixel, *self.legend)
            ),
        ]

    def sum_terms(self) -> tuple[list[Term], dict[int, Sequence[float]]]:
        """Terms of the sum line, the followed map's among them, and where they come from."""
        terms = self.example.terms
        channels = [int(c) for c in terms.channels]
        keep = [channels.index(self.grid.index[0])] if self.grid.index[0] in channels else []
        names = {k: f"map {c + 1}:" for k, c in enumerate(channels)}
        bias = terms.bias if self.example.has_bias else None
        found, index = sum_terms(terms.partial_sums, bias, self.example.decimals, names, keep, limit=5, shown=3)
        places = {part: self.starts[k] for k, part in enumerate(self.parts)}
        return found, {k: places[i] for k, i in enumerate(index) if i in places}

    def leave(self) -> list[Animate]:
        """Let everything leave."""
        return [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in self.mobjects]

"""Partial sums of an output value over all input maps."""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.examples import WindowExample
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.kernel_window import window_corners
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.number_cells import NumberCells
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sums import format_fixed, sum_terms
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line, line_width, text_line
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
        read = self.channels = {int(c): k for k, c in enumerate(example.terms.channels)}
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
        words = (f"line: what a map adds; widest: {strongest}", "blue raises, orange lowers")
        self.legend = [
            text_line(ellipsize_line(word, row.width, LABEL), LABEL, theme.rgb("muted"), at=row.center)
            for word, row in zip(words, legend.rows([1, 1]), strict=True)
        ]
        self.names = self._name_tiles()
        self.pixel = Rectangles([[low, high]], line=[*yellow, 1.0], width=2.0, z_index=2)

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Lines, windows, numbers of maps, the mark of the pixel and the legend."""
        return [self.edges, self.windows, *self.names, self.pixel, *self.legend]

    def open(self) -> list[Animate]:
        """Let a window appear on each map, then the lines grow to the pixel."""
        return [
            Animate(self.windows, start={"opacity": 0.0}, opacity=1.0, run_time=0.4),
            Animate(self.edges, start={"progress": 0.0}, progress=1.0, run_time=1.0, delay=0.4, lag_ratio=0.5),
            *(
                Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=1.3)
                for m in (self.pixel, *self.names, *self.legend)
            ),
        ]

    def sum_terms(self) -> tuple[list[Term], dict[int, Sequence[float]]]:
        """Terms of the sum line, the followed map's among them, and where they come from."""
        found, index = self._terms()
        places = {part: self.starts[k] for k, part in enumerate(self.parts)}
        return found, {k: places[i] for k, i in enumerate(index) if i in places}

    def _terms(self) -> tuple[list[Term], list[int]]:
        """Terms in the colours of their lines, and the part that each of them is."""
        terms = self.example.terms
        channels = [int(c) for c in terms.channels]
        keep = [channels.index(self.grid.index[0])] if self.grid.index[0] in channels else []
        names = {k: f"map {c + 1}:" for k, c in enumerate(channels)}
        bias = terms.bias if self.example.has_bias else None
        found, index = sum_terms(terms.partial_sums, bias, self.example.decimals, names, keep, limit=5, shown=3)
        for k, part in enumerate(index):
            if part in keep:
                found[k] = (found[k][0], "negative" if terms.partial_sums[part] < 0 else "positive")
        return found, index

    def _name_tiles(self) -> list[ArrayMobject]:
        """Numbers of the maps that the sum names, at the lower left of their tiles."""
        named = set(self._terms()[1])
        out: list[ArrayMobject] = []
        frames, ground = self.grid.frames(self.grid.area), self.theme.rgb("background")
        for t, unit in enumerate(self.grid.index):
            if unit not in self.channels or self.channels[unit] not in named:
                continue
            (x, y), text = frames[t][2, :2], str(unit + 1)
            width = line_width(text, LABEL) + 8 * PIXEL
            if width < frames[t][1, 0] - frames[t][0, 0]:
                place = Area(x, y, x + width, y + 18 * PIXEL)
                out.append(NumberCells(self.theme, ground[None, None], [text], place, [[unit + 1]], z_index=2))
        return out

    def leave(self) -> list[Animate]:
        """Let everything leave."""
        return [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in self.mobjects]

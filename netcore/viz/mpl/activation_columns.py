"""Activations of a block as a column of images or cells."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.text import Text
from numpy.typing import NDArray

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.units import Criterion, Units, select_units
from netcore.core.formatting import format_number, format_subset
from netcore.core.trace import Trace
from netcore.viz.colors import abs_limit
from netcore.viz.layout.unit_columns import GAP, UnitColumn, fit_columns, grid_in_column
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging, sequential
from netcore.viz.mpl.image_grid import ImageGrid, image_grid
from netcore.viz.mpl.style import FIGURE_WIDTH, SMALL, ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width

TOP, FOOT = 44.0, 38.0  # units for the name and the shape above a column, for two lines below it
MAX_SCREEN_PIXELS = 12  # side of a map's pixel
MIN_WIDTH = 48.0  # units of a column


class ActivationView:
    """Outputs of one block: which maps or neurons are shown, and the grid that they are in.

    Parameters
    ----------
    block : Block
    traces : sequence of Trace
        All that will be shown: they share one scale, and one choice of what answers to them most (neurons) or varies
        most over the image (maps).
    graph : Graph
        It holds the block: a pooling shows the maps of the layer that it reads.
    """

    def __init__(self, block: Block, traces: Sequence[Trace], graph: Graph) -> None:
        self.block = block
        self.outputs = np.stack([self._tiles(trace) for trace in traces])  # (traces, N, h, w)
        self.vector = self.outputs.shape[2:] == (1, 1)  # or maps of one pixel each
        self._graph, self._traces = graph, traces
        self.signed = bool(self.outputs.min() < 0)
        self.limit = abs_limit(self.outputs)
        self.units = Units(np.arange(len(self.outputs[0])), len(self.outputs[0]), block.unit_word)
        self.name: Text | None = None

    def _tiles(self, trace: Trace) -> NDArray[Any]:
        """Images (N, h, w): maps, neurons of one pixel, or one image of a sequence, a row per position."""
        values = self.block.unit_values(trace.value(self.block.output))
        if values.ndim == 2:  # (features, positions)
            return values.T[None]
        return values if values.ndim == 3 else values.reshape(-1, 1, 1)

    @property
    def is_sequence(self) -> bool:
        """Whether it is one image of tokens or time steps by features."""
        return not self.vector and not self.block.has_maps

    @property
    def shape_text(self) -> str:
        """Size of a map, or of a sequence, or the number of neurons."""
        _, count, h, w = self.outputs.shape
        return f"{count:,}" if self.vector else f"{h}×{w}"

    def select(self, count: int) -> None:
        """Show a maximum number of units: neurons of the largest magnitude, maps of the largest standard deviation."""
        if not self.is_sequence:
            by: Criterion = "activation" if self.vector else "variation"
            self.units = select_units(self._graph, self.block, self._traces, count, by)

    @property
    def selected(self) -> NDArray[np.int_]:
        """Indices of the units shown."""
        return self.units.index

    def draw(
        self, fig: ThemedFigure, box: Box, columns: int | None, pixel: float | None, gap: float = GAP
    ) -> ImageGrid:
        """Make the grid, empty, at the top left of the box."""
        self.theme = fig.theme
        cmap = (diverging if self.signed else sequential)(fig.theme)
        empty = np.full((len(self.selected), *self.outputs.shape[2:]), np.nan)
        settings: dict[str, Any] = {
            "cmap": cmap,
            "vmin": -self.limit * self.signed,
            "vmax": self.limit,
            "frame": True,
            "gap": gap,
        }
        self.grid = image_grid(fig, box, empty, columns=columns, pixel=pixel, **settings)
        return self.grid

    def layout(self, min_width: float = 0.0) -> UnitColumn:
        """What a column of it has to hold."""
        _, count, h, w = self.outputs.shape
        return UnitColumn(count, (h, w), min_width)

    def draw_column(self, fig: ThemedFigure, box: Box, pixel: float) -> None:
        """Draw it as a column, a map's pixel `pixel` units wide, with name, shape, number shown and largest value."""
        muted, count = fig.theme.muted, self.outputs.shape[1]
        columns, rows, pixel, gap = grid_in_column(self.layout(), box.w, box.h - TOP - FOOT, pixel)
        self.select(columns * rows)
        self.name = add_text(
            fig, box.x, box.y, ellipsize(fig, self.block.short, box.w + 4, SMALL, "bold", "end"), fontweight="bold"
        )
        add_text(fig, box.x, box.y + 19, self.shape_text, color=muted)
        self.draw(fig, box.inset(top=TOP, bottom=FOOT), min(columns, len(self.selected)), pixel, gap)
        words = format_subset(len(self.selected), count) if not self.is_sequence else "all"
        words = words if text_width(fig, words) <= box.w + 6 else words.replace(" of ", "/")
        add_text(fig, box.x, box.y + box.h - 34, words, color=muted)
        add_text(fig, box.x, box.y + box.h - 15, format_number(float(np.abs(self.outputs).max())), color=muted)

    def update(self, trace: Trace, share: float = 1.0) -> list[Artist]:
        """Show the first `share` of a trace's maps; while they appear, the title is emphasised."""
        tiles = self._tiles(trace)[self.selected].copy()
        tiles[round(share * len(tiles)) :] = np.nan
        changed: list[Artist] = [self.grid.set(tiles)]
        if self.name:
            theme = self.theme
            self.name.set_color(theme.emphasis if 0 < share < 1 else theme.foreground)
            changed.append(self.name)
        return changed


def draw_activation_columns(fig: ThemedFigure, box: Box, views: Sequence[ActivationView], gap: float) -> None:
    """Draw blocks as columns side by side, all maps to one scale, the largest at which a few of each block fit.

    Colors mean the same in all of them: if one block has negative values, all are drawn with both signs.
    """
    signed = any(view.signed for view in views)
    for view in views:
        view.signed = signed
    scale = fig.bbox.width / FIGURE_WIDTH
    columns = [view.layout(_text_width(fig, view)) for view in views]
    pixels = [k / scale for k in range(MAX_SCREEN_PIXELS, 0, -1)]
    widths, pixel, gap = fit_columns(columns, box.w, box.h - TOP - FOOT, gap, pixels)
    left = box.x
    for view, wide in zip(views, widths, strict=True):
        view.draw_column(fig, Box(left, box.y, wide, box.h), pixel)
        left += wide + gap


def _text_width(fig: ThemedFigure, view: ActivationView) -> float:
    """Units that the texts above and below a column need."""
    return min(72.0, max(MIN_WIDTH, text_width(fig, view.block.short, SMALL, "bold")))

"""Network diagram: columns of neurons and maps, joined by edges."""

import itertools
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.diagram_columns import DiagramColumn, column_contributions, diagram_columns
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.units import Units, select_units, top_k
from netcore.core.trace import Trace
from netcore.viz.colors import blend
from netcore.viz.layout.columns import column_positions
from netcore.viz.layout.edges import connect_all, diagram_edge_style, edge_strength
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging, sequential
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.probability_bars import prediction_color, set_text
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width
from netcore.viz.theme import Theme

PIXELS, NEURONS, MAPS, CLASSES = 15, 10, 4, 10  # shown, at most, of a column
IDLE = 0.05  # of the strongest of its column: what is weaker is drawn as idle
PITCH = 24.0  # units between neighbouring neurons, at most
FOOT = 38.0  # units below the columns, for how many are shown


class NetworkDiagram:
    """The network as columns of units with edges, in a box; `update` shows an image.

    Attributes
    ----------
    selected : list of ndarray
        Units in each column.
    values : list of ndarray or None
        Contributions along the edges between neighbouring columns, (T, S) each; None if the columns do not follow one
        another.
    lines : LineCollection
        The edges, weak ones first.
    """

    def __init__(self, fig: ThemedFigure, box: Box, trace: Trace, limit: int = 6) -> None:
        self.theme = fig.theme
        self.columns = diagram_columns(trace, limit)
        self.graph = graph_of_trace(trace).join_poolings()
        longest = min(0.24 * box.w, max(text_width(fig, name, weight="bold") for name in trace.classes))
        self._classes = [ellipsize(fig, name, longest, weight="bold") for name in trace.classes]
        inner = box.inset(right=longest + 10, bottom=FOOT)
        self.ax = add_axes(fig, inner, xlim=(0, inner.w), ylim=(inner.h, 0))
        self.ax.axis("off")
        self.lines = LineCollection([], capstyle="round", zorder=1)
        self.ax.add_collection(self.lines, autolim=False)
        self.views = self._views(fig, inner, trace)
        # Names are beside the axes, not in them: what the lines cannot reach need not be drawn again.
        x, ys = inner.x + inner.w + 6, inner.y + self.views[-1].centers[:, 1]
        self.names = [add_text(fig, x, y, "", va="center_baseline") for y in ys]
        self.update(trace)
        self._mark_gaps(inner)

    def _views(self, fig: ThemedFigure, inner: Box, trace: Trace) -> "list[_Neurons | _Maps]":
        """One view a column, from left to right, the counts below."""
        room = inner.w / (len(self.columns) - 0.4)
        tile = min((inner.h - 12) / MAPS - 6, 0.62 * room)
        radius = 0.4 * min(14.0, inner.h / (PIXELS + 1))
        xs = np.linspace(
            (tile / 2 if self.columns[0].has_maps else radius) + 1, inner.w - radius - 1, len(self.columns)
        )
        out: list[_Neurons | _Maps] = []
        for k, (column, x) in enumerate(zip(self.columns, xs, strict=True)):
            if column.has_maps:
                place = Box(inner.x + x - tile / 2, inner.y, tile, inner.h)
                out.append(_Maps(fig, self.ax, place, inner, column, trace))
            else:
                most = PIXELS if k == 0 else CLASSES if k == len(xs) - 1 else NEURONS
                out.append(_Neurons(self.ax, x, inner.h, radius, column, most, self.theme))
            lines = (
                ["image"] if column.has_maps and column.block is None else [f"{out[-1].count:,}", f"of {column.size:,}"]
            )
            for i, line in enumerate(lines[: 1 + (out[-1].count < column.size)]):
                y = inner.y + inner.h + 6 + 16.5 * i
                add_text(fig, inner.x + x, y, ellipsize(fig, line, room), ha="center", color=self.theme.muted)
        return out

    def _mark_gaps(self, inner: Box) -> None:
        """Three dots between columns that do not follow one another."""
        for (a, b), values in zip(itertools.pairwise(self.views), self.values, strict=True):
            if values is None:
                middle = (a.centers[0, 0] + a.half + b.centers[0, 0] - b.half) / 2
                _dots(self.ax, [(middle + d, inner.h / 2) for d in (-5, 0, 5)], self.theme)

    # ---- an image

    def update(self, trace: Trace) -> list[Artist]:
        """Show a trace and return the changed artists."""
        changed: list[Artist] = [self.lines, *self.names]
        pairs = zip(self.columns[:-1], self.views[:-1], strict=True)
        self.units = [self._select(column, view.count, trace) for column, view in pairs]
        shares = trace.probabilities
        self.selected = [*(units.index for units in self.units), top_k(shares, self.views[-1].count)]
        for column, view, chosen in zip(self.columns, self.views, self.selected, strict=True):
            values = shares if column is self.columns[-1] else column.values(trace)
            if column.has_maps and column.block is None:
                values = to_display(trace.pixels)[None]
            changed.append(view.update(values, chosen, 1.0 if values is shares else float(np.abs(values).max())))
        self.values = [
            column_contributions(trace, *pair, *which)
            for pair, which in zip(itertools.pairwise(self.columns), itertools.pairwise(self.selected), strict=True)
        ]
        self._edges()
        for text, k in zip(self.names, self.selected[-1], strict=True):
            color = prediction_color(self.theme, trace, int(k))
            set_text(text, self._classes[k], color or self.theme.muted, bool(k == trace.prediction))
        return changed

    def _select(self, column: DiagramColumn, limit: int, trace: Trace) -> Units:
        """Units of a column for this image: neurons most active, maps varying most."""
        if column.block is None:
            return Units(top_k(column.activity(trace), limit), column.size, "pixel")
        if column.block.unit_count != column.size:  # values with several axes, shown as one vector
            return Units(top_k(column.activity(trace), limit), column.size, "value", "most active")
        return select_units(self.graph, column.block, [trace], limit, "variation" if column.has_maps else "activation")

    @property
    def selection(self) -> str:
        """How units of layers were chosen: ``"neurons most active"``; empty if all are shown."""
        return ", ".join(dict.fromkeys(units.selection for units in self.units if units.selection))

    def _edges(self) -> None:
        """Lines by what they carry: colour by sign, strong ones wide and opaque, weak ones hairlines below them."""
        segments: list[NDArray[Any]] = [np.zeros((0, 2, 2))]
        values: list[NDArray[Any]] = [np.zeros(0)]
        strength: list[NDArray[Any]] = [np.zeros(0)]
        for (a, b), carried in zip(itertools.pairwise(self.views), self.values, strict=True):
            if carried is None:
                continue
            segments.append(np.stack(connect_all(a.centers, b.centers, a.half + 1, b.half + 1), axis=1))
            values.append(carried.ravel())
            strength.append(edge_strength(carried.ravel()))
        lines, carry, share = np.concatenate(segments), np.concatenate(values), np.concatenate(strength)
        order = np.argsort(share, kind="stable")
        order = order[share[order] > 0]
        rgba, widths = diagram_edge_style(self.theme, carry[order], share[order])
        self.lines.set_segments(list(lines[order]))
        self.lines.set_array(None)
        self.lines.set_color(rgba)  # type: ignore[arg-type]  # the stub leaves out arrays
        self.lines.set_linewidth(widths)  # type: ignore[arg-type]  # the stub leaves out arrays
        self.carried = carry[order]


class _Neurons:
    """A column of neurons: filled by activation where active, an empty faint ring where idle."""

    def __init__(
        self, ax: Axes, x: float, high: float, radius: float, column: DiagramColumn, most: int, theme: Theme
    ) -> None:
        self.count, self.half, self.theme = min(column.size, most), radius, theme
        more = self.count < column.size
        self.centers, dots = column_positions(self.count, x, high, 0.0, more, PITCH)  # y points down
        if len(dots):
            _dots(ax, dots, theme)
        self.artist = ax.scatter(
            self.centers[:, 0], self.centers[:, 1], s=(2 * radius) ** 2, linewidths=1.2, zorder=2, clip_on=False
        )

    def update(self, values: NDArray[Any], chosen: NDArray[Any], limit: float) -> Artist:
        share = values[chosen] / max(limit, 1e-12)
        active = np.abs(share) > IDLE
        fill = self.theme.signed_colors(share) if values.min() < 0 else self.theme.activation_colors(share)
        ring = np.where(active[:, None], self.theme.rgb("foreground"), blend(self.theme, "faint", "muted", 0.35))
        face = np.where(active[:, None], fill, self.theme.rgb("background"))
        self.artist.set_facecolor(face)  # type: ignore[arg-type]  # the stub leaves out arrays
        self.artist.set_edgecolor(ring)  # type: ignore[arg-type]  # the stub leaves out arrays
        self.active = active
        return self.artist


class _Maps:
    """A column of maps, or the image, as tiles; an idle one is as dark as it is."""

    def __init__(
        self, fig: ThemedFigure, ax: Axes, place: Box, inner: Box, column: DiagramColumn, trace: Trace
    ) -> None:
        theme = fig.theme
        self.count = min(column.size, MAPS)
        more = self.count < column.size
        self.image = column.block is None
        values = column.values(trace)
        signed = bool(values.min() < 0)
        empty = to_display(trace.pixels)[None] if self.image else np.zeros((self.count, *values.shape[1:]))
        cmap = (diverging if signed else sequential)(theme)
        settings: dict[str, Any] = {"cmap": cmap, "vmin": -1.0 * signed, "vmax": 1.0, "frame": True, "gap": 6.0}
        self.grid = image_grid(
            fig,
            place.inset(bottom=14 * more),
            empty,
            columns=1,
            align=(0.5, 0.5),
            **settings,
        )
        boxes = [self.grid.image_box(i) for i in range(self.count)]
        self.half = boxes[0].w / 2
        self.centers = np.array([(b.x + b.w / 2 - inner.x, b.y + b.h / 2 - inner.y) for b in boxes])
        low = boxes[-1].y + boxes[-1].h - inner.y + 8
        if more:
            _dots(ax, [(self.centers[0, 0] + d, low) for d in (-5, 0, 5)], theme)

    def update(self, values: NDArray[Any], chosen: NDArray[Any], limit: float) -> Artist:
        return self.grid.set(values[chosen] if self.image else values[chosen] / max(limit, 1e-12))


def _dots(ax: Axes, places: ArrayLike, theme: Theme) -> None:
    ax.plot(*np.transpose(places), "o", markersize=2.8, color=theme.muted, markeredgewidth=0, zorder=3, clip_on=False)

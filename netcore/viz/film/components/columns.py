"""Columns of neurons, and edges between them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_count, format_subset
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.neuron_columns import DOT_RADIUS, CircleStyle, NeuronColumns
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.pixel_region import overlaps
from netcore.viz.film.text import TextLine, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.edges import connect_all, edge_colors, edge_strength
from netcore.viz.theme import Theme

STYLE = CircleStyle(radius=0.19, pitch=0.56)
WIDTHS = (1.0, 5.0)  # pixels, of the weakest and the strongest edge into a layer
HIDDEN = {"opacity": 0.0}


class DenseColumns(NeuronColumns):
    """Neurons of a dense network in columns, the inputs first.

    Where neurons are left out, three dots stand for them, and an edge from the dots carries the sum of all that they
    contribute: the drawn edges into a neuron and its bias add up to its sum.

    Parameters
    ----------
    theme : Theme
    layers : sequence of DenseLayer
    index : sequence of ndarray of int
        Drawn neurons of each column: inputs, hidden layers, outputs.
    area : Area
        Its left and right are the places of the first and the last column.

    Attributes
    ----------
    edges : list of Edges
        Into each column but the first; `values` (T * S,) by target, the dots' last among the sources.
    """

    def __init__(
        self, theme: Theme, layers: Sequence[DenseLayer], index: Sequence[NDArray[np.int_]], area: Area
    ) -> None:
        self.layers, self.area = layers, area
        sizes = [len(layers[0].inputs), *(len(layer.z) for layer in layers)]
        super().__init__(theme, index, sizes, np.linspace(area.left, area.right, len(sizes)), area, STYLE)
        self.edges = [self._make_edges(k) for k in range(1, len(self.sizes))]
        self.computed = [np.ones(len(i), dtype=bool) for i in index]
        self.marked: dict[int, int] = {}  # row of the neuron in yellow, by column
        self.riders: list[tuple[int, ArrayMobject]] = []  # what moves with a column
        self.plates: list[tuple[int, Rectangles, TextLine]] = []

    @property
    def bottom(self) -> float:
        """Lower end of the longest column."""
        return float(min(ys.min() for ys in self._ys)) - self.radius

    # ---- edges

    def _make_edges(self, k: int) -> Edges:
        values = self.contributions(k).ravel()
        starts, ends = self._end_points(k)
        return Edges(starts, ends, self.colors(k), edge_look(self.theme, values)[1], values=values, progress=0.0)

    def _end_points(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        gap = self.radius + 2 * PIXEL
        return connect_all(self.sources(k - 1), self.centers(k), gap, gap)

    def contributions(self, k: int) -> NDArray[np.float64]:
        """Return what each source carries to each neuron of column `k`, the dots' rest last: (T, S)."""
        layer, targets, drawn = self.layers[k - 1], self.index[k], self.index[k - 1]
        all_terms = layer.weight[targets].astype(np.float64) * layer.inputs
        shown = all_terms[:, drawn]
        if len(drawn) == self.sizes[k - 1]:
            return shown
        return np.column_stack([shown, all_terms.sum(1) - shown.sum(1)])

    def colors(self, k: int, lit: ArrayLike | None = None, dim: float = 0.0) -> NDArray[np.float64]:
        """Return colours (T * S, 4) of the edges into column `k`; rows of targets not `lit` are dimmed."""
        values = self.contributions(k)
        rgba = edge_look(self.theme, values.ravel())[0].reshape(*values.shape, 4)
        if lit is not None:
            rgba[np.setdiff1d(np.arange(len(values)), np.asarray(lit)), :, 3] *= dim
        return rgba.reshape(-1, 4)

    def grow(
        self, k: int, lit: ArrayLike | None = None, run_time: float = 0.8, delay: float = 0.0, dim: float = 0.0
    ) -> Animate:
        """Return the animation in which the edges into column `k` leave their sources, one after another."""
        edges = self.edges[k - 1]
        edges.rgba = self.colors(k, lit, dim)
        targets, sources = len(self.index[k]), len(edges.values) // len(self.index[k])
        order = np.tile(np.linspace(0, 1, sources), targets)
        return Animate(
            edges, start={"progress": 0.0}, progress=1.0, order=order, lag_ratio=0.5, run_time=run_time, delay=delay
        )

    # ---- neurons

    def begin_uncomputed(self) -> None:
        """Give all neurons the dashed faint outline of those without a value yet; `fill` gives them the usual one."""
        for k, neurons in enumerate(self.columns):
            self.computed[k][:] = False
            neurons.ring, neurons.dashed = self.rings(k), self.dashes(k)

    def dashes(self, k: int) -> NDArray[np.float64]:
        """Return whether (N,) the outlines of a column are dashed: 1 without a value, else 0."""
        return np.where(self.computed[k], 0.0, 1.0)

    def rings(self, k: int) -> NDArray[np.float64]:
        """Return the colours (N, 3) of a column's outlines: faint without a value, yellow where marked."""
        faint, muted = (self.theme.rgb(role) for role in ("faint", "muted"))
        ring = np.where(self.computed[k][:, None], muted, faint)
        if k in self.marked:
            ring[self.marked[k]] = self.theme.rgb("emphasis")
        return np.asarray(ring, dtype=np.float64)

    def fill(self, k: int, values: ArrayLike, rgb: ArrayLike, rows: ArrayLike | None = None, **keys: Any) -> Animate:
        """Return the animation that fills neurons of a column (all, or those in `rows`) one after another."""
        neurons = self.columns[k]
        if not len(neurons.values):
            neurons.values = np.full(len(self.index[k]), np.nan)
        chosen = np.arange(len(self.index[k])) if rows is None else np.atleast_1d(np.asarray(rows))
        stored, fill = neurons.values.copy(), neurons.fill.copy()
        stored[chosen], fill[chosen] = np.asarray(values)[chosen], np.asarray(rgb)[chosen]
        neurons.values = stored
        self.computed[k][chosen] = True
        keys.setdefault("lag_ratio", 0.5)
        return Animate(neurons, fill=fill, ring=self.rings(k), dashed=self.dashes(k), **keys)

    def mark(self, k: int, unit: int) -> Animate:
        """Return the animation that rings one neuron in yellow, and no other of its column."""
        self.marked[k] = self.row(k, unit)
        return Animate(self.columns[k], ring=self.rings(k), run_time=0.3)

    def tag(self, k: int, unit: int, text: str, role: str = "emphasis") -> list[ArrayMobject]:
        """Return a plate with a text left of a neuron, above the edges; nothing where the columns are too close."""
        if not self._fits(k, line_width(text, LABEL)):
            return []
        x, y = self.point(k, unit)
        right = x - self.radius - 3 * PIXEL
        width, half = line_width(text, LABEL), LABEL * PIXEL * 0.5
        line = text_line(text, LABEL, self.theme.rgb(role), at=(right - 2 * PIXEL, y), align=(1, 0), z_index=3)
        box = [(right - width - 4 * PIXEL, y - half), (right, y + half)]
        plate = Rectangles([box], fill=[*self.theme.rgb("background"), 0.85], z_index=2)
        self.riders += [(k, plate), (k, line)]
        self.plates.append((k, plate, line))
        return [plate, line]

    def edge_number(self, start: ArrayLike, end: ArrayLike, value: str, role: str) -> list[ArrayMobject]:
        """Return a number above the middle of an edge, or nothing if it would not fit or would overlap a tag."""
        (x0, y0), (x1, y1) = (np.asarray(point, dtype=float)[:2] for point in (start, end))
        width, half = line_width(value, LABEL), LABEL * PIXEL * 0.5
        if width > x1 - x0 + 0.1:
            return []
        at = (x0 + x1) / 2, (y0 + y1) / 2 + 0.24 + width / 2 * abs(y1 - y0) / (x1 - x0)
        line = text_line(value, LABEL, self.theme.rgb(role), at=at, z_index=3)
        box = [(at[0] - width / 2 - 2 * PIXEL, at[1] - half), (at[0] + width / 2 + 2 * PIXEL, at[1] + half)]
        if any(overlaps(np.ravel(box), tag.bounding_box()) for _, _, tag in self.plates if tag.opacity > 0):
            return []
        return [Rectangles([box], fill=[*self.theme.rgb("background"), 0.85], z_index=2), line]

    def _fits(self, k: int, width: float) -> bool:
        """Whether a text fits into the gap before column `k`."""
        return bool(self.xs[k] - self.xs[k - 1] > width + 2 * self.radius + 0.2)

    def labels(self, source: str = "inputs") -> tuple[list[tuple[int, ArrayMobject]], list[TextLine]]:
        """Return labels below each column, and lines below all; only numbers where columns are close.

        Parameters
        ----------
        source : str
            What the first column holds.
        """
        last, muted = len(self.sizes) - 1, self.theme.rgb("muted")
        y = self.area.bottom - 0.28
        counts = [format_subset(len(i), n) for i, n in zip(self.index, self.sizes, strict=True)]
        names = [source, *(f"hidden {k}" if last > 2 else "hidden" for k in range(1, last)), "output"]
        tightest = self.area.width / last * (0.9 if last > 3 else 1.0)
        lines: list[TextLine] = []
        if max(line_width(text, LABEL) for text in names + counts) < tightest - 0.1:
            each = [[(name, y), (count, y - 0.3)] for name, count in zip(names, counts, strict=True)]
        else:
            each = [[], *([(str(k), y)] for k in range(1, last)), []]
            alike = set(counts[1:-1])
            hidden = (
                f"{alike.pop()} each"
                if len(alike) == 1
                else "at most " + format_count(len(max(self.index[1:-1], key=len)), "neuron") + " each"
            )
            text = f"{counts[0]} {source}, {last - 1} hidden layers: {hidden}"
            lines = [text_line(text, LABEL, muted, at=(self.area.center[0], y - 0.3))]
        own: list[tuple[int, ArrayMobject]] = [
            (k, text_line(text, LABEL, muted, at=(self.xs[k], height)))
            for k, column in enumerate(each)
            for text, height in column
        ]
        self.riders += own
        return own, lines

    def show(self, k: int, run_time: float = 0.3, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which a column and its dots appear."""
        found = [m for m in (self.columns[k], self.dots[k]) if m is not None]
        return [Animate(m, start=HIDDEN, opacity=1.0, run_time=run_time, delay=delay) for m in found]

    # ---- moving

    def focus(self, k: int, share: float = 0.34) -> NDArray[np.float64]:
        """Return the columns' places in which the gap before column `k` is the widest."""
        count = len(self.sizes) - 1
        gaps = np.full(count, 1.0 / count)
        if count > 3:
            gaps[:] = (1 - share) / (count - 1)
            gaps[k - 1] = share
        return self.area.left + np.concatenate([[0.0], np.cumsum(gaps)]) * self.area.width

    def place(self) -> None:
        """Put all mobjects to the columns' present places."""
        for animation in self.move(self.xs):
            animation.mobject.points = np.pad(
                np.reshape(animation.targets["points"], (-1, np.shape(animation.targets["points"])[-1]))[:, :2],
                ((0, 0), (0, 1)),
            )

    def move(self, xs: NDArray[np.float64], run_time: float = 0.8) -> list[Animate]:
        """Return the animations that move all columns, dots, tags and edges to other places."""
        before, self.xs = self.xs, np.asarray(xs, dtype=float)
        out = []
        for k, neurons in enumerate(self.columns):
            out.append(Animate(neurons, points=_circle_points(self.centers(k), self.radius), run_time=run_time))
            if (dots := self.dots[k]) is not None:
                out.append(Animate(dots, points=_circle_points(self.dot_centers(k), DOT_RADIUS), run_time=run_time))
        for k, edges in enumerate(self.edges, 1):
            points = np.stack(self._end_points(k), axis=1).reshape(-1, 2)
            out.append(Animate(edges, points=points, run_time=run_time))
        for k, rider in self.riders:
            shift = np.array([self.xs[k] - before[k], 0.0, 0.0])
            out.append(Animate(rider, points=rider.points + shift, run_time=run_time))
        for k, plate, line in self.plates:
            if line.opacity > 0:
                seen = float(self._fits(k, line.width))
                out += [Animate(m, opacity=seen, run_time=run_time) for m in (plate, line)]
        return out


def _circle_points(centers: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    return np.stack([centers - radius, centers + radius], axis=1).reshape(-1, 2)


def edge_look(theme: Theme, values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return colours (N, 4) by sign and widths (N,) in pixels by share of the largest; zero is hidden."""
    array = np.asarray(values, dtype=float)
    strength = edge_strength(array)
    alpha = np.where(array == 0, 0.0, 0.16 + 0.84 * strength)
    return np.column_stack([edge_colors(theme, array), alpha]), WIDTHS[0] + (WIDTHS[1] - WIDTHS[0]) * strength


def number_plate(theme: Theme, right: ArrayLike, text: str) -> tuple[Rectangles, TextLine]:
    """Return a text in yellow that ends at a point, and the plate behind it, above edges."""
    x, y = (float(v) for v in np.asarray(right)[:2])
    line = text_line(text, LABEL, theme.rgb("emphasis"), at=(x - 2 * PIXEL, y), align=(1, 0), z_index=3)
    half = LABEL * PIXEL * 0.5
    box = [(x - line_width(text, LABEL) - 4 * PIXEL, y - half), (x, y + half)]
    return Rectangles([box], fill=[*theme.rgb("background"), 0.85], z_index=2), line

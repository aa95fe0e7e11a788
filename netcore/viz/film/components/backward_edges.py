"""Edges of a dense network on which deltas and gradients run back."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.backpropagation import LayerGradient
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import PIXEL
from netcore.viz.film.components.backward_legend import EdgeSample, edge_extremes
from netcore.viz.film.components.columns import DenseColumns, edge_look
from netcore.viz.film.components.fades import fade_out
from netcore.viz.film.edges import Edges
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

NEUTRAL = 0.16  # opacity of the lines that stand for weights once deltas are spoken of
ALIKE, ALIKE_LOOK = 0.5, 0.4  # mean share of the largest change from which edges are drawn with less width and opacity


class BackwardEdges:
    """Columns of neurons, and edges from each to the one before it.

    Parameters
    ----------
    theme : Theme
    found : sequence of LayerGradient
    index : sequence of ndarray of int
        Drawn units of each column; the inputs are column 0.
    area : Area

    Attributes
    ----------
    flows : dict of int to Edges
        On which deltas or gradients are shown, by the column they come from.
    """

    def __init__(
        self, theme: Theme, found: Sequence[LayerGradient], index: Sequence[NDArray[np.int_]], area: Area
    ) -> None:
        self.theme, self.found, self.index = theme, list(found), list(index)
        self.last = len(self.found)
        self.columns = DenseColumns(theme, [one.layer for one in self.found], self.index, area)
        self.flows: dict[int, Edges] = {}

    def dim_forward(self) -> list[Animate]:
        """Return the animations in which the edges of the forward pass become grey lines: weights, nothing on them.

        Those of the dots leave.
        """
        out = []
        for k, edges in enumerate(self.columns.edges, 1):
            drawn = np.arange(len(edges.rgba)) % len(self.columns.sources(k - 1)) < len(self.index[k - 1])
            rgba = np.column_stack([np.tile(self.theme.rgb("muted"), (len(drawn), 1)), NEUTRAL * drawn])
            out.append(Animate(edges, rgba=rgba, widths=1.0, opacity=1.0, run_time=0.4))
        return out

    def hide_forward(self, k: int) -> list[Animate]:
        """Return the animation in which the forward edges into column `k` leave, to make room for others."""
        return [Animate(self.columns.edges[k - 1], opacity=0.0, run_time=0.3)]

    def one_edge(self, unit: int, source: int) -> Edges:
        """Make the yellow edge of one weight into the outputs."""
        columns, gap = self.columns, self.columns.radius + 2 * PIXEL
        start = np.add(columns.point(self.last - 1, source), (gap, 0.0))
        end = np.subtract(columns.point(self.last, unit), (gap, 0.0))
        return Edges([start], [end], [*self.theme.rgb("emphasis"), 1.0], 3.0, z_index=1)

    def flow(
        self,
        k: int,
        values: NDArray[np.float64],
        run_time: float = 0.8,
        look: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> list[Animate]:
        """Return the animations in which edges run from column `k` back to the one before it.

        Parameters
        ----------
        k : int
        values : ndarray, shape (T, S)
            Of drawn targets and sources; what is above 0 asks to fall.
        run_time : float
        look : tuple of ndarray, optional
            Colours and widths; default: on the scale of these edges.
        """
        columns, gap = self.columns, self.columns.radius + 2 * PIXEL
        targets, sources = columns.centers(k), columns.centers(k - 1)
        shift = np.array([gap, 0.0])
        starts, ends = np.repeat(targets, len(sources), 0) - shift, np.tile(sources, (len(targets), 1)) + shift
        wishes = -values.ravel()
        rgba, widths = look or edge_look(self.theme, wishes)
        old = self.flows.get(k)
        self.flows[k] = edges = Edges(starts, ends, rgba, widths, values=wishes)
        grow = Animate(edges, start={"progress": 0.0}, progress=1.0, run_time=run_time)
        return [*(fade_out([old]) if old else []), grow]

    def gradient_flow(self, k: int) -> list[Animate]:
        """Return the animations in which the drawn weights into column `k` get the colour of their gradients."""
        values = self.found[k - 1].gradient[np.ix_(self.index[k], self.index[k - 1])]
        return [*self.hide_forward(k), *self.flow(k, values)]

    def change_flows(self, changes: Sequence[NDArray[np.floating]]) -> list[Animate]:
        """Return the animations in which all drawn weights get the colour of their change, on one scale for all.

        Parameters
        ----------
        changes : sequence of ndarray, shape (O, I)
            Layer by layer.
        """
        drawn = [c[np.ix_(self.index[k], self.index[k - 1])].astype(float) for k, c in enumerate(changes, 1)]
        values = np.concatenate([c.ravel() for c in drawn])
        rgba, widths = edge_look(self.theme, values)
        size = np.abs(values)
        rgba[:, 3] = size / (size.max() or 1.0)  # small ones fade: a hairline would look like more
        if size.mean() > ALIKE * size.max():  # many alike: thin, that each can be seen
            rgba[:, 3], widths = rgba[:, 3] * ALIKE_LOOK, widths * ALIKE_LOOK
        ends, out = np.cumsum([0, *(c.size for c in drawn)]), []
        for k, change in enumerate(drawn, 1):
            part = slice(ends[k - 1], ends[k])
            out += [*self.hide_forward(k), *self.flow(k, -change, look=(rgba[part], widths[part]))]
        return out

    def delta_flow(self, k: int, unit: int | None = None, run_time: float = 0.8) -> list[Animate]:
        """Return the animations in which the deltas of column `k` run through the weights to the column before it.

        Parameters
        ----------
        k : int
        unit : int, optional
            The only neuron that they run to.
        run_time : float
        """
        one = self.found[k - 1]
        values = np.column_stack([one.terms(int(s))[self.index[k]] for s in self.index[k - 1]])
        if unit is not None:
            values = np.where(self.index[k - 1] == unit, values, 0.0)
        return [*self.hide_forward(k), *self.flow(k, values, run_time)]

    def fade_flow(self, k: int, opacity: float = 0.0) -> list[Animate]:
        """Return the animation in which the edges of `flow` step back."""
        return [Animate(self.flows[k], opacity=opacity, run_time=0.3)] if k in self.flows else []

    def gradient_samples(self, k: int) -> list[EdgeSample]:
        """Return the extremes of the edges shown behind column `k`: derivatives, whose signs are opposite."""
        values = -self.flows[k].values
        both = (
            EdgeSample(float(values.min()), "positive", "should rise"),
            EdgeSample(float(values.max()), "negative", "should fall"),
        )
        return [s for s in both if s.value and (s.value < 0) == (s.role == "positive")]

    def change_samples(self) -> list[EdgeSample]:
        """Return the extremes of the changes of all weights shown."""
        return edge_extremes(np.concatenate([edges.values for edges in self.flows.values()]), "rises", "falls")

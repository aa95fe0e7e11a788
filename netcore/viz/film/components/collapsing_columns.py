"""Columns of neurons whose layers of weights become one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.dense_layers import DenseLayer
from netcore.analysis.units import top_k
from netcore.core.formatting import format_subset
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, SUM_LINE, ArrayMobject
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.neuron_columns import CircleStyle, NeuronColumns
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.edges import connect_all, edge_style
from netcore.viz.theme import Theme

LABEL_ROOM = 0.6  # under the columns
GAP = 0.05  # from a neuron to its edges
MAX_LAYERS = 6  # drawn one by one; of more the first and the last ones


class CollapsingColumns:
    """Columns of neurons with edges coloured by weight; `slide` moves the hidden ones into the output.

    Parameters
    ----------
    theme : Theme
    area : Area
    layers : sequence of DenseLayer
    limit : int
        Neurons shown a column: those with the largest weights to the next.
    """

    def __init__(self, theme: Theme, area: Area, layers: Sequence[DenseLayer], limit: int) -> None:
        self.theme = theme
        if len(layers) > MAX_LAYERS:
            layers = [*layers[: MAX_LAYERS // 2], *layers[-MAX_LAYERS // 2 :]]
        self.layers = layers
        sizes = [layers[0].weight.shape[1], *(len(layer.weight) for layer in layers)]
        strengths = [np.linalg.norm(layer.weight, axis=0) for layer in layers]
        self.index = [top_k(s, limit) for s in strengths] + [top_k(np.ones(sizes[-1]), limit)]
        xs = np.linspace(area.left + 0.4, area.right - 0.4, len(sizes))
        low, high = area.bottom + LABEL_ROOM, area.top
        counts = [len(i) for i in self.index]
        drawn = NeuronColumns(theme, self.index, sizes, xs, Area(area.left, low, area.right, high), CircleStyle())
        self.columns, self.dots = drawn.columns, [dots for dots in drawn.dots if dots is not None]
        self.edges = [self._edges(layer.weight, k, k + 1) for k, layer in enumerate(layers) if self._follows(k)]
        words = ["input", *["hidden"] * (len(sizes) - 2), "output"]
        muted = theme.rgb("muted")
        self.labels = [
            text_line(text, LABEL, muted, at=(x, area.bottom + y))
            for x, word, count, size in zip(xs.tolist(), words, counts, sizes, strict=True)
            for text, y in ((word, 0.32), (format_subset(count, size), 0.05))
        ]
        self.shown: list[ArrayMobject] = self.mobjects

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All columns, edges and labels."""
        return [*self.edges, *self.columns, *self.dots, *self.labels]

    def slide(self) -> list[Animate]:
        """Return the animations that move the hidden columns into the output column, their edges gone before."""
        last = self.columns[-1].centers[0, 0]
        moves = fade_out(self.edges, run_time=0.15)
        for column in self.columns[1:-1]:
            shift = np.array([last - column.centers[0, 0], 0.0, 0.0])
            moves.append(Animate(column, points=column.points + shift, run_time=1.0, delay=0.2, remover=True))
        hidden = self.dots[1 : 1 + len(self.columns) - 2]
        return [*moves, *fade_out([*hidden, *self.labels[2:-2]])]

    def replace(self, weight: NDArray[np.float64]) -> list[Animate]:
        """Return the animations that show the one layer's edges, weight (K, I), in place of all others."""
        self.collapsed = self._edges(weight, 0, len(self.columns) - 1)
        self.shown = [
            self.collapsed, self.columns[0], self.columns[-1], *self.labels[:2], *self.labels[-2:], *self.dots
        ]  # fmt: skip
        return fade_in([self.collapsed])

    def _follows(self, k: int) -> bool:
        """Whether drawn column `k` + 1 holds the outputs of drawn layer `k`, in the full network too."""
        return k == 0 or self.layers[k].weight.shape[1] == len(self.layers[k - 1].weight)

    def _edges(self, weight: NDArray[np.floating], source: int, target: int) -> Edges:
        before, after = self.columns[source], self.columns[target]
        values = np.asarray(weight)[np.ix_(self.index[target], self.index[source])].ravel()
        rgba, widths = edge_style(self.theme, values)
        starts, ends = connect_all(before.centers, after.centers, before.radius + GAP)
        return Edges(starts, ends, rgba, widths, values=values)


def matrix_sizes(layers: Sequence[DenseLayer], product: NDArray[np.floating], width: float) -> str:
    """Write the sizes of dense layers' weights and of their product; of many only the outer two.

    Parameters
    ----------
    layers : sequence of DenseLayer
        From the input to the output.
    product : ndarray, shape (classes, inputs)
    width : float
        Largest width of the text, in scene units.
    """
    sizes = ["({:,} × {:,})".format(*layer.weight.shape) for layer in layers[::-1]]
    end = "{:,} × {:,}".format(*product.shape)
    text, short = (f"weights: {' · '.join(row)} → {end}" for row in (sizes, [sizes[0], "…", sizes[-1]]))
    return text if line_width(text, SUM_LINE) <= width else short

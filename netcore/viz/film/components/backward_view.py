"""A dense network with deltas that flow back from its outputs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.backpropagation import LayerGradient
from netcore.analysis.units import top_k
from netcore.core.formatting import format_number
from netcore.core.trace import Trace
from netcore.viz.colors import image_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import ArrayMobject
from netcore.viz.film.components.backward_edges import BackwardEdges
from netcore.viz.film.components.backward_legend import EdgeSample, backward_legend, edge_extremes
from netcore.viz.film.components.delta_sum import write_delta_sum
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.wish_bars import WishBars
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.layout.dense_areas import DenseAreas
from netcore.viz.theme import Theme

LABEL_ROOM = 0.85  # below the columns
MAX_TAGS = 4  # neurons of a column whose deltas are written
TAG_PITCH = 0.3  # between two of them, at least
PAST = 0.5  # opacity of edges on which deltas have gone back
STEP_BACK = 0.3  # opacity of edges of layers that are complete


class BackwardView(BackwardEdges):
    """Columns of neurons, the outputs' bars at their right, image and legends at their left.

    Colours say what the loss asks for: blue should rise, orange should fall; a delta has the opposite sign.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    found : sequence of LayerGradient
    areas : DenseAreas
    max_units, max_classes : int
        Drawn per column at most.
    keep : mapping of int to sequence of int
        Units that are drawn in any case, by column; the inputs are column 0.
    source : str
        What the first column holds: ``"inputs"``.
    """

    def __init__(
        self,
        theme: Theme,
        trace: Trace,
        found: Sequence[LayerGradient],
        areas: DenseAreas,
        max_units: int,
        max_classes: int,
        keep: Mapping[int, Sequence[int]],
        source: str = "inputs",
    ) -> None:
        self.trace, self.areas, self.found = trace, areas, list(found)
        index = self._choose(max_units, max_classes, keep)
        super().__init__(theme, found, index, areas.network(LABEL_ROOM))
        if self.last > 2:
            self.columns.xs = self.columns.focus(self.last)
            self.columns.place()
        _, h, w = trace.pixels.shape
        self.ratio = w / h
        frame = areas.thumbnail(self.ratio).frame
        self.picture = PixelImages(image_colors(theme, trace.pixels), frame, outline=theme.rgb("faint"))
        self.bars = self._make_bars()
        self.labels = self._make_labels(source)
        self.legend: list[ArrayMobject] = []
        self.tags: list[ArrayMobject] = []

    def _choose(self, max_units: int, max_classes: int, keep: Mapping[int, Sequence[int]]) -> list[NDArray[np.int_]]:
        """Drawn units: of the largest deltas; inputs of the largest gradients."""
        out = [top_k(self.found[0].layer.inputs, max_units, keep.get(0, ()))]
        for k, one in enumerate(self.found[:-1], 1):
            out.append(top_k(one.delta, max_units, keep.get(k, ())))
        classes = {self.trace.prediction, self.target, *keep.get(len(self.found), ())}
        return [*out, top_k(self.found[-1].delta, max(max_classes, len(classes)), classes)]

    @property
    def target(self) -> int:
        """True class."""
        assert self.trace.label is not None
        return self.trace.label

    def _make_bars(self) -> WishBars:
        index, columns = self.index[-1], self.columns
        p, dots = self.trace.probabilities, columns.dots[-1]
        left = columns.sizes[-1] - len(index)
        rest = None
        if left and dots is not None:
            rest = left, float(dots.centers[1, 1]), float(1.0 - p[index].sum())
        names = [self.trace.classes[k] for k in index]
        ys = columns.centers(self.last)[:, 1]
        row = columns.row(self.last, self.target)
        return WishBars(self.theme, self.areas.scores, ys, names, p[index], row, rest)

    def _make_labels(self, source: str) -> list[ArrayMobject]:
        own, lines = self.columns.labels(source)
        return [*(line for _, line in own), *lines]

    # ---- what is shown

    @property
    def network(self) -> list[ArrayMobject]:
        """Everything but the panel and the bars."""
        dots = [m for m in self.columns.dots if m is not None]
        return [*self.columns.edges, *self.flows.values(), *self.columns.columns, *dots, *self.labels, *self.tags]

    def leave(self) -> list[Animate]:
        """Return the animations in which network, bars and legend leave."""
        return fade_out([*self.network, *self.bars.mobjects, *self.legend])

    def come_back(self) -> list[Animate]:
        """Return the animations in which they appear again."""
        hidden = [edges for k, edges in enumerate(self.columns.edges, 1) if k in self.flows]
        seen = [m for m in self.network if m not in hidden]
        past = set(map(id, self.flows.values()))
        return [
            Animate(m, start={"opacity": 0.0}, opacity=PAST if id(m) in past else 1.0, run_time=0.3)
            for m in [*seen, *self.bars.mobjects, *self.legend]
        ]

    def recall_deltas(self) -> None:
        """Set bars and edges as they were when all deltas were known, while nothing is on the stage."""
        self.bars.recall_wishes()
        self.flows, self.tags = {}, []
        for k in range(2, self.last + 1):
            self.delta_flow(k)
            self.tag_deltas(k - 1)
        self.change_legend(
            "delta", "line: weight × delta", self.gradient_samples(self.last) if self.flows else (), False
        )

    # ---- plays

    def forward(self) -> list[list[Animate]]:
        """Return the plays in which values go from the image to the probabilities."""
        columns, plays = self.columns, []
        dots = [m for m in columns.dots if m is not None]
        plays.append(fade_in([*columns.columns, *dots, *self.labels]))
        for k in range(self.last + 1):
            grow = [columns.grow(k, run_time=0.5)] if k else []
            values, rgb = self._activations(k)
            back = [Animate(columns.edges[k - 2], opacity=STEP_BACK, run_time=0.4)] if k > 1 else []
            plays.append([*grow, *back, columns.fill(k, values, rgb, run_time=0.4, delay=0.2 if k else 0.0)])
        samples = edge_extremes(columns.edges[-1].values, "raises", "lowers")
        plays[1] += self.change_legend("activation", "weight × activation", samples)
        plays.append(self.bars.grow())
        return plays

    def _activations(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        index = self.index[k]
        if k == self.last:
            values = self.trace.probabilities[index]
            return values, self.theme.activation_colors(values)
        every = self.found[0].layer.inputs if k == 0 else self.found[k - 1].layer.output
        values = np.asarray(every[index], float)
        share = values / (float(np.abs(every).max()) or 1.0)
        signed = bool((every < 0).any()) and k > 0
        return values, (self.theme.signed_colors(share) if signed else self.theme.activation_colors(np.abs(share)))

    def delta(self, k: int, run_time: float = 0.6, delay: float = 0.0, rows: ArrayLike | None = None) -> Animate:
        """Return the animation that fills the neurons of column `k` with what the loss asks of them."""
        deltas = self.found[k - 1].delta
        scale = float(np.abs(deltas).max()) or 1.0
        values = deltas[self.index[k]]
        return self.columns.fill(
            k, values, self.theme.signed_colors(-values / scale), rows=rows, run_time=run_time, delay=delay
        )

    def backward_sum(
        self, k: int, unit: int, decimals: int, limit: int
    ) -> tuple[list[Term], dict[int, tuple[float, float]]]:
        """Write the derivative by a neuron as the sum of what the deltas of column `k` bring; origins of the terms."""
        named = k == self.last
        terms, index = write_delta_sum(
            self.found[k - 1], self.index[k], unit, decimals, limit, self.trace.classes if named else ()
        )
        return terms, {n: self.columns.point(k, i) for n, i in enumerate(index)}

    def tag_deltas(self, k: int, first: int | None = None) -> list[Animate]:
        """Return the animations in which the largest deltas of a column get their numbers."""
        deltas, ys = self.found[k - 1].delta, self.columns.centers(k)[:, 1]
        shown: list[tuple[float, int]] = []
        order = sorted(self.index[k], key=lambda u: (u != first, -abs(deltas[u])))
        for unit in order:
            y = ys[self.columns.row(k, int(unit))]
            if len(shown) < MAX_TAGS and all(abs(y - other) >= TAG_PITCH for other, _ in shown):
                shown.append((y, int(unit)))
        new = [m for _, unit in shown for m in self.columns.tag(k, unit, format_number(float(deltas[unit])))]
        self.tags += new
        return fade_in(new, 0.4)

    def tag(self, k: int, unit: int, text: str) -> list[Animate]:
        """Return the animations in which one neuron gets a text."""
        new = self.columns.tag(k, unit, text)
        self.tags += new
        return [self.columns.mark(k, unit), *fade_in(new)]

    def unmark(self) -> list[Animate]:
        """Return the animations in which all yellow rings leave."""
        marked = list(self.columns.marked)
        self.columns.marked.clear()
        return [Animate(self.columns.columns[k], ring=self.columns.rings(k), run_time=0.3) for k in marked]

    def drop_tags(self) -> list[Animate]:
        """Return the animations in which all texts at neurons leave."""
        gone, self.tags = self.tags, []
        return fade_out(gone)

    # ---- legends

    def change_legend(
        self, kind: str, title: str = "", samples: Sequence[EdgeSample] = (), numbers: bool = True
    ) -> list[Animate]:
        """Return the animations in which the legend changes.

        Parameters
        ----------
        kind : {"activation", "delta"}
            What neurons are filled with.
        title : str
            What edges stand for.
        samples : sequence of EdgeSample
            Real ones.
        numbers : bool
            Write their values.
        """
        old, corner = self.legend, self.areas.legends(self.ratio)
        left_out = any(dots is not None for dots in self.columns.dots)
        new = backward_legend(self.theme, corner, kind, title, samples, numbers, left_out)
        self.legend = new
        return [*fade_out(old), *fade_in(new, 0.3)]

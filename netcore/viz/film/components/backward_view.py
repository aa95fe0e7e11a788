"""A dense network with deltas that flow back from its outputs."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.answer_path import largest_terms
from netcore.analysis.backpropagation import LayerGradient
from netcore.analysis.units import top_k
from netcore.core.formatting import format_number, format_sum
from netcore.core.trace import Trace
from netcore.viz.colors import image_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.columns import DenseColumns, edge_look
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.legend import LEGEND_LINE
from netcore.viz.film.components.pictures import color_ramp
from netcore.viz.film.components.sum_line import Term, write_sum
from netcore.viz.film.components.wish_bars import WishBars
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons, PixelImages
from netcore.viz.film.text import text_line
from netcore.viz.layout.dense_areas import DenseAreas
from netcore.viz.theme import Theme

LABEL_ROOM = 0.85  # below the columns
DIM = 0.25  # opacity of forward edges once deltas are spoken of
MAX_TAGS = 4  # neurons of a column whose deltas are written
TAG_PITCH = 0.3  # between two of them, at least
ALIKE, ALIKE_LOOK = 0.5, 0.4  # mean share of the largest change from which edges are drawn with less width and opacity
MAX_DIGITS = 10  # after the point, of printed factors
STEP_BACK = 0.3  # opacity of edges of layers that are complete


class EdgeSample(NamedTuple):
    """An edge in a legend: number, role of its colour, what it does."""

    value: float
    role: str
    word: str


class BackwardView:
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
        self.theme, self.trace, self.found, self.areas = theme, trace, list(found), areas
        self.last = len(self.found)
        layers = [one.layer for one in self.found]
        self.index = self._choose(max_units, max_classes, keep)
        self.columns = DenseColumns(theme, layers, self.index, areas.network(LABEL_ROOM))
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
        self.flows: dict[int, Edges] = {}  # edges on which deltas or gradients are shown, by the column they come from
        self.tags: list[ArrayMobject] = []

    def _choose(self, max_units: int, max_classes: int, keep: Mapping[int, Sequence[int]]) -> list[NDArray[np.int_]]:
        """Drawn units: of the largest deltas; inputs of the largest gradients."""
        out = [top_k(self.found[0].layer.inputs, max_units, keep.get(0, ()))]
        for k, one in enumerate(self.found[:-1], 1):
            out.append(top_k(one.delta, max_units, keep.get(k, ())))
        classes = {self.trace.prediction, self.target, *keep.get(self.last, ())}
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
        seen = [m for m in self.network if m not in self.columns.edges]
        return [
            *fade_in([*seen, *self.bars.mobjects, *self.legend]),
            *(Animate(e, start={"opacity": 0.0}, opacity=DIM, run_time=0.3) for e in self.columns.edges),
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
        samples = _extremes(columns.edges[-1].values, "raises", "lowers")
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

    def dim_forward(self) -> list[Animate]:
        """Return the animations in which the edges of the forward pass step back."""
        return [Animate(edges, opacity=DIM, run_time=0.4) for edges in self.columns.edges]

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

    def backward_sum(
        self, k: int, unit: int, decimals: int, limit: int
    ) -> tuple[list[Term], dict[int, tuple[float, float]]]:
        """Write the derivative by a neuron as the sum of what the deltas of column `k` bring; origins of the terms."""
        terms = self.found[k - 1].terms(unit)
        drawn = self.index[k]
        strongest = largest_terms(np.where(np.isin(np.arange(len(terms)), drawn), terms, 0.0), limit)
        index = [int(i) for i in strongest.index if i in drawn]
        left, rest = len(terms) - len(index), float(terms.sum() - terms[index].sum())
        numbers, total = format_sum(terms[index].tolist(), rest if left else None, decimals, decimals)
        names = [clip_names([self.trace.classes[i]], 10)[0] if k == self.last else "" for i in index]
        labels = [f"from {name}:" if name else "" for name in names]
        if labels and labels[0]:
            factors = float(self.found[k - 1].layer.weight[index[0], unit]), float(self.found[k - 1].delta[index[0]])
            labels[0] += f" {print_factors(*factors, numbers[0])} ="
        labels += [f"{left:,} more:"] * bool(left)
        roles = ["positive" if text.startswith("−") else "negative" for text in numbers[: len(index)]]
        roles += ["muted"] * bool(left)  # of both signs
        return write_sum(numbers, total, roles, labels), {n: self.columns.point(k, i) for n, i in enumerate(index)}

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
        theme, old = self.theme, self.legend
        muted, (x, top) = theme.rgb("muted"), self.areas.legends(self.ratio)
        y = top - LEGEND_LINE / 2
        head, low, high = (
            ("delta: neuron should", "+ fall", "− rise") if kind == "delta" else ("activation", "low", "high")
        )
        new: list[ArrayMobject] = [text_line(head, LABEL, muted, at=(x, y), align=(-1, 0))]
        y -= LEGEND_LINE
        new += color_ramp(theme, (x, y), low, high, kind == "delta", 0.8, -1)
        y -= LEGEND_LINE
        new.append(text_line("scale: layer by layer", LABEL, muted, at=(x, y), align=(-1, 0)))
        if samples:
            y -= LEGEND_LINE * 1.3
            new.append(text_line(title, LABEL, muted, at=(x, y), align=(-1, 0)))
        size = max((abs(sample.value) for sample in samples), default=1.0)
        for value, role, word in samples:
            y -= LEGEND_LINE
            new.append(Edges([(x, y)], [(x + 0.4, y)], [*theme.rgb(role), 1.0], 1.0 + 4.0 * abs(value) / size))
            new.append(
                text_line(
                    f"{format_number(value)} {word}" if numbers else word, LABEL, muted, at=(x + 0.52, y), align=(-1, 0)
                )
            )
        if any(self.columns.dots):
            y -= LEGEND_LINE * 1.3
            words = "sum of all others" if kind == "activation" else "others, not drawn"
            dots = Neurons([(x + 0.1, y + d) for d in (0.1, 0.0, -0.1)], 0.028, muted, muted, width=0)
            new += [dots, text_line(words, LABEL, muted, at=(x + 0.35, y), align=(-1, 0))]
        self.legend = new
        return [*fade_out(old), *fade_in(new, 0.3)]

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
        return _extremes(np.concatenate([edges.values for edges in self.flows.values()]), "rises", "falls")


def print_factors(a: float, b: float, product: str) -> str:
    """Write two factors with the fewest digits that give a printed product.

    Examples
    --------
    >>> print_factors(0.55086, -0.75884, "−0.4180")
    '0.5509 × −0.7588'
    """
    goal, step = Decimal(product.replace("−", "-").replace(",", "")), Decimal(1).scaleb(-len(product.partition(".")[2]))
    for decimals in range(3, MAX_DIGITS):
        one, two = (f"{v:.{decimals}f}" for v in (a, b))
        if (Decimal(one) * Decimal(two)).quantize(step) == goal:
            break
    return f"{one} × {two}".replace("-", "−")


def _extremes(values: NDArray[np.floating], up: str, down: str) -> list[EdgeSample]:
    both = EdgeSample(float(values.max()), "positive", up), EdgeSample(float(values.min()), "negative", down)
    return [s for s in both if s.value and (s.value > 0) == (s.role == "positive")]

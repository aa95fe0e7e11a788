"""A dense network in a film, with legends, scores and sums."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.answer_path import AnswerPath, difference_terms, largest_terms
from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_percent, format_quotient, format_sum, format_value
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject, as_points
from netcore.viz.film.components.columns import DenseColumns, edge_look, number_plate
from netcore.viz.film.components.dense_story import verdict_words
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.legend import LEGEND_LINE, edge_scale_legend
from netcore.viz.film.components.one_neuron import OneNeuron
from netcore.viz.film.components.pictures import color_ramp, pixel_marks
from netcore.viz.film.components.scores import ScoreBars
from netcore.viz.film.components.sum_line import Term, write_sum
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.dense_areas import DenseAreas, tile_places
from netcore.viz.theme import Theme

LABEL_ROOM = 0.85  # below the columns
DIM = 0.3  # opacity of what is not spoken of
LARGE_SCORE = 600.0  # the largest is subtracted first, which changes no share: e^710 overflows
VERDICT_RISE = 0.42  # above the scores


class SumInNumbers(NamedTuple):
    """A neuron's sum for the sum line.

    Attributes
    ----------
    terms : list of Term
    origins : dict of int to point
        Where terms come from, by place in the line.
    total : str
    numbers : list of str
        Printed terms.
    """

    terms: list[Term]
    origins: dict[int, tuple[float, float]]
    total: str
    numbers: list[str]


class DenseView:
    """Columns of neurons with scores at their right and legends at their left.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    layers : sequence of DenseLayer
    path : AnswerPath
    index : sequence of ndarray of int
        Drawn neurons of each column, inputs first.
    areas : DenseAreas
    ratio : float
        Width to height of the image in the panel.
    """

    def __init__(
        self,
        theme: Theme,
        trace: Trace,
        layers: Sequence[DenseLayer],
        path: AnswerPath,
        index: Sequence[NDArray[np.int_]],
        areas: DenseAreas,
        ratio: float,
    ) -> None:
        self.theme, self.trace, self.layers, self.path, self.index = theme, trace, layers, path, index
        self.columns = DenseColumns(theme, layers, index, areas.network(LABEL_ROOM))
        self.sizes, self.last = self.columns.sizes, len(layers)
        values = np.concatenate([layer.output for layer in layers[:-1]])
        bounded = all(layer.functions[-1:] == ("Sigmoid",) for layer in layers[:-1])
        self.scale = 1.0 if bounded else float(np.abs(values).max()) or 1.0
        self.signed = bool((values < 0).any())
        self.scores = self._make_scores(areas)
        x, top = areas.legends(ratio)
        self._legend_left, self._legend_top = x, top
        self.edge_legend: list[ArrayMobject] = []
        self.areas, self.ratio = areas, ratio
        self.decisive_text = format_value(difference_terms(layers[-1], path.answer, path.other)[0][path.units[-1]])
        self.texts: dict[int, str] = {}  # numbers of the path, by column
        self._tags: dict[int, list[ArrayMobject]] = {}
        self._rest: list[ArrayMobject] = []
        self.verdict: list[ArrayMobject] = []
        self._pair: list[ArrayMobject] = []

    def _make_scores(self, areas: DenseAreas) -> ScoreBars:
        index, area = self.index[-1], areas.scores
        ys = self.columns.centers(self.last)[:, 1]
        names = [self.trace.classes[k] for k in index]
        return ScoreBars(self.theme, area, ys, names, self.path.scores[index], self.trace.probabilities[index])

    # ---- neurons

    def activation_colors(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return fills (N, 3) of activations, on one scale for all hidden layers."""
        share = np.asarray(values, dtype=float) / self.scale
        return (self.theme.signed_colors if self.signed else self.theme.activation_colors)(share)

    def shade(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return values (N,) and fills (N, 3) of the drawn neurons of column `k`."""
        index = self.index[k]
        if k == 0:
            inputs, pixels = self.layers[0].inputs, self.trace.pixels.ravel() / 255
            return np.asarray(inputs[index], dtype=np.float64), self.theme.activation_colors(pixels[index])
        if k == self.last:
            shares = self.trace.probabilities[index].astype(np.float64)
            return shares, self.theme.activation_colors(shares)
        values = np.asarray(self.layers[k - 1].output[index], dtype=np.float64)
        return values, self.activation_colors(values)

    def fill(self, k: int, rows: ArrayLike | None = None, run_time: float = 0.6, delay: float = 0.0) -> Animate:
        """Return the animation that fills drawn neurons of a column with their values."""
        return self.columns.fill(k, *self.shade(k), rows=rows, run_time=run_time, delay=delay)

    # ---- legends

    def activation_legend(self) -> list[ArrayMobject]:
        """Explain the fills of neurons."""
        low = format_value(-self.scale) if self.signed else "0"
        y = self._legend_top - LEGEND_LINE / 2
        title = text_line("activation", LABEL, self.theme.rgb("muted"), at=(self._legend_left, y), align=(-1, 0))
        at, high = (self._legend_left, y - LEGEND_LINE), format_value(self.scale)
        return [title, *color_ramp(self.theme, at, low, high, self.signed, 0.8, -1)]

    def change_edge_legend(self, values: ArrayLike, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which the legend of edges takes the numbers of other edges."""
        array = np.asarray(values, dtype=float)
        high = float(array.max()) if array.max() > 0 else None
        low = float(array.min()) if array.min() < 0 else None
        old, top = self.edge_legend, self._legend_top - 2.3 * LEGEND_LINE
        self.edge_legend = edge_scale_legend(self.theme, self._legend_left, top, high, low)
        return [*fade_out(old, delay), *fade_in(self.edge_legend, delay + (0.3 if old else 0.0))]

    def dots_legend(self) -> list[ArrayMobject]:
        """Explain the dots, if a column has some."""
        if not any(self.columns.dots):
            return []
        muted, x = self.theme.rgb("muted"), self._legend_left + 0.1
        y = self._legend_top - 5.9 * LEGEND_LINE
        dots = Neurons([(x, y + d) for d in (0.1, 0.0, -0.1)], 0.028, muted, muted, width=0)
        return [dots, text_line("all not drawn", LABEL, muted, at=(x + 0.25, y), align=(-1, 0))]

    def input_words(self, noun: str) -> str:
        """Return the caption of the step in which inputs are drawn."""
        drawn, left = len(self.index[0]), self.sizes[0] - len(self.index[0])
        if left == 0:
            return "An edge carries weight × activation"
        return f"{drawn} inputs drawn; dots: {left:,} more"

    # ---- sums in numbers

    def neuron_sum(self, k: int, unit: int, own: int, limit: int) -> SumInNumbers:
        """Write the sum of a neuron of column `k` in its largest terms; that of neuron `own` before it in yellow."""
        layer = self.layers[k - 1]
        terms = layer.weight[unit].astype(np.float64) * layer.inputs
        return self._in_numbers(k - 1, terms, float(layer.bias[unit]), own, limit)

    def difference(self, own: int, limit: int) -> SumInNumbers:
        """Write the difference of the two scores in its largest terms."""
        terms, bias = difference_terms(self.layers[-1], self.path.answer, self.path.other)
        return self._in_numbers(self.last - 1, terms, bias, own, limit)

    def _in_numbers(self, k: int, terms: NDArray[np.float64], bias: float, own: int, limit: int) -> SumInNumbers:
        drawn = self.index[k]
        largest = largest_terms(np.where(np.isin(np.arange(len(terms)), drawn), terms, 0.0), limit, [own])
        index = largest.index if len(terms) > len(largest.index) else np.arange(len(terms))
        index = np.array([i for i in index if i in drawn], dtype=int)
        values, rest = terms[index], float(terms.sum() - terms[index].sum())
        left = len(terms) - len(index)
        if left:
            numbers, total = format_sum([*values, bias], rest)
            numbers = [*numbers[:-2], numbers[-1], numbers[-2]]
        else:
            numbers, total = format_sum([*values, bias])
        labels = [""] * len(index) + ([f"{left:,} more:"] if left else []) + ["bias"]
        roles = ["negative" if text.startswith("−") else "positive" for text in numbers]
        roles = ["emphasis" if n < len(index) and index[n] == own else role for n, role in enumerate(roles)]
        origins = {n: self.columns.point(k, int(i)) for n, i in enumerate(index)}
        if left and self.columns.dots[k] is not None:
            x, y = self.columns.sources(k)[-1]
            origins[len(index)] = (float(x), float(y))
        return SumInNumbers(write_sum(numbers, total, roles, labels), origins, total, numbers)

    # ---- classes not drawn

    def rest_line(self, with_share: bool) -> list[ArrayMobject]:
        """Return the words at the dots of the classes: how many, and their share."""
        index = self.index[-1]
        left = self.sizes[-1] - len(index)
        dots = self.columns.dots[-1]
        if dots is None:
            return []
        share = 1.0 - float(self.trace.probabilities[index].sum())
        text = f"{left:,} more: {format_percent(max(share, 0.0))}" if with_share else f"{left:,} more"
        y = float(dots.centers[1, 1])
        return [text_line(text, LABEL, self.theme.rgb("muted"), at=(self.scores.track.left, y), align=(-1, 0))]

    # ---- plays: the first layer

    def fill_first(self, neuron: OneNeuron) -> Iterator[list[Animate]]:
        """Move a neuron to its place in the first layer; the others get their products and activations too."""
        columns, unit, index = self.columns, neuron.unit, self.index[1]
        columns.xs = columns.focus(1)
        columns.place()
        row, count, first = columns.row(1, unit), len(index), columns.columns[1]
        centers, side = tile_places(self.areas.main, count, neuron.picture.ratio)
        self.tiles = neuron.picture.tiles(self.layers[0].weight[index], centers, side)
        r = columns.radius
        circles = centers + np.array([side / 2 * neuron.picture.ratio + 0.1 + r, 0.0])
        first.points = as_points(np.stack([circles - r, circles + r], axis=1).reshape(-1, 2))
        mine = neuron.picture.product_picture
        goal = np.tile(self.tiles.points[3 * row : 3 * row + 3], (len(mine.rgb), 1))
        yield [
            *neuron.leave(),
            Animate(neuron.circle, points=first.points[2 * row : 2 * row + 2], run_time=0.8, delay=0.3),
            Animate(mine, points=goal, run_time=0.8, delay=0.3),
        ]
        self._words = []
        if count < self.sizes[1]:
            text, box = f"{count} of {self.sizes[1]:,}, by contribution", self.areas.main
            at = (box.center[0], box.bottom + 0.15)
            self._words = [text_line(text, LABEL, self.theme.rgb("muted"), at=at)]
        yield [*fade_in([first, *self._words, *self.activation_legend()])]
        collapsed = np.repeat((self.tiles.points[1::3] + self.tiles.points[2::3]) / 2, 3, axis=0)
        grow = Animate(
            self.tiles, start={"points": collapsed}, points=self.tiles.points.copy(), lag_ratio=2.0, run_time=1.5
        )
        yield [grow, self.fill(1, run_time=1.5, delay=0.3)]
        yield [*fade_out([neuron.circle, mine], run_time=0.1), columns.mark(1, unit)]

    def draw_inputs(self, neuron: OneNeuron) -> Iterator[list[Animate]]:
        """Lead the drawn pixels to the input column, and edges from there to the first layer."""
        columns, unit = self.columns, self.path.units[0]
        thumb = self.areas.thumbnail(self.ratio)
        corners = neuron.picture.pixel_box(thumb, self.index[0], channels=False)
        self.marks = pixel_marks(self.theme, corners, 1.5)
        labels, lines = columns.labels()
        input_labels = [line for k, line in labels if k == 0]
        others = [line for k, line in labels if k > 0]
        goal = np.stack([columns.centers(1) - columns.radius, columns.centers(1) + columns.radius], axis=1)
        yield [
            *fade_out([self.tiles, *self._words]),
            Animate(columns.columns[1], points=goal.reshape(-1, 2), run_time=0.8, delay=0.3),
        ]
        rest = [m for k in range(2, self.last + 1) for m in columns.show(k)]
        dots = [m for m in columns.dots[1:2] if m is not None]
        yield [*rest, *fade_in([self.marks, *dots, *others, *lines])]
        inputs, middle = columns.columns[0], corners.mean(1)
        inputs.values, inputs.fill = self.shade(0)
        start = np.stack([middle - 0.03, middle + 0.03], axis=1).reshape(-1, 2)
        dots = [m for m in columns.dots[:1] if m is not None]
        yield [
            Animate(inputs, start={"points": start}, points=inputs.points.copy(), lag_ratio=0.5, run_time=1.2),
            *fade_in([*dots, *input_labels, *self.dots_legend()], delay=0.9),
        ]
        yield [
            columns.grow(1, run_time=1.2, delay=0.2),
            *self.change_edge_legend(columns.edges[0].values, delay=0.6),
            *fade_in(self._tag(1, f"{unit + 1:,}"), delay=0.9),
        ]

    # ---- plays: further layers

    def move(self, k: int) -> list[Animate]:
        """Return the animations that make the gap before column `k` the widest."""
        goal = self.columns.focus(k)
        return [] if np.allclose(goal, self.columns.xs) else self.columns.move(goal)

    def complete(self, k: int) -> list[Animate]:
        """Return the animations in which all neurons of column `k` are filled, and its edges step back."""
        edges = self.columns.edges[k - 1]
        filled = [] if k == 1 else [self.fill(k, run_time=0.4)]
        return [Animate(edges, rgba=self.columns.colors(k), opacity=DIM, run_time=0.4), *filled]

    def pass_on(self, k: int) -> list[Animate]:
        """Return the animations in which column `k` is computed as a whole."""
        return [self.columns.grow(k, run_time=0.6), self.fill(k, run_time=0.6, delay=0.3)]

    def light(self, k: int, unit: int) -> list[Animate]:
        """Return the animations in which the edges into one neuron grow."""
        row = self.columns.row(k, unit)
        values = self.columns.contributions(k)[row]
        return [self.columns.grow(k, lit=row), self.columns.mark(k, unit), *self.change_edge_legend(values)]

    def fill_one(self, k: int, unit: int) -> list[Animate]:
        """Return the animations in which one neuron is filled and gets its number."""
        return [self.fill(k, rows=self.columns.row(k, unit)), *fade_in(self._tag(k, f"{unit + 1:,}"))]

    def activation_text(self, k: int) -> str:
        """Return the activation of the path's neuron in column `k` as text."""
        return format_value(float(self.layers[k - 1].output[self.path.units[k - 1]]))

    def _tag(self, k: int, text: str) -> list[ArrayMobject]:
        self._tags[k] = self.columns.tag(k, self.path.units[k - 1], text)
        return self._tags[k]

    # ---- plays: scores and answer

    def connect_scores(self) -> list[Animate]:
        """Return the animations in which the edges into the outputs grow and the names appear."""
        self._rest = self.rest_line(with_share=False)
        return [
            self.columns.grow(self.last),
            *self.scores.show_names(),
            *fade_in(self._rest),
            *self.change_edge_legend(self.columns.edges[-1].values),
        ]

    def show_scores(self) -> list[Animate]:
        """Return the animations in which the score bars grow."""
        return self.scores.show_scores()

    def softmax_terms(self) -> list[Term]:
        """Write the answer's share as a division."""
        scores = self.path.scores
        power = 0.0 if np.abs(scores).max() < LARGE_SCORE else float(scores.max())
        exps = np.exp(scores - power)
        part, total, share = format_quotient(float(exps[self.path.answer]), float(exps.sum()))
        return ["p = eᶻ ÷ Σ eᶻ =", part, "÷", total, "=", (share, "emphasis")]

    def turn_to_shares(self) -> list[Animate]:
        """Return the animations in which scores become shares."""
        old, self._rest = self._rest, self.rest_line(with_share=True)
        return [*self.scores.turn_to_shares(), self.fill(self.last), *fade_out(old), *fade_in(self._rest, delay=0.3)]

    def show_verdict(self) -> list[Animate]:
        """Return the animations of the verdict: right, wrong, or none without a label."""
        text, role = verdict_words(self.trace)
        text = f"{self.trace.classes[self.path.answer]}: {text}" if text else ""
        row = self.columns.row(self.last, self.path.answer)
        out = self.scores.color_row(row, role)
        if self.trace.label is not None and self.trace.label != self.trace.prediction:
            true = self.columns.row(self.last, self.trace.label)
            out.append(Animate(self.scores.names[true], rgb=self.theme.rgb("correct"), run_time=0.3))
        if text:
            area = self.areas.scores
            line = ellipsize_line(text, area.width, NUMBER, bold=True)
            y = float(self.scores.ys.max()) + VERDICT_RISE
            at, rgb = (area.right, y), self.theme.rgb(role)
            self.verdict = [text_line(line, NUMBER, rgb, bold=True, at=at, align=(1, 0))]
            out += fade_in(self.verdict)
        return out

    def show_difference(self) -> list[Animate]:
        """Return the animations in which the edges into the two classes become one set: their differences."""
        columns, k, (answer, other) = self.columns, self.last, (self.path.answer, self.path.other)
        rows = [columns.row(k, answer), columns.row(k, other)]
        terms, _ = difference_terms(self.layers[-1], answer, other)
        drawn = terms[self.index[k - 1]]
        values = drawn if columns.dots[k - 1] is None else np.append(drawn, terms.sum() - drawn.sum())
        sources, count = columns.sources(k - 1), len(columns.contributions(k)[0])
        ends = columns.edges[-1].points[1::2, :2].reshape(-1, count, 2)[rows[0]]
        edges = columns.edges[-1]
        rgba, widths = edge_look(self.theme, values)
        words = " − ".join(self.trace.classes[c] for c in (answer, other))
        room = columns.xs[k] - columns.xs[k - 1] - 2 * columns.radius - 0.9
        words = words if line_width(words, LABEL) < room else "lead"
        middle = np.array([columns.xs[k] - columns.radius - 0.25, columns.centers(k)[rows, 1].mean()])
        plate, text = number_plate(self.theme, middle, words)
        goal = np.tile(plate.points[0, :2] * [1, 0] + middle * [0, 1], (count, 1))
        starts = sources + np.array([columns.radius + 2 * PIXEL, 0.0])
        self.pair_edges = Edges(starts, ends, rgba * [1, 1, 1, 0.0], widths, values=values)
        self._pair = [self.pair_edges, plate, text]
        points = np.stack([starts, goal], axis=1).reshape(-1, 2)
        return [
            Animate(edges, rgba=columns.colors(k, lit=rows), run_time=0.4),
            Animate(edges, opacity=0.0, run_time=0.5, delay=0.6),
            Animate(self.pair_edges, points=points, rgba=rgba, run_time=0.8, delay=0.5),
            *fade_in([plate, text], delay=1.0),
            *self.change_edge_legend(values, delay=0.5),
        ]

    def keep_path(self) -> list[Animate]:
        """Return the animations in which only the path through the network stays lit, with its numbers."""
        columns, units, dim = self.columns, self.path.units, []
        for k in range(self.last + 1):
            neurons = columns.columns[k]
            row = columns.row(k, units[k - 1] if k < self.last else self.path.answer) if k else None
            ground = self.theme.rgb("background")
            fill, ring = (
                ground + (neurons.fill - ground) * DIM,
                np.tile(self.theme.rgb("faint"), (len(neurons.fill), 1)),
            )
            if row is not None:
                fill[row], ring[row] = neurons.fill[row], self.theme.rgb("emphasis")
            dim.append(Animate(neurons, fill=fill, ring=ring, run_time=0.6))
        for k, edges in enumerate(columns.edges, 1):
            lit = columns.row(k, units[k - 1] if k < self.last else self.path.answer)
            rgba = columns.colors(k, lit=lit).reshape(len(self.index[k]), -1, 4)
            if k > 1:
                others = np.arange(rgba.shape[1]) != columns.row(k - 1, units[k - 2])
                rgba[lit, others, 3] = 0.0
                rgba[lit, ~others, 3] = 1.0
            dim.append(Animate(edges, rgba=rgba.reshape(-1, 4), opacity=1.0, run_time=0.6))
        row = columns.row(self.last, self.path.answer)
        fill = self.scores.bars.fill.copy()
        fill[np.arange(len(fill)) != row, 3] = DIM
        dim.append(Animate(self.scores.bars, fill=fill, run_time=0.6))
        texts = [m for side in (self.scores.names, self.scores.share_texts) for n, m in enumerate(side) if n != row]
        dim += [Animate(m, opacity=DIM, run_time=0.6) for m in [*texts, *self._rest]]
        tags = [m for found in self._tags.values() for m in found]
        named = [
            m
            for k in range(1, self.last)
            if k in self._tags
            for m in columns.tag(k, units[k - 1], f"{units[k - 1] + 1:,}: {self.activation_text(k)}")
        ]
        return [*dim, *fade_out([*tags, *self._pair, *self.edge_legend]), *fade_in(named, delay=0.3)]

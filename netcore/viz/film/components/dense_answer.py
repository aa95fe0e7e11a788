"""Scores and answer of a dense network in a film."""

from typing import Any

import numpy as np

from netcore.analysis.answer_path import difference_terms
from netcore.core.formatting import format_number, format_percent, format_quotient, format_value
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.columns import edge_look, number_plate
from netcore.viz.film.components.dense_story import exponent_text, verdict_words
from netcore.viz.film.components.dense_sums import SumInNumbers, sum_in_numbers
from netcore.viz.film.components.dense_view import DIM, REST_DIM, DenseView
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.scores import ScoreBars
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import ellipsize_line, text_line

LARGE_SCORE = 13.0  # e to more is no number to read: the largest score is subtracted first, which changes no share
VERDICT_RISE = 0.42  # above the scores


class DenseAnswerView(DenseView):
    """Columns of neurons, and how their scores become the answer.

    Parameters
    ----------
    *args
        Of `DenseView`.

    Attributes
    ----------
    scores : ScoreBars
    decisive_text : str
        What the path's last neuron adds to the lead.
    verdict : list of ArrayMobject
        Its words, once it is shown.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        index, path = self.index[-1], self.path
        ys, names = self.columns.centers(self.last)[:, 1], [self.trace.classes[k] for k in index]
        shares = self.trace.probabilities[index]
        self.scores = ScoreBars(self.theme, self.areas.scores, ys, names, path.scores[index], shares)
        terms, _ = difference_terms(self.layers[-1], path.answer, path.other)
        self.decisive_text = format_value(terms[path.units[-1]])
        self.verdict: list[ArrayMobject] = []
        self._rest: list[ArrayMobject] = []
        self._pair: list[ArrayMobject] = []

    def difference(self, own: int, limit: int) -> SumInNumbers:
        """Write the difference of the two scores in its largest terms."""
        terms, bias = difference_terms(self.layers[-1], self.path.answer, self.path.other)
        return sum_in_numbers(self.columns, self.last - 1, terms, bias, own, limit)

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

    # ---- plays: scores and answer

    def connect_scores(self) -> list[Animate]:
        """Return the animations in which the edges into the outputs grow and the names appear."""
        self._rest = self.rest_line(with_share=False)
        rows = self._pair_rows()
        return [
            self.columns.grow(self.last, lit=rows, dim=REST_DIM),
            *self.scores.show_names(),
            *fade_in(self._rest),
            *self.legends.change_edges(self.columns.contributions(self.last)[rows]),
        ]

    def _pair_rows(self) -> list[int]:
        return [self.columns.row(self.last, c) for c in (self.path.answer, self.path.other)]

    def show_scores(self) -> list[Animate]:
        """Return the animations in which the score bars grow."""
        return self.scores.show_scores()

    @property
    def subtracted(self) -> float:
        """What is subtracted from all scores before e is raised to them: the largest, where that is large."""
        scores = self.path.scores
        return 0.0 if np.abs(scores).max() < LARGE_SCORE else float(scores.max())

    def turn_to_powers(self) -> list[Animate]:
        """Return the animations in which each score becomes e to it."""
        powers = np.exp(self.path.scores - self.subtracted)
        part, total, _ = format_quotient(float(powers[self.path.answer]), float(powers.sum()))
        texts = [part if k == self.path.answer else format_number(float(powers[k]), 3) for k in self.index[-1]]
        self.power_texts = exponent_text(float(self.path.scores[self.path.answer] - self.subtracted), part), part, total
        edges = self.columns.edges[-1]
        return [*self.scores.turn_to_powers(texts), Animate(edges, opacity=DIM, run_time=0.4)]

    def power_formula(self) -> str:
        """Return the answer's power, and the sum of all of them, as Typst's mathematics."""
        exponent, part, total = (text.replace("−", "-").replace(",", "") for text in self.power_texts)
        return f"e^({exponent}) = {part} quad scripts(sum) e^z = {total}"

    def softmax_terms(self) -> list[Term]:
        """Write the answer's share as a division."""
        _, part, total = self.power_texts
        return ["p = eᶻ ÷ Σ eᶻ =", part, "÷", total, "=", format_percent(self.trace.confidence)]

    def turn_to_shares(self) -> list[Animate]:
        """Return the animations in which powers become shares."""
        old, self._rest = self._rest, self.rest_line(with_share=True)
        return [
            *self.scores.turn_to_shares(), self.fill(self.last), *fade_out([*old, *self.legends.uncomputed]),
            *fade_in(self._rest, delay=0.3),
        ]  # fmt: skip

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
        middle = np.array([columns.xs[k] - columns.radius - 0.45, columns.centers(k)[rows, 1].mean()])
        plate, text = number_plate(self.theme, middle, "lead")
        circles = columns.centers(k)[rows] - np.array([columns.radius + 2 * PIXEL, 0.0])
        self.lead_lines = Edges([middle] * 2, circles, [*self.theme.rgb("muted"), 0.8], 1.5)
        goal = np.tile(plate.points[0, :2] * [1, 0] + middle * [0, 1], (count, 1))
        starts = sources + np.array([columns.radius + 2 * PIXEL, 0.0])
        self.pair_edges = Edges(starts, ends, rgba * [1, 1, 1, 0.0], widths, values=values)
        self._pair = [self.pair_edges, plate, text, self.lead_lines]
        points = np.stack([starts, goal], axis=1).reshape(-1, 2)
        return [
            Animate(edges, rgba=columns.colors(k, lit=rows), opacity=1.0, run_time=0.4),
            Animate(edges, opacity=0.0, run_time=0.5, delay=0.6),
            Animate(self.pair_edges, points=points, rgba=rgba, run_time=0.8, delay=0.5),
            *fade_in([plate, text, self.lead_lines], delay=1.0),
            *self.legends.change_edges(values, delay=0.5),
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
        return [*dim, *fade_out([*tags, *self._pair]), *self.legends.change_edges(np.array([1.0, -1.0]), numbers=False),
                *fade_in(named, delay=0.3)]  # fmt: skip

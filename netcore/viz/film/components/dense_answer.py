"""Scores and answer of a dense network in a film."""

from typing import Any

import numpy as np

from netcore.analysis.answer_path import difference_terms
from netcore.core.formatting import format_number, format_percent, format_quotient, format_value
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.columns import edge_look, number_plate
from netcore.viz.film.components.dense_story import clip_names, exponent_text, path_words, verdict_words
from netcore.viz.film.components.dense_sums import SumInNumbers, sum_in_numbers
from netcore.viz.film.components.dense_view import DIM, REST_DIM, DenseView
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.scores import ScoreBars
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import TextLine, ellipsize_line, text_line

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
    power_texts : tuple of str
        The answer's exponent, e to it, and the sum of all such powers.
    verdict : list of ArrayMobject
        Its words, once it is shown.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        index, path = self.index[-1], self.path
        ys, names = self.columns.centers(self.last)[:, 1], [self.trace.classes[k] for k in index]
        shares = self.trace.probabilities[index]
        self.scores = ScoreBars(self.theme, self.areas.scores, ys, names, path.scores[index], shares)
        powers = np.exp(path.scores - self.subtracted)
        part, total, _ = format_quotient(float(powers[path.answer]), float(powers.sum()))
        self.power_texts = exponent_text(float(path.scores[path.answer] - self.subtracted), part), part, total
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
            *self.legends.change_edges(
                self.columns.contributions(self.last)[rows], "bright: into {} and {}".format(*self._names)
            ),
        ]

    def _pair_rows(self) -> list[int]:
        return [self.columns.row(self.last, c) for c in (self.path.answer, self.path.other)]

    def show_scores(self) -> list[Animate]:
        """Return the animations in which the score bars grow, and each output takes its bar's colour."""
        scores = self.path.scores[self.index[-1]]
        rgb = self.theme.signed_colors(scores / max(float(np.abs(scores).max()), 1e-12))
        filled = self.columns.fill(self.last, scores, rgb, run_time=0.6)
        return [*self.scores.show_scores(), filled, *self.legends.outputs()]

    @property
    def _names(self) -> list[str]:
        return clip_names([self.trace.classes[k] for k in (self.path.answer, self.path.other)], 8)

    def power_caption(self) -> str:
        """Return the caption of the powers."""
        return "Softmax: e to each score" + (" less the largest" if self.subtracted > 0 else "")

    def score_words(self) -> str:
        """Return how each score is made."""
        bias = " and a bias" if self.layers[-1].bias.any() else ""
        return f"each score adds {self.sizes[-2]:,} products, weight × activation,{bias}".rstrip(",")

    @property
    def subtracted(self) -> float:
        """What is subtracted from all scores before e is raised to them: the largest, where that is large."""
        scores = self.path.scores
        return 0.0 if np.abs(scores).max() < LARGE_SCORE else float(scores.max())

    def turn_to_powers(self) -> list[Animate]:
        """Return the animations in which each score becomes e to it."""
        powers = np.exp(self.path.scores - self.subtracted)
        part = self.power_texts[1]
        texts = [part if k == self.path.answer else format_number(float(powers[k]), 3) for k in self.index[-1]]
        edges = self.columns.edges[-1]
        dimmed = Animate(edges, opacity=DIM, run_time=0.4)
        return [*self.scores.turn_to_powers(texts), self.fill(self.last), dimmed, *self.legends.drop_scope()]

    def power_formula(self) -> str:
        """Return the answer's power, and the sum of all of them, as Typst's mathematics."""
        exponent, part, total = (text.replace("−", "-").replace(",", "") for text in self.power_texts)
        text = format_value(float(self.path.scores[self.path.answer])).replace("−", "-").replace(",", "")
        more = "" if self.subtracted > 0 or exponent == text else f'"score" {text} approx {exponent} quad '
        return f'{more}e^({exponent}) = {part} quad scripts(sum) e^"score" = {total}'

    def softmax_terms(self) -> list[Term]:
        """Write the answer's share as a division."""
        _, part, total = self.power_texts
        return ["e to its score ÷ sum of all =", part, "÷", total, "=", format_percent(self.trace.confidence)]

    def turn_to_shares(self) -> list[Animate]:
        """Return the animations in which powers become shares."""
        old, self._rest = self._rest, self.rest_line(with_share=True)
        return [
            *self.scores.turn_to_shares(), self.fill(self.last), *fade_out(old), *fade_in(self._rest, delay=0.3)
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
            *self.legends.change_edges(values, "for {} − for {}: the lead".format(*self._names), delay=0.5),
        ]

    def keep_path(self) -> list[Animate]:
        """Return the animations in which only the path to the lead stays lit, with what each of its lines carries."""
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
        numbers: list[list[ArrayMobject]] = []
        for k, edges in enumerate(columns.edges[:-1], 1):
            lit = columns.row(k, units[k - 1])
            rgba = columns.colors(k, lit=lit).reshape(len(self.index[k]), -1, 4)
            if k == 1:
                rgba[lit, :, 3] *= DIM
            else:
                source = columns.row(k - 1, units[k - 2])
                rgba[lit, np.arange(rgba.shape[1]) != source, 3] = 0.0
                rgba[lit, source, 3] = 1.0
                numbers.append(self._edge_number(edges, lit * rgba.shape[1] + source))
            dim.append(Animate(edges, rgba=rgba.reshape(-1, 4), opacity=1.0, run_time=0.6))
        rgba, source = self.pair_edges.rgba.copy(), columns.row(self.last - 1, units[-1])
        rgba[np.arange(len(rgba)) != source, 3] = 0.0
        numbers.append(self._edge_number(self.pair_edges, source))
        dim.append(Animate(self.pair_edges, rgba=rgba, run_time=0.6))
        row = columns.row(self.last, self.path.answer)
        fill = self.scores.bars.fill.copy()
        fill[np.arange(len(fill)) != row, 3] = DIM
        dim.append(Animate(self.scores.bars, fill=fill, run_time=0.6))
        others = [m for side in (self.scores.names, self.scores.share_texts) for n, m in enumerate(side) if n != row]
        dim += [Animate(m, opacity=DIM, run_time=0.6) for m in [*others, *self._rest]]
        gone, self._named = fade_out(self._named), []
        texts = ["".join(m.text for m in number if isinstance(m, TextLine)) for number in numbers]
        words = self.legends.explain(path_words(self.path, texts))
        return [*dim, *gone, *words, *fade_in([m for number in numbers for m in number], delay=0.3)]

    def _edge_number(self, edges: Edges, row: int) -> list[ArrayMobject]:
        """Return what an edge carries, above it."""
        value, (start, end) = float(edges.values[row]), edges.points[2 * row : 2 * row + 2]
        role = "negative" if value < 0 else "positive"
        return self.columns.edge_number(start, end, format_value(value), role)

"""Softmax and cross-entropy

How the scores of {network} become probabilities, and a probability a loss: e to each score, divided by the sum of all;
temperature; −ln of the true class's probability for a sure, an unsure and a wrong image.
Predicted {prediction} ({confidence}); true class: {label}.
"""

import numpy as np
from scipy.special import logsumexp

from netcore.analysis.scores import cross_entropy_losses
from netcore.analysis.units import top_k
from netcore.core.formatting import format_log, format_number
from netcore.viz.colors import image_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, SUM_LINE
from netcore.viz.film.components import share_stick, softmax_wording
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.loss_plot import LossPlot
from netcore.viz.film.components.score_columns import ScoreColumns
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import ellipsize_line, text_line

NEEDS = ("examples",)

LARGEST_SCORE = 13.0  # e to larger ones is no number to read: the largest score is subtracted first
MAX_COLUMNS = 10


class SoftmaxCrossEntropy(Film):
    """From scores to probabilities, and from a probability to a loss."""

    def construct(self) -> None:
        """From the scores to the probabilities, and from one of them to the loss."""
        self.trace, self.sums = self.context.trace(), SumLine(self.theme, self.sum_line_box)
        self.choose_classes()
        self.show_scores()
        self.exponentiate()
        self.compare()
        self.lay_end_to_end()
        self.heat()
        first = "{gap} points apart: {times} × the probability"
        if self.trace.label is None:
            self.takeaway(first, "", self.sums.change(), gap=self.gap, times=self.times)
            return
        right, worst = self.show_losses()
        place, below = self.stage.part(0.05, 0.08, 0.95, 0.22), self.stage.part(0.1, 0.42, 0.87, 0.86)
        stick = share_stick.labelled_stick(self.theme, place, self.scores, self.index, self.names)
        again = fade_in([*stick, *self.losses.copy_to(below).everything], 0.3), self.sums.change(), fade_out(self.shown)
        second, n = "Loss: {a:.2f} here, {b:.2f} the worst of {n} images", len(self.context.examples().labels)
        self.takeaway(first, second, *again, gap=self.gap, times=self.times, a=right, b=worst, n=n)

    def choose_classes(self) -> None:
        """Which classes have a column, in their order; all others share the last one."""
        trace, z = self.trace, self.trace.logits.astype(np.float64)
        truth = trace.prediction if trace.label is None else trace.label
        room = min(self.max_classes, MAX_COLUMNS)
        limit = room if len(z) <= room else max(room - 1, 2)
        runner_up = int(np.argsort(-z)[1])
        self.rival = truth if truth != trace.prediction else runner_up
        self.index = top_k(trace.probabilities, limit, list(dict.fromkeys([trace.prediction, self.rival])))
        self.rest = np.setdiff1d(np.arange(len(z)), self.index)
        self.shift = z.max() if z.max() > LARGEST_SCORE else 0.0
        self.scores = z - self.shift
        self.names = [trace.classes[k] for k in self.index] + [f"{len(self.rest):,} more"] * bool(len(self.rest))

    # ---- columns

    def show_scores(self) -> None:
        """One column for each score."""
        theme, trace, rest = self.theme, self.trace, bool(len(self.rest))
        z = trace.logits[self.index].astype(np.float64)
        wide = self.stage.width > 1.4 * self.stage.height
        side = self.stage.part(0, 0.1, 0.2, 0.6) if wide else self.stage.part(0, 0, 0.3, 0.24)
        area = self.stage.part(0.25, 0.02, 1, 0.92) if wide else self.stage.part(0.04, 0.28, 1, 0.94)
        frame = side.fit(trace.pixels.shape[2], trace.pixels.shape[1], (0, 1)).frame
        picture = PixelImages(image_colors(theme, trace.pixels), frame, outline=theme.rgb("faint"))
        self.columns = columns = ScoreColumns(theme, area, self.names, np.append(z, [0.0] * rest))
        self.numbers = columns.numbers([f"{v:.2f}".replace("-", "−") for v in z] + [""] * rest)
        zero = text_line("0", LABEL, theme.rgb("muted"), at=(area.left - 0.15, columns.base), align=(1, 0))
        self.picture, self.zero = picture, zero
        with self.step("{k} scores: any size, any sign", k=len(trace.logits), name="scores"):
            self.add(picture, columns.zero, zero, *columns.names)
            self.play(fade_in([columns.bars]), fade_in(self.numbers, 0.3))

    def exponentiate(self) -> None:
        """The columns become e to the score; their sum adds up as printed."""
        z, columns = self.scores, self.columns
        rest = [float(np.exp(logsumexp(z[self.rest])))] if len(self.rest) else []
        self.powers = np.array([*np.exp(z[self.index]), *rest])
        self.texts = self.columns.power_texts(self.powers)
        if self.shift:
            with self.step("First minus the largest: probabilities stay", name="shift"):
                self.play(self.sums.change(f"each score − {format_number(self.shift, 3)}"))
        columns.rescale(self.powers)
        old, self.numbers = self.numbers, columns.numbers(self.texts)
        ink = np.tile([*self.theme.rgb("foreground"), 1.0], (len(self.powers), 1))
        with self.step("e to the score is always positive", name="exponentials"):
            self.play(
                self.sums.change("score z → e to the power z,", ("e = 2.718", "muted")),
                fade_out([*old, self.zero]),
                Animate(columns.bars, points=columns.corners().reshape(-1, 2), fill=ink, run_time=1.2, delay=0.3),
                Animate(columns.zero, points=np.vstack(columns.zero_ends()), run_time=1.2, delay=0.3),
                fade_in(self.numbers, 1.4),
            )

    def compare(self) -> None:
        """Two classes: a difference of scores is a ratio of powers."""
        z, pair = self.trace.logits.astype(float), [self.trace.prediction, self.rival]
        rows = [self.index.tolist().index(k) for k in pair]
        terms, self.gap, self.times = softmax_wording.compare_scores(z[pair].tolist(), self.powers[rows].tolist())
        line = np.zeros((len(self.powers), 4))
        line[rows] = [*self.theme.rgb("emphasis"), 1.0]
        with self.step("{gap} points more: {times} times as much", gap=self.gap, times=self.times, name="ratio"):
            self.play(
                self.sums.change(*terms),
                Animate(self.columns.bars, line=line, run_time=0.4, delay=0.3),
            )

    # ---- the stick

    def lay_end_to_end(self) -> None:
        """The columns form one stick, whose pieces are the probabilities."""
        theme, columns = self.theme, self.columns
        area = self.stage.part(0.05, 0.3, 0.95, 0.66)
        self.stick, places = share_stick.sorted_stick(theme, area, self.scores, self.index)
        goal = self.stick.pieces()[places]
        fill = np.column_stack([self.stick.fill[places], np.ones(len(places))])
        tags = share_stick.piece_names(theme, goal, self.names) + share_stick.others_name(theme, goal, len(self.scores))
        p = float(self.trace.probabilities[self.trace.prediction])
        terms, total, line = softmax_wording.sum_powers(self.powers, len(self.index), len(self.scores), p)
        ends, unit = (share_stick.stick_ruler(theme, self.stick, "0", end) for end in (total, "1"))
        with self.step("Laid end to end: {total}", total=total, name="sum"):
            self.play(
                fade_out([*self.numbers, *columns.names, columns.zero, self.picture]),
                self.sums.change(line),
                Animate(columns.bars, line=np.zeros((len(places), 4)), run_time=0.2),
                Animate(columns.bars, points=goal.reshape(-1, 2), fill=fill, run_time=1.4, delay=0.3),
                fade_in(tags + ends, 1.5),
            )
            self.remove(columns.bars)
            self.add(self.stick)
        self.piece_order = [self.names[k] for k in np.argsort(places)]
        shares = share_stick.piece_shares(theme, self.stick)
        with self.step("Softmax: divided by it, each is a probability", name="division"):
            line = f"{terms[0]} ÷ {total} = {format_number(p, 3)}"
            self.play(self.sums.change(line), fade_out(ends), fade_in([*unit, *shares], 0.3))
        self.labels = unit + tags + shares

    def heat(self) -> None:
        """The same scores at other temperatures: one stick each, the answer's probability beside it."""
        k = self.trace.prediction
        area = self.stage.part(0, 0.05, 1, 1)
        self.sticks = sticks = share_stick.TemperatureSticks(
            self.theme, area, self.stick, k, self.trace.classes[k], self.piece_order
        )
        with self.step("Temperature {t}: halve the scores first", t=2, name="temperature"):
            name, score, half = softmax_wording.halved_score(self.trace.logits[self.index], self.names)
            line = f"score of {ellipsize_line(name, 2.5, SUM_LINE)}: {score} ÷ 2 = {half}, then softmax"
            self.play(fade_out(self.labels), self.sums.change(line), sticks.begin())
            self.play(sticks.add(2.0))
        with self.step("T = {low}: surer. T = {high}: less sure. Same order", low="0.5", high="5", name="temperatures"):
            self.play(self.sums.change("T = 1: the network's own answer; no name: too narrow"), sticks.add(0.5))
            self.play(sticks.add(5.0))

    # ---- the loss

    def show_losses(self) -> tuple[float, float]:
        """The losses of this image, of a half sure and of the worst one; then of all examples."""
        examples, classes = self.context.examples(), self.trace.classes
        logits = self.context.network().predict(examples.images)["logits"].astype(np.float64)
        losses = cross_entropy_losses(logits, examples.labels)
        p = np.exp(-losses)
        own = float(cross_entropy_losses(self.trace.logits[None], np.array([self.trace.label]))[0])
        half, worst = int(np.abs(p - 0.5).argmin()), int(losses.argmax())
        self.losses = plot = LossPlot(self.theme, self.stage.part(0.1, 0.1, 0.87, 0.84))
        plot.curve.progress = 0.0
        with self.step("Cross-entropy: −ln of the true class's probability", name="loss"):
            share, text = format_log(float(np.exp(-own)))
            self.play(fade_out(self.sticks.mobjects), fade_in(plot.mobjects, 0.3))
            self.play(self.sums.change(f"−ln {share} = {text}", ("natural logarithm; curve goes on above", "muted")))
            self.play(Animate(plot.curve, progress=1.0, run_time=1.0), plot.mark(self.trace.pixels, own))
        sure, wrong = softmax_wording.loss_image_words(logits[worst], examples.labels[worst], float(p[half]))
        for name, word, k in (("half-sure", sure, half), ("worst", wrong, worst)):
            if grown := plot.grow(float(losses[k])):
                with self.step("More loss: the axis now ends at {high:g}", high=plot.plot.y[1], name="axis"):
                    self.play(grown, self.sums.change("a tenth of the probability: 2.30 more loss"))
            share, loss = format_log(float(p[k]))
            with self.step("{word}: −ln {p} = {loss}", word=word, name=name, p=share, loss=loss):
                terms = softmax_wording.class_chances(logits[k], examples.labels[k], classes)
                self.play(plot.mark(examples.images[k], losses[k]), self.sums.change(*terms))
        line, label = plot.mean_line(float(losses.mean()))
        with self.step("Mean over {n} example images: {mean:.2f}", n=len(p), mean=losses.mean(), name="mean"):
            cloud, words = plot.cloud(p, losses), self.sums.change(softmax_wording.describe_losses(losses))
            drawn = Animate(line, start={"progress": 0.0}, progress=1.0, run_time=0.8, delay=0.5)
            self.play(fade_in([cloud]), drawn, fade_in([label], 1.0), words)
        self.shown = [*plot.everything, cloud, line, label]
        return own, float(losses[worst])

"""Learning

What changes while {network} learns: the probabilities of one image, the loss and accuracy of many, and which classes
are taken for which, at each snapshot of the training.
Predicted {prediction} ({confidence}); true class: {label}.
"""

from typing import Any

import numpy as np

from netcore.analysis.snapshot_predictions import lasting_half, recorded_curves, rising_loss, shares_of_image
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_percent, format_value
from netcore.viz.colors import image_colors
from netcore.viz.film.base_mobject import ArrayMobject
from netcore.viz.film.captions import shortest_caption
from netcore.viz.film.components import learning_wording as wording
from netcore.viz.film.components.class_shares import ClassShares
from netcore.viz.film.components.confusion_grid import ConfusionGrid
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.image_rows import mistake_images
from netcore.viz.film.components.learning_curves import LearningCurves, LossDots
from netcore.viz.film.components.training_film import TrainingFilm
from netcore.viz.layout.area import Area

NEEDS = ("snapshots",)

SECONDS = 8.0  # for all snapshots
FEW = 4  # snapshots: under as many, the curves between them are those of the recorded history
LEANS = 3.0  # times an even guess: from there on a network is not said to guess evenly
MAX_FRAMES = 3  # rows of the matrix that are framed at once


class Learning(TrainingFilm):
    """One image's probabilities, loss and accuracy, and the confusion matrix, from the first snapshot to the last."""

    def construct(self) -> None:
        """One image, then the mean of many, then all classes."""
        context, sample = self.context, self.context.sample
        if sample.label is None:
            raise RequirementError("learning needs an image whose true class is known: use --digit or --index")
        self.begin()
        self.true, self.p = sample.label, shares_of_image(context, self.found, sample)
        wide = self.stage.width > 1.15 * self.stage.height
        self.left, self.right = (self.stage.columns if wide else self.stage.rows)([0.5, 0.5], 0.45)
        self.shares = self.make_shares(self.stage, large=True)
        self.curves = recorded_curves(context, self.found)
        self.charts = LearningCurves(self.theme, self.right, self.axis, self.found, self.curves)
        self.mistake, self.slow = self.found.main_mistake(), self.found.slowest_classes()
        keep, times = [self.true, int(self.p[0].argmax())], self.axis.times
        self.grid = ConfusionGrid(self.theme, self.left, times, self.found, context.classes, keep, self.max_classes)
        for part in (
            self.one_image, self.many_images, self.train, self.half, self.overfit, self.confusion, self.diagonal,
            self.confused, self.conclude,
        ):  # fmt: skip
            part()

    def make_shares(self, area: Area, large: bool = False) -> ClassShares:
        """The image and its bars, laid out in an area."""
        colors = image_colors(self.theme, self.context.sample.pixels)
        return ClassShares(
            self.theme, area, colors, self.axis.times, self.p, self.context.classes, self.true, self.max_classes, large
        )

    # ---- one image, then many

    def one_image(self) -> None:
        """Probabilities of one image at the first snapshot, and its loss."""
        shares, p, own = self.shares, self.p[0], float(self.p[0, self.true])
        text, values = wording.start_caption(self.when(0), own, self.context.classes[self.true])
        with self.step(text, name="start", **values):
            self.add(shares.image)
            self.play(shares.grow(), self.note(f"from {self.snapshot_label};", self.unit_words))
        k = len(p)
        fields: dict[str, Any] = {"k": k, "even": format_percent(1 / k), "c": self.context.classes[int(p.argmax())]}
        text = "An even guess would be 1 in {k}: {even}"
        if p.max() > LEANS / k:
            text = shortest_caption("Even would be {even}; it leans to {c}", "Even would be {even}", **fields)
        with self.step(text, name="even", **fields):
            self.play(fade_in([shares.even_line, *shares.legend[2]]), self.line.change())
        terms, loss = wording.loss_terms(own, k)
        with self.step("Loss = −ln(probability of the true class): {loss}", name="loss", loss=loss):
            start = shares.percents[shares.true].get_center()[:2]
            self.play(self.line.change(*terms, origins={0: start.tolist()}))
            self.read_also(self.line.text)
        self.own = float(-np.log(own)), self.true, self.found.index_of(self.context.sample.pixels)

    def many_images(self) -> None:
        """The losses of all images, and their mean."""
        losses, even, shares, found = self.found.losses[0], self.charts.even, self.shares, self.found
        small, name = self.make_shares(self.left), f"this {self.class_name(self.true, 1.0)}"
        labels, classes = found.images.labels, self.context.classes
        self.dots = dots = LossDots(self.theme, self.right, losses, labels, classes, even, self.own, name)
        text = "Mean of {n} images: {mean}; even guess: {even}"
        with self.step(text, name="mean", n=len(losses), mean=format_value(losses.mean()), even=format_value(even)):
            self.play(shares.move(small), self.line.change())
            above = f"; {dots.above} higher ones at the top" if dots.above else ""
            note = self.note(f"a grey dot: one of {found.words}{above};", "side by side: images of one class")
            self.play(fade_in([*dots.axes, dots.own, *dots.own_line]), note)
            self.play(dots.drop())
            self.play(fade_in([*dots.mean_line, *dots.even_line]))

    def train(self) -> None:
        """One clock for bars and curves."""
        charts, dots = self.charts, self.dots
        self.timed = [*self.shares.timed, *charts.timed]
        self.set_clock(self.timed, 0.0)
        few, ends = len(self.snapshots) < FEW, [float(self.p[k, self.true]) for k in (0, -1)]
        text, values = wording.training_caption(self.class_name(self.true), ends, len(self.snapshots), self.span, few)
        note = self.note(*wording.tick_note(self.snapshot_words[1], self.axis.times))
        with self.step(text, name="training", **values):
            gone = fade_out(m for m in dots.mobjects if m is not dots.dots), dots.gather(charts.loss.cursor.spots[0])
            self.play(gone, note, fade_in(charts.mobjects, 0.5))
            self.run_clock(self.timed, 1.0, SECONDS / 2 if few else SECONDS)
        charts.show_rest()

    def half(self) -> None:
        """The snapshot from which on over half of the images are right, else the best one."""
        lasting = lasting_half(self.found, self.curves[1])
        k = int(self.found.accuracy.argmax()) if lasting is None else lasting
        self.ringed: list[ArrayMobject] = []
        if k == 0:
            return
        text, values = wording.half_caption(self.found, k, lasting is not None, self.when(k))
        with self.step(text, name="half", **values):
            self.run_clock(self.timed, float(self.axis.times[k]), 1.2, self.line.change())
            self.ringed = self.charts.half_line()
            note = self.note(*wording.half_note(self.found, k, self.p[k], self.true, self.context.classes))
            self.play(fade_in(self.ringed), note)

    def overfit(self) -> None:
        """The held-out loss rises while the training loss, as recorded, falls on."""
        rise = rising_loss(self.context, self.found)
        if rise is None:
            return
        with self.step("From {when} on, the loss on new images rises", name="rise", when=self.axis.labels[rise.index]):
            self.run_clock(self.timed, 1.0, 1.5, fade_out(self.ringed), self.line.change())
            self.ringed = [self.charts.rings(rise.index)]
            held_out, train = (" → ".join(map(format_value, pair)) for pair in (rise.held_out, rise.train))
            self.play(fade_in(self.ringed), self.note(f"loss on new images {held_out};", f"on training images {train}"))

    def confusion(self) -> None:
        """The image goes to its cell of the confusion matrix."""
        context, grid, answer = self.context, self.grid, int(self.p[0].argmax())
        a, b = (self.class_name(k) for k in (self.true, answer))
        with self.step("{when} again. Row: true class; column: answer", name="matrix", when=self.when(0)):
            self.run_clock(self.timed, 0.0, 0.8, fade_out(self.ringed), self.line.change())
            self.play(fade_out(m for m in self.shares.mobjects if m is not self.shares.image))
            ring, image = grid.ring(self.true, answer), self.shares.image
            self.play(fade_in(grid.frame), grid.move_into(image, self.true, answer, 0.3))
            note = self.note(f"this {a} is answered {b}: row {a}, column {b};", "a number in a cell: how many images")
            self.play(fade_in([ring]), note)
            self.play(fade_out([image]), fade_in([grid.cells]))
        text, values = wording.answers_caption(self.found, context.classes, self.when(0))
        with self.step(text, name="answers", **values):
            self.play(self.note("shade of a cell: its share of the row"), fade_out([ring]))

    def diagonal(self) -> None:
        """The matrix through the snapshots; the class that is half right last is framed."""
        grid, (slow, at), timed = self.grid, self.slow, [*self.charts.timed, self.grid.cells]
        text, values = wording.counts_caption(self.found, self.when(-1))
        names = [self.class_name(k) for k in slow]
        rings = [grid.ring(k) for k in slow if k in grid.index and len(slow) <= MAX_FRAMES]
        note = wording.slow_note(names, self.axis.labels[at] if at >= 0 else "", bool(rings))
        with self.step(text, name="diagonal", **values):
            self.play(self.line.change())
            if at > 0:
                self.run_clock(timed, float(self.axis.times[at]), max(1.0, SECONDS * self.axis.times[at]))
                self.play(fade_in(rings), self.note(*note))
            if self.clock < 1.0:
                self.run_clock(timed, 1.0, max(1.0, SECONDS * (1.0 - self.clock)))
            if at <= 0:
                self.play(fade_in(rings), self.note(*note))
        self.ringed = [*rings]

    def confused(self) -> None:
        """Images of the largest cell off the diagonal."""
        m, classes = self.mistake, self.context.classes
        text, values = wording.mistake_caption(self.found, classes)
        self.mistakes = mistake_images(self.theme, self.right, self.found, m)
        marks = [self.grid.ring(m.true, m.predicted)] if m else []
        note = self.note(*wording.pair_note(self.found, classes, self.axis.labels[-1]))
        with self.step(text, name="confused", **values):
            self.play(fade_out([*self.ringed, *self.charts.mobjects]), note)
            self.play(fade_in(marks), fade_in(self.mistakes.mobjects, 0.4))
        self.old = [*marks, *self.mistakes.mobjects, *self.grid.frame, self.grid.cells]

    def conclude(self) -> None:
        """The first image again, at the start and at the end."""
        charts, found, shares = self.charts, self.found, self.make_shares(self.left)
        self.set_clock([*shares.timed, *charts.timed], 1.0)
        again = [m for m in charts.mobjects if m not in (charts.loss.words, charts.accuracy.words)]
        p, q = (format_percent(found.accuracy[k]) for k in (0, -1))
        second, values = wording.change_caption(found, self.context.classes)
        self.takeaway(
            "Correct: {p} → {q} of {k} in {span}", second, fade_out(self.old), self.line.change(),
            fade_in([*shares.mobjects, *shares.ghost(), *again, *charts.ends()], 0.4),
            p=p, q=q, k=len(found.images.labels), span=self.span, **values,
        )  # fmt: skip

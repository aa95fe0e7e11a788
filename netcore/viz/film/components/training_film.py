"""Base of films that go through the snapshots of a run."""

from collections.abc import Sequence
from typing import Any

from netcore.analysis.snapshot_predictions import path_label, path_snapshots, predict_snapshots
from netcore.core.formatting import format_count
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.components.time_axis import run_time_line, set_time
from netcore.viz.film.film import Film
from netcore.viz.film.text import ellipsize_line
from netcore.viz.layout.time_axis import TimeAxis

EARLY = 0.02  # of the training


class TrainingFilm(Film):
    """A film with one clock: what it shows of the training is at the same snapshot everywhere."""

    def begin(self) -> None:
        """Read the snapshots and their predictions."""
        self.snapshots = path_snapshots(self.context)
        self.first, self.last = self.snapshots[0], self.snapshots[-1]
        self.found = predict_snapshots(self.context, self.snapshots)
        self.axis = TimeAxis(self.snapshots, self._learns_early())
        self.line, self.clock = SumLine(self.theme, self.sum_line_box), 0.0

    @property
    def snapshot_label(self) -> str:
        """Labels of the first and last snapshot."""
        return path_label(self.context)

    @property
    def by_epoch(self) -> bool:
        """Whether time is given in epochs; else in training steps."""
        return self.context.time_unit == "epoch" and float(self.last.epoch).is_integer()

    @property
    def span(self) -> str:
        """How long the training took, in the run's own unit: ``"300 epochs"``."""
        return format_count(int(self.last.epoch), "epoch") if self.by_epoch else format_count(self.last.step, "step")

    @property
    def unit_words(self) -> str:
        """What an epoch or a step is."""
        if self.by_epoch:
            return "an epoch: one pass over the training images"
        return "a step: one update of the weights, from a few training images"

    @property
    def snapshot_words(self) -> tuple[str, str]:
        """What an epoch or a step is, and what a snapshot is."""
        return f"{self.unit_words};", "a snapshot: the weights saved at that time"

    def _learns_early(self) -> bool:
        """Whether the loss did half of its fall so early that only a logarithmic axis of time would show it."""
        loss, steps = self.found.loss, [s.step for s in self.snapshots]
        half = int((loss <= (loss[0] + loss.min()) / 2).argmax())
        return len(steps) > 5 and steps[half] - steps[0] < EARLY * (steps[-1] - steps[0])

    def when(self, k: int) -> str:
        """Return the name of a snapshot, with a capital letter: ``"Epoch 24"``."""
        return self.axis.labels[k][:1].upper() + self.axis.labels[k][1:]

    def class_name(self, k: int, width: float = 2.4) -> str:
        """Return the name of a class, cut to a width in scene units."""
        return ellipsize_line(self.context.classes[k], width, LABEL)

    def note(self, *texts: str) -> list[Animate]:
        """Return the animations that write texts, each cut to the width, in place of the line under the stage.

        They are beside one another, or in two rows; the step lasts until they can be read too.
        """
        self.read_also(" ".join(texts))
        return self.line.change(*(ellipsize_line(text, self.sum_line_box.width, LABEL) for text in texts))

    def set_clock(self, mobjects: Sequence[Any], time: float) -> None:
        """Set the time of mobjects at once."""
        set_time(mobjects, time)
        self.clock = time

    def run_clock(self, mobjects: Sequence[Any], time: float, seconds: float, *others: list[Animate]) -> None:
        """Play the training from the present time to another, forward or back, with other animations."""
        self.play(*run_time_line(mobjects, self.clock, time, seconds), *others)
        self.clock = time

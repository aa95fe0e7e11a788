"""Base of films that go through the snapshots of a run."""

from collections.abc import Sequence
from typing import Any

from netcore.analysis.snapshot_predictions import path_label, path_snapshots, predict_snapshots
from netcore.core.formatting import format_count
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, SUM_LINE
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.components.time_axis import run_time_line, set_time
from netcore.viz.film.film import Film
from netcore.viz.film.text import ellipsize_line
from netcore.viz.layout.time_axis import TimeAxis


class TrainingFilm(Film):
    """A film with one clock: what it shows of the training is at the same snapshot everywhere."""

    def begin(self) -> None:
        """Read the snapshots and their predictions."""
        self.snapshots = path_snapshots(self.context)
        self.first, self.last = self.snapshots[0], self.snapshots[-1]
        self.found, self.axis = predict_snapshots(self.context, self.snapshots), TimeAxis(self.snapshots)
        self.line, self.clock = SumLine(self.theme, self.sum_line_box), 0.0

    @property
    def snapshot_label(self) -> str:
        """Labels of the first and last snapshot."""
        return path_label(self.context)

    @property
    def span(self) -> str:
        """How long the training took, in the run's own unit: ``"300 epochs"``."""
        whole = self.context.time_unit == "epoch" and float(self.last.epoch).is_integer()
        return format_count(int(self.last.epoch), "epoch") if whole else format_count(self.last.step, "step")

    def class_name(self, k: int, width: float = 2.4) -> str:
        """Return the name of a class, cut to a width in scene units."""
        return ellipsize_line(self.context.classes[k], width, LABEL)

    def note(self, text: str) -> list[Animate]:
        """Return the animations that write a text, cut to the width, in place of the line under the stage."""
        return self.line.change(ellipsize_line(text, self.sum_line_box.width, SUM_LINE))

    def set_clock(self, mobjects: Sequence[Any], time: float) -> None:
        """Set the time of mobjects at once."""
        set_time(mobjects, time)
        self.clock = time

    def run_clock(self, mobjects: Sequence[Any], time: float, seconds: float, *others: list[Animate]) -> None:
        """Play the training from the present time to another, forward or back, with other animations."""
        self.play(*run_time_line(mobjects, self.clock, time, seconds), *others)
        self.clock = time

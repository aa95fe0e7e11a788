"""When the weights of one unit changed, beside the accuracy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.first_layer import FirstUnit
from netcore.analysis.snapshot_predictions import Curve
from netcore.core.formatting import format_percent
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.time_chart import TimeChart
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.time_axis import TimeAxis
from netcore.viz.theme import Theme

GAP = 0.6
BAND_ALPHA = 0.25
HEADER = 24 * PIXEL  # height of the line above a chart


class WeightCharts:
    """Two charts over one axis of training: share of the change of a unit's weights, and accuracy.

    Parameters
    ----------
    theme : Theme
    area : Area
    axis : TimeAxis
    unit : FirstUnit
    accuracy : ndarray, shape (T,)
        At the snapshots.
    curve : Curve
        Accuracy, see `recorded_curves`.
    words : tuple of str
        What was measured: above each chart.

    Attributes
    ----------
    half : tuple of int
        The snapshots between which half of the change was done, see `FirstUnit.half_of_change`.
    """

    def __init__(
        self, theme: Theme, area: Area, axis: TimeAxis, unit: FirstUnit, accuracy: NDArray[np.float64], curve: Curve,
        words: tuple[str, str],
    ) -> None:  # fmt: skip
        self.theme, self.axis, self.done, self.half = theme, axis, unit.change, unit.half_of_change()
        places = area.divide([1, 1], GAP if area.width >= area.height else 0.15)
        curves: Sequence[Curve] = ((axis.steps, self.done), curve)
        titles = ("weight change so far", "accuracy (share correct)")
        muted = theme.rgb("muted")
        self.headers = [
            text_line(
                ellipsize_line(text, p.width, LABEL), LABEL, muted, at=(p.left, p.top - HEADER / 2), align=(-1, 0)
            )
            for p, text in zip(places, words, strict=True)
        ]
        self.change, self.accuracy = (
            TimeChart(
                theme, Area(p.left, p.bottom, p.right, p.top - HEADER), axis, title, *xy, v, format_percent, 0.0, 1.0
            )
            for p, xy, v, title in zip(places, curves, (self.done, accuracy), titles, strict=True)
        )

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of both charts."""
        return [*self.headers, *self.change.mobjects, *self.accuracy.mobjects]

    @property
    def timed(self) -> list[ArrayMobject]:
        """What follows the time."""
        return [*self.change.timed, *self.accuracy.timed]

    def band(self) -> Rectangles:
        """Return bands over the time in which half of the change was done."""
        a, b = (float(self.axis.times[k]) for k in self.half)
        plots = [chart.plot for chart in (self.change, self.accuracy)]
        corners = [[[p.left + a * p.width, p.bottom], [p.left + b * p.width, p.top]] for p in plots]
        return Rectangles(corners, fill=[*self.theme.rgb("emphasis"), BAND_ALPHA], width=0, z_index=-1)

    def half_words(self) -> tuple[str, str, str, str, float]:
        """Return from where to where, in time and in the share of the change, and the share of the training."""
        first, last = (self.axis.labels[k] for k in self.half)
        low, high = (format_percent(float(self.done[k])) for k in self.half)
        start, end = (self.axis.steps[k] for k in self.half)
        if first.startswith("epoch "):
            last = last.removeprefix("epoch ")
        return first, last, low, high, (end - start) / (self.axis.last - self.axis.first)

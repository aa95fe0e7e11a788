"""Accuracy during training as the time axis of a clip."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.artist import Artist

from netcore.analysis.history import snapshot_accuracy
from netcore.core.context import SceneContext
from netcore.core.formatting import format_percent
from netcore.core.run import Snapshot
from netcore.viz.layout.time_axis import TimeAxis
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width
from netcore.viz.mpl.timeline import Timeline

HEAD, FOOT, LEFT = 46.0, 20.0, 54.0  # units of the lines above the plot, the words below it and the labels beside it
ENDS = ("100 %", "0 %")


class TimeDisplay(Protocol):
    """What shows the place of a snapshot in training."""

    def update(self, i: int) -> list[Artist]:
        """Move to snapshot `i` and return the changed artists."""


def draw_time(fig: ThemedFigure, box: Box, context: SceneContext, snapshots: Sequence[Snapshot]) -> TimeDisplay:
    """Draw the accuracy curve, or a row of dots if no accuracy was recorded."""
    until = [k for k in snapshot_accuracy(context, snapshots)[1] if k <= snapshots[-1].step]
    if until:
        return AccuracyCurve(fig, box, context, snapshots)
    return Timeline(fig, Box(box.x, box.y + box.h - 40, box.w, 40), context, tuple(snapshots))


class AccuracyCurve:
    """Recorded accuracy over training, with a line and a dot at the present snapshot.

    Parameters
    ----------
    fig : ThemedFigure
    box : Box
        At least 240 wide and 90 high.
    context : SceneContext
    snapshots : sequence of Snapshot
        The axis ends with the last.

    Attributes
    ----------
    curve, past : Line2D
        The whole curve, and the part up to the present snapshot.
    cursor, dot : Line2D
        Place of the present snapshot; the dot is hidden where its accuracy is not recorded.
    text : Text
    """

    def __init__(self, fig: ThemedFigure, box: Box, context: SceneContext, snapshots: Sequence[Snapshot]) -> None:
        theme, axis = fig.theme, TimeAxis(snapshots)
        what, steps, values, self.at_snapshots = snapshot_accuracy(context, snapshots)
        until = steps <= snapshots[-1].step
        self.times, self.x, self.y = axis.times, axis.places(steps[until]), values[until]
        self.words = [
            s.label + (f": {format_percent(v)}" if np.isfinite(v) else "")
            for s, v in zip(snapshots, self.at_snapshots, strict=True)
        ]
        self.text = add_text(fig, box.x, box.y, "", fontweight="bold")
        add_text(fig, box.x, box.y + 19, ellipsize(fig, what, box.w), color=theme.muted)
        place = Box(box.x + LEFT, box.y + HEAD, box.w - LEFT - 6, box.h - HEAD - FOOT)
        for word, y in zip(ENDS, (place.y, place.y + place.h), strict=True):
            add_text(fig, place.x - 8, y, word, ha="right", va="center", color=theme.muted)
        ax = add_axes(fig, place, xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.axhline(0, color=theme.faint, linewidth=1.5)
        ax.axhline(1, color=theme.faint, linewidth=1)
        style: dict[str, Any] = {
            "marker": "o",
            "markersize": 3.5 if len(self.x) < 40 else 0,
            "linewidth": 2,
            "clip_on": False,
        }
        (self.curve,) = ax.plot(self.x, self.y, color=theme.faint, **style)
        (self.past,) = ax.plot([], [], color=theme.muted, **style)
        (self.cursor,) = ax.plot([], [], color=theme.emphasis, linewidth=1, clip_on=False)
        (self.dot,) = ax.plot([], [], color=theme.emphasis, marker="o", markersize=9, clip_on=False)
        self._label_ends(fig, place, axis)

    @staticmethod
    def _label_ends(fig: ThemedFigure, place: Box, axis: TimeAxis) -> None:
        y, right = place.y + place.h + 5, place.x + place.w + 6
        last = axis.labels[-1] + (", log. axis" if axis.is_log else "")
        add_text(fig, right, y, last, ha="right", color=fig.theme.muted)
        if text_width(fig, axis.labels[0]) + text_width(fig, last) + 12 <= place.w and len(axis.labels) > 1:
            add_text(fig, place.x, y, axis.labels[0], color=fig.theme.muted)

    def update(self, i: int) -> list[Artist]:
        """Move to snapshot `i` and return the changed artists."""
        now, value = self.times[i], self.at_snapshots[i]
        shown = self.x <= now + 1e-9
        self.past.set_data(self.x[shown], self.y[shown])
        self.cursor.set_data([now, now], [0, 1])
        self.dot.set_data(([now], [value]) if np.isfinite(value) else ([], []))
        self.text.set_text(self.words[i])
        return [self.past, self.cursor, self.dot, self.text]

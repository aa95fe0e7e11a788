"""Position of a snapshot in training, as a row of dots."""

import numpy as np
from matplotlib.artist import Artist

from netcore.analysis.history import epoch_row, held_out_text, snapshots_until
from netcore.core.context import SceneContext
from netcore.core.formatting import format_percent, format_subset
from netcore.core.run import Snapshot
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_text, text_width


def frame_index(t: float, count: int) -> int:
    """Return the index in `count` equal intervals of [0, 1] that contains `t`."""
    return min(count - 1, int(t * count))


class Timeline:
    """A row of dots, one per snapshot, with the accuracy of the present one."""

    def __init__(self, fig: ThemedFigure, box: Box, context: SceneContext, snapshots: tuple[Snapshot, ...]) -> None:
        theme = fig.theme
        self.words = [self._words(context, s) for s in snapshots]
        self.text = add_text(fig, box.x, box.y, "")
        every = len(snapshots_until(context))
        shown = "one dot per snapshot" if len(snapshots) == every else format_subset(len(snapshots), every, "snapshot")
        if (
            len(snapshots) > 1
            and max(text_width(fig, words) for words in self.words) + text_width(fig, shown) + 20 <= box.w
        ):
            add_text(fig, box.x + box.w, box.y, shown, ha="right", color=theme.muted)
        self._x = np.linspace(0, 1, len(snapshots))
        ax = add_axes(fig, Box(box.x + 5, box.y + 22, box.w - 10, 14), xlim=(0, 1), ylim=(-1, 1))
        ax.axis("off")
        self.dots: list[Artist] = []
        if len(snapshots) > 1:
            zeros = np.zeros(len(snapshots))
            ax.plot(self._x, zeros, color=theme.faint, marker="o", markersize=6, linewidth=2, clip_on=False)
            (self.past,) = ax.plot([], [], color=theme.muted, marker="o", markersize=6, linewidth=2, clip_on=False)
            (self.now,) = ax.plot([], [], color=theme.emphasis, marker="o", markersize=10, clip_on=False)
            self.dots = [self.past, self.now]

    @staticmethod
    def _words(context: SceneContext, snapshot: Snapshot) -> str:
        accuracy = epoch_row(context, snapshot).get("val_accuracy")
        known = f" · accuracy {format_percent(accuracy)} on {held_out_text(context)}" if accuracy is not None else ""
        return snapshot.label + known

    def update(self, i: int) -> list[Artist]:
        """Move to snapshot `i` and return the changed artists."""
        self.text.set_text(self.words[i])
        if self.dots:
            self.past.set_data(self._x[: i + 1], np.zeros(i + 1))
            self.now.set_data([self._x[i]], [0])
        return [self.text, *self.dots]

"""The confusion matrix through training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.snapshot_predictions import SnapshotPredictions
from netcore.analysis.units import top_k
from netcore.core.formatting import format_subset
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.number_cells import NumberCells, number_size
from netcore.viz.film.components.pictures import color_ramp
from netcore.viz.film.components.tiles import ring
from netcore.viz.film.components.time_axis import Timed
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

LINE = 0.4  # height of a line of text above and below
NAME_ROOM = 1.5  # of the names of the rows
WIDEST = 1.7  # width of a cell in its heights


class TimedCells(Timed, NumberCells):
    """Cells with numbers that show one snapshot at a time.

    Parameters
    ----------
    theme : Theme
    times : ndarray, shape (T,)
    all_values : ndarray, shape (T, H, W)
        Counts.
    shades : ndarray, shape (T, H, W)
        In [0, 1].
    area : Area
    **keys
        Of `NumberCells`.
    """

    def __init__(
        self, theme: Theme, times: NDArray[np.float64], all_values: NDArray[np.int_], shades: NDArray[np.float64],
        area: Area, **keys: Any,
    ) -> None:  # fmt: skip
        colors = theme.activation_colors(shades)
        super().__init__(theme, colors[0], [], area, all_values[0], **keys)
        self.times, self.all_values, self.colors = times, all_values, colors
        widest = f"{int(all_values.max()):,}"
        self.number_size = number_size([widest], area.width / shades.shape[2], area.height / shades.shape[1])
        self.time = 0.0

    def show_snapshot(self, k: int) -> None:
        """Show snapshot `k`."""
        self.rgb, self.values = self.colors[k][None], self.all_values[k].astype(float)
        self.texts = [f"{n:,}" if n else "" for n in self.all_values[k].ravel()] if self.number_size else []


class ConfusionGrid:
    """Counts by true class (rows) and predicted class (columns), shaded by their share of the row.

    Parameters
    ----------
    theme : Theme
    area : Area
    times : ndarray, shape (T,)
    found : SnapshotPredictions
    classes : sequence of str
    keep : sequence of int
        Classes that are always shown, as are those of the most frequent mistake and those that are half right last.
    limit : int
        Maximum number of classes: those with most mistakes at the end.
    """

    def __init__(
        self, theme: Theme, area: Area, times: NDArray[np.float64], found: SnapshotPredictions,
        classes: Sequence[str], keep: Sequence[int], limit: int = 10,
    ) -> None:  # fmt: skip
        confusion, mistake = found.confusion, found.main_mistake()
        self.theme, last = theme, confusion[-1]
        keep = [*keep, *found.slowest_classes()[0][:2], *([mistake.true, mistake.predicted] if mistake else [])]
        mistakes = last.sum(1) + last.sum(0) - 2 * np.diagonal(last)
        self.index = top_k(mistakes, min(limit, len(classes)), list(dict.fromkeys(keep)))
        n, total = len(self.index), len(classes)
        rows = np.maximum(confusion.sum(2, keepdims=True), 1)
        chosen = np.ix_(np.arange(len(times)), self.index, self.index)
        counts, shades = confusion[chosen], (confusion / rows)[chosen]
        names = [classes[k] for k in self.index]
        heads = names
        if max(line_width(name, LABEL) for name in names) > 0.8 * (area.width - NAME_ROOM) / n:
            heads = [str(k + 1) for k in range(n)]  # names are too long for the columns: these are numbered
            names = [f"{head} {name}" for head, name in zip(heads, names, strict=True)]
        left = area.left + min(max(line_width(name, LABEL) for name in names), NAME_ROOM) + 0.2
        foot = area.bottom + LINE * (1 if n == total else 2)
        box = Area(left, foot + 0.1, area.right, area.top - 2 * LINE)
        width, height = min(box.width, WIDEST * box.height), min(box.height, box.width)
        box = Area(box.left, box.top - height, box.left + width, box.top)
        self.cells = TimedCells(theme, times, counts, shades, box)
        self.outline = Rectangles(box.corners, line=[*theme.rgb("faint"), 1.0], width=1.0)
        ink, muted = theme.rgb("foreground"), theme.rgb("muted")
        columns, lines = box.columns([1] * n), box.rows([1] * n)
        self.names = [
            text_line(ellipsize_line(name, NAME_ROOM, LABEL), LABEL, ink, at=(left - 0.15, row.center[1]), align=(1, 0))
            for name, row in zip(names, lines, strict=True)
        ]
        self.names += [
            text_line(head, LABEL, ink, at=(column.center[0], box.top + LINE / 2))
            for head, column in zip(heads, columns, strict=True)
        ]
        top = box.top + 1.5 * LINE
        self.words: list[ArrayMobject] = [
            text_line("answer →", LABEL, muted, at=(box.center[0], top)),
            text_line("true ↓", LABEL, muted, at=(max(left - 0.15, area.left + line_width("true ↓", LABEL)), top),
                      align=(1, 0)),
        ]  # fmt: skip
        y, word = box.bottom - 0.1 - LINE / 2, "share of the row"
        self.words.append(text_line(word, LABEL, muted, at=(box.left, y), align=(-1, 0)))
        self.words += color_ramp(theme, (box.left + line_width(word, LABEL) + 0.25, y), "0", "100 %", align=-1.0)
        if n < total:
            note = f"{format_subset(n, total, 'class')}, most mistakes"
            self.words.append(text_line(note, LABEL, muted, at=(box.left, y - LINE), align=(-1, 0)))

    @property
    def frame(self) -> list[ArrayMobject]:
        """Outline, names and legend."""
        return [self.outline, *self.names, *self.words]

    def row_of(self, k: int) -> int:
        """Return the row and column of a class."""
        return int(np.flatnonzero(self.index == k)[0])

    def ring(self, true: int, predicted: int | None = None) -> Rectangles:
        """Return a frame around the row of a class, or around one cell of it."""
        n = len(self.index)
        columns = range(n) if predicted is None else [self.row_of(predicted)]
        return ring(self.theme, self.cells.corners()[0], (n, n), [self.row_of(true)], list(columns))

    def move_into(self, image: PixelImages, true: int, predicted: int, delay: float = 0.0) -> Animate:
        """Return the animation that moves an image into a cell."""
        n = len(self.index)
        low, high = self.outline.points[:, :2]
        frame, side = image.corners()[0], 0.8 * float((high - low).min()) / n
        middle = self.cells.centers[self.row_of(true) * n + self.row_of(predicted)]
        goal = (frame - (frame[1] + frame[2]) / 2) * side / np.ptp(frame, axis=0).max() + middle
        return Animate(image, points=goal, run_time=0.8, delay=delay)

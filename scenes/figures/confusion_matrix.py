"""Confusion matrix

Number of images by true class (rows) and predicted class (columns) of {run} ({network}), its accuracy and the most
frequent confusions (true → predicted class). Color: share of the true class; green: correct, red: misclassified.
"""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from netcore.analysis.history import snapshots_until
from netcore.analysis.metrics import wilson_interval
from netcore.analysis.predictions import Predictions, predict_examples, stored_predictions
from netcore.analysis.regions import evenly_spaced
from netcore.core.context import SceneContext
from netcore.core.formatting import format_count, format_percent, format_percent_range
from netcore.viz.colors import confusion_colors, text_color_on
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import show_pixels
from netcore.viz.mpl.style import LABEL, SMALL, TITLE, ThemedFigure
from netcore.viz.mpl.text import add_heading, add_subtitle, add_text, ellipsize, text_width
from netcore.viz.mpl.timeline import frame_index

NEEDS = ("evaluation",)
ORDER = 32
ANIMATED = True
MAX_LABELED_CLASSES = 14  # classes up to which counts are written into the cells


def draw(fig: ThemedFigure, context: SceneContext, *, data: str = "", seconds: float = 6.0) -> Update:
    """Draw the matrix, the accuracy and the most frequent confusions.

    Parameters
    ----------
    data : str
        Data set of the evaluation; default: the first one.
    seconds : float
        Duration of the animation.
    """
    final = stored_predictions(context, data or None)
    body, note = add_heading(fig, f"Confusion matrix of {context.display_name}", " ")
    left, right = body.columns(1.9, 1, gap=30)
    cells = _Cells(fig, left, context.classes)
    facts = _Facts(fig, right, context.classes)
    moments = evenly_spaced(snapshots_until(context), 12)
    kept: dict[int, Predictions] = {}

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(moments) + 1)
        if i == len(moments):
            found, words = final, final.description
        else:
            found = kept[i] = kept.get(i) or predict_examples(context, moments[i])
            words = f"{format_count(len(found.labels), 'example image')} · {moments[i].label}"
        changed = [note, *cells.update(found.confusion_matrix), *facts.update(found)]
        note.set_text(words + (f" · full red: {format_percent(cells.worst)} of a class" if cells.worst else ""))
        return changed

    update(1.0)
    return update


class _Cells:
    """The matrix; a cell's color is its share of the true class, green on the diagonal, red elsewhere."""

    def __init__(self, fig: ThemedFigure, box: Box, classes: list[str]) -> None:
        self.theme, count = fig.theme, len(classes)
        names = min(110, max(text_width(fig, name) for name in classes)) if count <= MAX_LABELED_CLASSES else 0
        upright = names > (box.w - names - 34) / count - 4  # names wider than a cell are set upright
        inner = box.inset(left=names + 34, top=30 + names if upright else 42)
        self.ax = add_axes(fig, inner)
        self.image = show_pixels(self.ax, np.zeros((count, count, 3), np.uint8))
        add_text(fig, inner.x, box.y, "predicted class →", color=fig.theme.muted)
        add_text(fig, box.x, inner.y + inner.h / 2, "true class", color=fig.theme.muted, rotation=90, va="center")
        self.texts = []
        if count > MAX_LABELED_CLASSES:
            return
        wide, tall = inner.w / count, inner.h / count
        for i, name in enumerate(classes):
            y, x = inner.y + (i + 0.5) * tall, inner.x + (i + 0.5) * wide
            add_text(fig, inner.x - 8, y, ellipsize(fig, name, names), ha="right", va="center_baseline")
            rotation = 90 if upright else 0
            add_text(fig, x, inner.y - 6, ellipsize(fig, name, names), ha="center", va="bottom", rotation=rotation)
        where = np.ndindex(count, count)
        self.texts = [self.ax.text(c, r, "", ha="center", va="center_baseline", fontsize=SMALL) for r, c in where]
        lines: dict[str, Any] = {"color": fig.theme.background, "linewidth": 2}
        for k in range(1, count):
            self.ax.axhline(k - 0.5, **lines, zorder=1.5)
            self.ax.axvline(k - 0.5, **lines, zorder=1.5)

    def update(self, confusion: NDArray[Any]) -> list[Artist]:
        share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
        self.worst = float(share[~np.eye(len(share), dtype=bool)].max(initial=0))
        colors = confusion_colors(self.theme, share)
        self.image.set_data(np.round(colors * 255).astype(np.uint8))
        for text, count, color in zip(self.texts, confusion.flat, colors.reshape(-1, 3), strict=False):
            text.set(text=str(count) if count else "", color=text_color_on(self.theme, color))
        return [self.image, *self.texts]


class _Facts:
    """Accuracy with its confidence interval, and the most frequent confusions."""

    def __init__(self, fig: ThemedFigure, box: Box, classes: list[str]) -> None:
        self.fig, self.box, self.classes = fig, box, classes
        add_subtitle(fig, box, "Accuracy")
        self.accuracy = add_text(fig, box.x, box.y + 24, "", fontsize=2 * TITLE, fontweight="bold")
        self.range = add_text(fig, box.x, box.y + 74, "", color=fig.theme.muted)
        lower = box.inset(top=118)
        add_subtitle(fig, lower, "Most frequent confusions")
        self.rows = [
            add_text(fig, box.x, lower.y + 26 + 24 * i, "", fontsize=LABEL) for i in range(int(lower.h - 30) // 24)
        ]

    def update(self, found: Predictions) -> list[Artist]:
        right, of = int(found.correct.sum()), len(found.labels)
        low, high = wilson_interval(right, of)
        self.accuracy.set_text(format_percent(found.accuracy))
        self.range.set_text(f"95 % interval: {format_percent_range(low, high)}")
        wrong = found.confusion_matrix * (1 - np.eye(len(self.classes), dtype=int))
        order = np.argsort(-wrong, axis=None, kind="stable")
        pairs = [(*divmod(int(flat), len(self.classes)), int(wrong.flat[flat])) for flat in order if wrong.flat[flat]]
        lines = [self._line(*pair) for pair in pairs[: len(self.rows)]]
        if len(pairs) > len(self.rows):
            left = pairs[len(self.rows) - 1 :]
            lines[-1] = f"{format_count(len(left), 'further pair')}, up to {left[0][2]:,} each"
        for row, words in zip(self.rows, lines + [""] * len(self.rows), strict=False):
            row.set_text(words)
        return [self.accuracy, self.range, *self.rows]

    def _line(self, true: int, predicted: int, count: int) -> str:
        """``9 → 4, 7 times``; long names are cut."""
        words = f"{self.classes[true]} → {self.classes[predicted]}, {format_count(count, 'time')}"
        if text_width(self.fig, words, LABEL) <= self.box.w:
            return words
        room = self.box.w - text_width(self.fig, f" → , {format_count(count, 'time')}", LABEL)
        wide = [text_width(self.fig, self.classes[k], LABEL) for k in (true, predicted)]
        rooms = [max(room / 2, room - other) for other in reversed(wide)]
        short = [ellipsize(self.fig, self.classes[k], r, LABEL) for k, r in zip((true, predicted), rooms, strict=True)]
        return f"{short[0]} → {short[1]}, {format_count(count, 'time')}"

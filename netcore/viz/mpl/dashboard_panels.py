"""Panels of the dashboard: each shows one image of a sequence."""

from typing import Any, Protocol

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from netcore.analysis.predictions import PredictionBatch
from netcore.core.formatting import format_number, format_percent
from netcore.core.trace import Trace
from netcore.viz.colors import abs_limit, blend
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import image_grid, show_pixels, to_display
from netcore.viz.mpl.network_diagram import NetworkDiagram
from netcore.viz.mpl.probability_bars import ProbabilityBars, set_text
from netcore.viz.mpl.style import LABEL, TITLE, ThemedFigure
from netcore.viz.mpl.text import add_subtitle, add_text, ellipsize, text_width
from netcore.viz.wording import prediction_lines, prediction_role

WINDOW = 50  # predictions that the confidence goes back
LINES = (0.9, 0.5, 0.0)  # of confidence
BINS = 30  # even: 0 is between two
TALL = 1.06  # of confidence that the axis reaches
TOP = 26.0  # units of a panel's title


class DashboardPanel(Protocol):
    """A part of the dashboard."""

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show image `i` of those that facts are known of, and return the changed artists."""
        ...


class InputPanel:
    """The image, its prediction with confidence, and whether it is correct."""

    def __init__(self, fig: ThemedFigure, box: Box, trace: Trace) -> None:
        add_subtitle(fig, box, "Input")
        self.fig, self.box, self.theme = fig, box, fig.theme
        place = box.inset(top=TOP, bottom=84)
        self.image = image_grid(fig, place, to_display(trace.pixels)[None], columns=1, frame=True)
        low = self.image.image_box(0)
        y = low.y + low.h + 12
        self.texts = [add_text(fig, box.x, y + 22 * i, "") for i in range(3)]

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show the image and its prediction."""
        color = getattr(self.theme, prediction_role(trace.prediction, trace.label))
        lines = prediction_lines(trace.classes, trace.prediction, trace.confidence, trace.label)
        lines = [*lines, *[""] * (len(self.texts) - len(lines))]
        for k, (text, line) in enumerate(zip(self.texts, lines, strict=True)):
            words = ellipsize(self.fig, line, self.box.w, weight="normal" if k else "bold")
            set_text(text, words, self.theme.foreground if k else color, k == 0)
        return [self.image.set(to_display(trace.pixels)[None]), *self.texts]


class ProbabilityPanel:
    """Class probabilities."""

    def __init__(self, fig: ThemedFigure, box: Box, trace: Trace) -> None:
        add_subtitle(fig, box, "Probabilities")
        inner = box.inset(top=TOP - 2)
        tall = min(inner.h, 30.0 * len(trace.classes))
        self.bars = ProbabilityBars(fig, Box(inner.x, inner.y, inner.w, tall), trace.classes)

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show its probabilities."""
        return self.bars.update(trace)


class NetworkPanel:
    """Most active units and what they contribute."""

    def __init__(self, fig: ThemedFigure, box: Box, trace: Trace) -> None:
        add_subtitle(fig, box, "Network")
        theme, right = fig.theme, box.x + box.w
        for words, role in (("lowers", "negative"), ("raises", "positive")):
            add_text(fig, right, box.y + 0.8, words, ha="right", color=getattr(theme, role))
            right -= text_width(fig, words) + 10
        self.diagram = NetworkDiagram(fig, box.inset(top=TOP + 4), trace)

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show its activations and contributions."""
        return self.diagram.update(trace)


class ConfusionPanel:
    """Counts of the predictions so far by true and predicted class, the latest outlined; the accuracy on all images."""

    def __init__(self, fig: ThemedFigure, box: Box, classes: list[str], accuracy: float, images: str) -> None:
        add_subtitle(fig, box, "Confusion")
        self.theme, count = fig.theme, len(classes)
        add_text(fig, box.x + box.w, box.y + TOP - 2, "predicted →", ha="right", color=fig.theme.muted)
        side = min(box.w - 18, box.h - TOP - 92)
        place = Box(box.x + box.w - side, box.y + TOP + 20, side, side)
        add_text(
            fig, box.x + 6, place.y + side / 2, "true", color=fig.theme.muted, rotation=90, va="center", ha="center"
        )
        self.ax = add_axes(fig, place)
        self.image = show_pixels(self.ax, np.zeros((count, count, 3), np.uint8))
        (self.newest,) = self.ax.plot([], [], color=fig.theme.emphasis, linewidth=1.6, clip_on=False)
        right, y = box.x + box.w, place.y + side + 8
        percent = format_percent(accuracy)
        self.accuracy = add_text(fig, right, y, percent, ha="right", fontsize=TITLE, fontweight="bold")
        add_text(fig, right, y + 26, ellipsize(fig, f"of {images}", box.w), ha="right", color=fig.theme.muted)
        self.right = add_text(fig, right, y + 48, "", ha="right", color=fig.theme.muted)
        self.half = max(0.5, 2.5 * count / side)  # of the outline, in cells

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show the counts until it."""
        labels, predicted = facts.labels[: i + 1], facts.probabilities[: i + 1].argmax(1)
        known = labels >= 0
        count = facts.probabilities.shape[1]
        self.counts = np.zeros((count, count), int)
        np.add.at(self.counts, (labels[known], predicted[known]), 1)
        right, of = int(np.trace(self.counts)), int(known.sum())
        self.right.set_text(f"here {right:,} of {of:,}")
        self.image.set_data(self._colors())
        y, x = (labels[-1], predicted[-1]) if known[-1] else (np.nan, np.nan)
        self.newest.set_data(x + self.half * np.array([-1, 1, 1, -1, -1]), y + self.half * np.array([-1, -1, 1, 1, -1]))
        return [self.image, self.newest, self.right]

    def _colors(self) -> NDArray[Any]:
        """Colors uint8 (K, K, 3): correct on the diagonal, misclassified elsewhere, stronger with the count."""
        share = np.sqrt(self.counts / max(1, self.counts.max()))[..., None]
        ends = np.where(
            np.eye(len(share), dtype=bool)[..., None], self.theme.rgb("correct"), self.theme.rgb("incorrect")
        )
        panel = np.array(blend(self.theme, "background", "faint", 0.5))
        return np.round(255 * (panel * (1 - share) + ends * share)).astype(np.uint8)


class ActivityPanel:
    """Mean and largest magnitude of each layer's outputs."""

    def __init__(self, fig: ThemedFigure, box: Box, facts: PredictionBatch) -> None:
        theme, rows = fig.theme, np.arange(len(facts.layers))
        add_subtitle(fig, box, "Activation")
        right = box.x + box.w
        for words, color in (("max |a|", theme.muted), ("mean |a|", theme.positive)):
            add_text(fig, right, box.y + 0.8, words, ha="right", color=color)
            right -= text_width(fig, words) + 10
        names = min(0.36 * box.w, max(text_width(fig, name) for name in facts.layers))
        inner = box.inset(left=names + 8, top=TOP, right=84)
        self.top = max(float(facts.activation_stats.max()), 1e-9)
        self.ax = add_axes(fig, inner, xlim=(0, self.top), ylim=(len(rows) - 0.5, -0.5))
        self.ax.axis("off")
        self.largest = self.ax.barh(
            rows, 0 * rows, height=0.62, color=blend(theme, "background", "muted", 0.55)
        ).patches
        self.mean = self.ax.barh(rows, 0 * rows, height=0.62, color=theme.positive).patches
        self.ax.axvline(0, color=theme.muted, linewidth=1)
        step = inner.h / len(rows)
        ys = [inner.y + (row + 0.5) * step for row in rows]
        for y, name in zip(ys, facts.layers, strict=True):
            add_text(fig, box.x + names, y, ellipsize(fig, name, names), ha="right", va="center_baseline")
        self.texts = [
            add_text(fig, box.x + box.w, y, "", ha="right", va="center_baseline", color=theme.muted) for y in ys
        ]

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show its magnitudes."""
        for mean, largest, a, b, text in zip(
            *facts.activation_stats[:, :, i], self.mean, self.largest, self.texts, strict=True
        ):
            a.set_width(mean)
            b.set_width(largest)
            text.set_text(f"{format_number(mean)} · {format_number(largest)}")
        return [*self.largest, *self.mean, *self.texts]


class WeightPanel:
    """Histogram of the weights into the predicted class, in the colors of their signs."""

    def __init__(self, fig: ThemedFigure, box: Box, classes: list[str], weights: NDArray[Any] | None) -> None:
        theme = fig.theme
        self.fig, self.classes, self.room = fig, classes, box.w
        self.title = add_text(fig, box.x, box.y, "", fontsize=LABEL, fontweight="bold")
        if weights is None:
            self.counts = None
            return
        limit = abs_limit(weights)
        self.edges = np.linspace(-limit, limit, BINS + 1)
        self.counts = np.stack([np.histogram(row, self.edges)[0] for row in weights])
        self.ax = add_axes(fig, box.inset(top=TOP, bottom=20), xlim=(-limit, limit), yticks=[])
        self.ax.set_ylim(0, 1.08 * self.counts.max())
        self.ax.spines["left"].set_visible(False)
        self.ax.set_xticks([])
        places = zip(
            (0, 0.5, 1), (format_number(-limit), "0", format_number(limit)), ("left", "center", "right"), strict=True
        )
        for share, words, side in places:  # not as ticks: these would be drawn again for each image
            add_text(fig, box.x + share * box.w, box.y + box.h - 16, words, ha=side, color=theme.muted)
        half, edges = BINS // 2, self.edges
        self.bars = [
            self.ax.stairs(self.counts[0, :half], edges[: half + 1], fill=True, color=theme.negative),
            self.ax.stairs(self.counts[0, half:], edges[half:], fill=True, color=theme.positive),
        ]
        self.ax.axvline(0, color=theme.muted, linewidth=1.6)

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show the weights into its predicted class."""
        words = f"Weights into {self.classes[trace.prediction]}"
        self.title.set_text(ellipsize(self.fig, words, self.room, LABEL, "bold"))
        if self.counts is None:
            return [self.title]
        counts = self.counts[trace.prediction]
        for bars, part in zip(self.bars, (counts[: BINS // 2], counts[BINS // 2 :]), strict=True):
            bars.set_data(part)
        return [self.title, *self.bars]


class ConfidencePanel:
    """Confidence of the last predictions, colored by correctness, with reference lines."""

    def __init__(self, fig: ThemedFigure, box: Box, images: int) -> None:
        theme = fig.theme
        add_subtitle(fig, box, "Confidence", f"last {WINDOW} images" if images > WINDOW else "per image")
        inner = box.inset(left=44, top=TOP + 4, right=6, bottom=8)
        self.ax = add_axes(fig, inner, xlim=(-1, WINDOW), ylim=(0, TALL))
        self.ax.set(xticks=[], yticks=[])
        self.ax.spines["left"].set_visible(False)
        for y in LINES:
            self.ax.axhline(y, color=theme.muted, linewidth=1.2, linestyle=(0, (4, 3)) if y else "-", zorder=1)
            at = inner.y + inner.h * (1 - y / TALL)
            add_text(fig, inner.x - 10, at, format_percent(y, 0), ha="right", va="center_baseline", color=theme.muted)
        (self.line,) = self.ax.plot([], [], color=theme.positive, linewidth=1.5)
        self.dots = [
            self.ax.plot([], [], "o", color=getattr(theme, role), markersize=5, clip_on=False)[0]
            for role in ("correct", "incorrect", "emphasis")
        ]

    def update(self, trace: Trace, facts: PredictionBatch, i: int) -> list[Artist]:
        """Show the confidences until it."""
        start = max(0, i + 1 - WINDOW)
        shares = facts.probabilities[start : i + 1]
        y, labels = shares.max(1), facts.labels[start : i + 1]
        x, right = np.arange(len(y)), shares.argmax(1) == labels
        self.line.set_data(x, y)
        for dots, which in zip(self.dots, (right, ~right & (labels >= 0), labels < 0), strict=True):
            dots.set_data(x[which], y[which])
        return [self.line, *self.dots]

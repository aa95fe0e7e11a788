"""Class probabilities as bars."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.text import Text

from netcore.core.formatting import format_percent
from netcore.core.trace import Trace
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.style import SMALL, ThemedFigure
from netcore.viz.mpl.text import ellipsize, text_width
from netcore.viz.theme import Theme
from netcore.viz.wording import prediction_role


class ProbabilityBars:
    """One bar per class with its probability, inside `box`.

    Up to `limit` classes are shown in their order; of more, the most probable ones, in descending order. The predicted
    class has the color of correct or incorrect (`emphasis` if the true class is not known), the others `positive`.
    """

    def __init__(self, fig: ThemedFigure, box: Box, classes: tuple[str, ...], limit: int = 10) -> None:
        self.theme, self.classes = fig.theme, classes
        self.count = min(limit, len(classes))
        self.sorted = len(classes) > limit
        longest = min(0.45 * box.w, max(text_width(fig, name) for name in classes))
        self._names = [ellipsize(fig, name, longest) for name in classes]
        left = longest + 8
        self._decimals = 1 if box.w - left > 98 else 0
        reserved = text_width(fig, "> 99.9 %" if self._decimals else "> 99 %") + 6
        ax = add_axes(fig, box.inset(left=left, right=reserved), xlim=(0, 1), ylim=(self.count - 0.5, -0.5))
        ax.axis("off")
        ax.axvline(0, color=self.theme.faint, linewidth=1)
        self.bars = ax.barh(range(self.count), np.zeros(self.count), height=0.66).patches
        unit = 1 / (box.w - left - reserved)
        rows = range(self.count)
        self.names = [ax.text(-8 * unit, i, "", ha="right", va="center_baseline", fontsize=SMALL) for i in rows]
        self.values = [ax.text(0, i, "", ha="left", va="center_baseline", fontsize=SMALL) for i in rows]
        self._unit = unit

    def update(self, trace: Trace | None) -> list[Artist]:
        """Show a trace's probabilities; None empties the bars."""
        shares = np.zeros(len(self.classes)) if trace is None else trace.probabilities
        order = np.argsort(-shares, kind="stable")[: self.count] if self.sorted else np.arange(self.count)
        for i, k in enumerate(order):
            color = prediction_color(self.theme, trace, int(k))
            self.bars[i].set_width(shares[k])
            self.bars[i].set_facecolor(color or self.theme.positive)
            strong = trace is not None and k in (trace.prediction, trace.label)
            name = "" if trace is None and self.sorted else self._names[k]
            set_text(self.names[i], name, color or self.theme.muted, strong)
            value = self._value(shares[k])
            if value:
                self.values[i].set_x(shares[k] + 6 * self._unit)
            set_text(self.values[i], value, self.theme.foreground if strong else self.theme.muted)
        return [*self.bars, *self.names, *self.values]

    def _value(self, share: float) -> str:
        return format_percent(share, self._decimals) if share >= 0.1 ** (self._decimals + 2) else ""


def prediction_color(theme: Theme, trace: Trace | None, k: int) -> str | None:
    """Return the color of the predicted and of the true class, None for the others."""
    if trace is None or k not in (trace.prediction, trace.label):
        return None
    return getattr(theme, prediction_role(k, trace.label))


def set_text(text: Text, words: str, color: str, bold: bool = False) -> None:
    """Change a text only in what differs: one that stays as it is need not be drawn again."""
    weight = "bold" if bold else "normal"
    if (text.get_text(), text.get_color(), text.get_fontweight()) != (words, color, weight):
        text.set(text=words, color=color, fontweight=weight)

"""Weight distribution

Histogram of the weights of each layer of {run} ({network}); outlines: before training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from netcore.analysis.graph_builder import layer_titles
from netcore.analysis.history import shown_snapshots
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_count, format_number, format_subset
from netcore.core.run import Snapshot
from netcore.viz.colors import abs_limit
from netcore.viz.mpl.axes import add_chart
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading, add_text, ellipsize, text_width
from netcore.viz.mpl.timeline import Timeline, frame_index

NEEDS = ()
ORDER = 56
ANIMATED = True
BINS = 61
MAX_LAYERS = 8


def draw(fig: ThemedFigure, context: SceneContext, *, seconds: float = 6.0) -> Update:
    """Draw one histogram per layer.

    Parameters
    ----------
    seconds : float
        Duration of the animation.
    """
    theme, snapshots = fig.theme, shown_snapshots(context)
    names = list(context.layer_weights(snapshots[-1]))
    if not names:
        raise RequirementError(f"run '{context.run_name}' has no torch.nn layer with weights: use model-graph")
    shown = [
        names[i] for i in np.unique(np.linspace(0, len(names) - 1, min(MAX_LAYERS, len(names))).round().astype(int))
    ]
    words = f"{format_subset(len(shown), len(names), 'layer')}, each with its own scale"
    body, _ = add_heading(fig, f"Weight distribution of {context.run_name}", words, legend_width=300)
    add_color_legend(
        fig, {"before training": theme.negative, "this snapshot": theme.positive} if len(snapshots) > 1 else {}
    )
    upper, lower = body.inset(bottom=54), Box(body.x, body.y + body.h - 38, body.w, 40)
    over_time = _histograms(context, snapshots, shown)
    places = _places(upper, len(shown))
    titles = layer_titles(context.layers, context.input_shape, names)
    panels = [_Panel(fig, place, titles[name], over_time[name]) for place, name in zip(places, shown, strict=True)]
    timeline = Timeline(fig, lower, context, snapshots)

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(snapshots))
        return [*(artist for panel in panels for artist in panel.update(i)), *timeline.update(i)]

    update(1.0)
    return update


@dataclass(frozen=True)
class _Histogram:
    """Counts of one layer's weights at one snapshot; what lies outside the limit counts in the outermost bins."""

    limit: float
    counts: NDArray[np.int_]
    lowest: float
    highest: float
    deviation: float

    @classmethod
    def of(cls, weights: NDArray[Any], limit: float) -> "_Histogram":
        counts = np.histogram(np.clip(weights, -limit, limit), BINS, (-limit, limit))[0]
        return cls(limit, counts, float(weights.min()), float(weights.max()), float(weights.std()))


def _histograms(
    context: SceneContext, snapshots: Sequence[Snapshot], layers: Sequence[str]
) -> dict[str, list[_Histogram]]:
    """Count the weights of some layers over time; those of one snapshot are in memory at a time."""
    ends = [context.layer_weights(s, only=layers) for s in dict.fromkeys((snapshots[0], snapshots[-1]))]
    limits = {name: max(abs_limit(weights[name], 0.999) for weights in ends) for name in layers}
    found: dict[str, list[_Histogram]] = {name: [] for name in layers}
    for snapshot in snapshots:
        weights = context.layer_weights(snapshot, only=layers)
        for name in layers:
            found[name].append(_Histogram.of(weights[name], limits[name]))
    return found


class _Panel:
    """The histogram of one layer, and its deviation in words."""

    def __init__(self, fig: ThemedFigure, box: Box, name: str, over_time: list[_Histogram]) -> None:
        theme, limit = fig.theme, over_time[0].limit
        edges = np.linspace(-limit, limit, BINS + 1)
        self.counts = [each.counts for each in over_time]
        short = [f"σ {format_number(each.deviation)}" for each in over_time]
        full = [f"{format_count(int(n.sum()), 'weight')}, {words}" for words, n in zip(short, self.counts, strict=True)]
        name = ellipsize(fig, name, box.w - 8 - max(text_width(fig, words) for words in short), 15, "bold", "end")
        start = text_width(fig, name, 15, "bold") + 8
        self.words = full if all(text_width(fig, words) <= box.w - start for words in full) else short
        ax = add_chart(fig, box, name, left=0, grid="")
        ax.set(xlim=(-limit, limit), ylim=(0, 1.08 * np.max(self.counts)), yticks=[])
        low = "≤ " if min(each.lowest for each in over_time) < -limit else ""
        high = "≥ " if max(each.highest for each in over_time) > limit else ""
        ax.set_xticks([-limit, 0, limit], [low + format_number(-limit), "0", high + format_number(limit)])
        labels = ax.get_xticklabels()
        labels[0].set_horizontalalignment("left")
        labels[-1].set_horizontalalignment("right")
        self.bars = ax.stairs(self.counts[-1], edges, fill=True, color=theme.positive)
        if len(over_time) > 1:
            ax.stairs(self.counts[0], edges, color=theme.negative, linewidth=1.5)
        self.text = add_text(fig, box.x + start, box.y + 0.8, "", color=theme.muted)

    def update(self, i: int) -> list[Artist]:
        self.bars.set_data(self.counts[i])
        self.text.set_text(self.words[i])
        return [self.bars, self.text]


def _places(box: Box, count: int) -> list[Box]:
    across = count if count <= 3 else -(-count // 2)
    rows = box.rows(*[1] * (-(-count // across)), gap=8)
    return [place for row in rows for place in row.columns(*[1] * across, gap=28)][:count]

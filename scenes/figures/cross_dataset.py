"""Accuracy by data set

Accuracy of {run} ({network}) on each data set that it was evaluated on, overall and by class; vertical lines: 95 %
confidence intervals.
"""

import numpy as np

from netcore.analysis.metrics import wilson_interval
from netcore.analysis.predictions import stored_predictions
from netcore.core.context import SceneContext
from netcore.core.formatting import format_percent, format_percent_range, format_subset
from netcore.viz.mpl.axes import add_chart, fit_class_labels, format_axis_percent
from netcore.viz.mpl.style import LABEL, ThemedFigure
from netcore.viz.mpl.text import add_heading, add_text, ellipsize

NEEDS = ("evaluation",)
ORDER = 40
MAX_CLASSES = 12


def draw(fig: ThemedFigure, context: SceneContext) -> None:
    """Draw one column for all images and one per class, with one dot per data set."""
    theme = fig.theme
    colors = (theme.positive, theme.negative, theme.emphasis, theme.correct)
    sets = [stored_predictions(context, name) for name in context.evaluations[: len(colors)]]
    classes = context.classes[:MAX_CLASSES]
    words = f"all images, and {format_subset(len(classes), len(context.classes), 'class')}"
    words += " · vertical lines: 95 % confidence intervals"
    if len(sets) < len(context.evaluations):
        words += f" · the first {format_subset(len(sets), len(context.evaluations), 'data set')}"
    body, _ = add_heading(fig, f"Accuracy by data set of {context.display_name}", words)
    names, plot = body.columns(1, 3.1, gap=24)
    for i, (found, color) in enumerate(zip(sets, colors, strict=False)):
        y = names.y + 76 * i
        low, high = wilson_interval(int(found.correct.sum()), len(found.labels))
        add_text(
            fig,
            names.x,
            y,
            ellipsize(fig, f"● {found.name}", names.w, LABEL, "bold"),
            fontsize=LABEL,
            fontweight="bold",
            color=color,
        )
        add_text(fig, names.x, y + 22, f"{format_percent(found.accuracy)} of {len(found.labels):,}")
        add_text(fig, names.x, y + 42, format_percent_range(low, high), color=theme.muted)

    room = (plot.w - 62) / (len(classes) + 1) - 4
    labels, rotation, bottom = fit_class_labels(fig, ["all", *classes], room)
    ax = add_chart(fig, plot, left=54, bottom=bottom, x="class")
    lows = []
    for i, (found, color) in enumerate(zip(sets, colors, strict=False)):
        shift = (i - (len(sets) - 1) / 2) * 0.22
        groups = [np.ones(len(found.labels), bool), *(found.labels == k for k in range(len(classes)))]
        for x, group in enumerate(groups):
            if not group.any():
                continue
            right, of = int(found.correct[group].sum()), int(group.sum())
            low, high = wilson_interval(right, of)
            lows.append(low)
            ax.plot([x + shift] * 2, [low, high], color=color, linewidth=2, alpha=0.7, clip_on=False)
            ax.plot(x + shift, right / of, "o", color=color, markersize=9 if x == 0 else 6, clip_on=False)
    ax.axvline(0.5, color=theme.faint, linewidth=1)
    ax.set(xlim=(-0.5, len(classes) + 0.5), ylim=(max(0, min(lows) - 0.02), 1))
    ax.set_xticks(range(len(classes) + 1), labels, rotation=rotation)
    format_axis_percent(ax.yaxis)

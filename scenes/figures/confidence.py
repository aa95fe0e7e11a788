"""Reliability and confidence

Reliability diagram of {run} ({network}): accuracy per confidence bin; dashed line: perfect calibration; vertical lines:
95 % confidence intervals. Right: confidence of correct and misclassified images. The expected calibration error is the
mean gap between accuracy and confidence.
"""

import numpy as np

from netcore.analysis.metrics import calibration_bins, wilson_interval
from netcore.analysis.predictions import stored_predictions
from netcore.core.context import SceneContext
from netcore.core.formatting import format_percent
from netcore.viz.mpl.axes import add_chart, format_axis_percent
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading

NEEDS = ("evaluation",)
ORDER = 38
BINS = 10


def draw(fig: ThemedFigure, context: SceneContext, *, data: str = "") -> None:
    """Draw the reliability diagram and the two histograms.

    Parameters
    ----------
    data : str
        Data set of the evaluation; default: the first one.
    """
    theme, found = fig.theme, stored_predictions(context, data or None)
    count, confidence, accuracy, error = calibration_bins(found.confidence, found.correct, BINS)
    mean = float(found.confidence.mean())
    words = f"accuracy {format_percent(found.accuracy)} · {found.description}"
    body, _ = add_heading(fig, f"Reliability of {context.display_name}", words)
    left, right = body.columns(1, 1, gap=34)

    ax = add_chart(
        fig,
        left,
        "Accuracy",
        f"expected calibration error {format_percent(error)}",
        x="confidence · vertical lines: 95 % confidence intervals",
        left=58,
    )
    edges = np.arange(BINS) / BINS
    ax.bar(
        edges,
        np.nan_to_num(accuracy),
        1 / BINS,
        align="edge",
        color=theme.positive,
        edgecolor=theme.background,
        alpha=0.8,
    )
    ax.plot([0, 1], [0, 1], color=theme.muted, linestyle=(0, (4, 3)), linewidth=1.5)
    for k in np.flatnonzero(count):
        low, high = wilson_interval(round(accuracy[k] * count[k]), int(count[k]))
        ax.plot([confidence[k]] * 2, [low, high], color=theme.foreground, linewidth=2, clip_on=False)
        ax.plot(confidence[k], accuracy[k], "o", color=theme.foreground, markersize=5, clip_on=False)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    format_axis_percent(ax.xaxis, 5)
    format_axis_percent(ax.yaxis, 5)

    ax = add_chart(fig, right, "Confidence", x=f"confidence, mean {format_percent(mean)} · logarithmic counts", left=58)
    add_color_legend(
        fig, {"correct": theme.correct, "misclassified": theme.incorrect}, right=right.x + right.w - 8, y=right.y + 1
    )
    bins = np.linspace(0, 1, 2 * BINS + 1)
    for which, color in ((found.correct, theme.correct), (~found.correct, theme.incorrect)):
        heights, _ = np.histogram(found.confidence[which], bins)
        ax.stairs(heights, bins, color=color, linewidth=2, baseline=0.5)
        ax.stairs(heights, bins, color=color, fill=True, alpha=0.25, baseline=0.5)
    ax.set_yscale("log")
    ax.set(xlim=(0, 1), ylim=(0.5, None))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.minorticks_off()
    format_axis_percent(ax.xaxis, 5)

"""Accuracy with Monte Carlo dropout

Accuracy of {run} ({network}) over repeated passes on the same images with dropout active, so that each pass drops other
random units: a measure of how much predictions depend on single units.
"""

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from netcore.core.context import SceneContext
from netcore.core.formatting import format_count, format_images, format_percent, format_percent_points
from netcore.viz.mpl.axes import add_chart, format_axis_percent
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading, add_text
from netcore.viz.theme import Theme

NEEDS = ("dropout", "stability")
ORDER = 44


def draw(fig: ThemedFigure, context: SceneContext) -> None:
    """Draw the passes as a line with mean and standard deviation, and as a box plot."""
    theme, stored = fig.theme, context.mc_dropout
    accuracy = np.asarray(stored["accuracy"], dtype=float)
    mean, deviation = accuracy.mean(), accuracy.std(ddof=1) if len(accuracy) > 1 else 0.0
    words = f"{format_count(len(accuracy), 'pass')} over {format_images(stored['count'], stored['data'])}"
    words += f" · mean {format_percent(mean, 2)}"
    words += f", standard deviation {format_percent_points(deviation)}" if len(accuracy) > 1 else ""
    body, _ = add_heading(fig, f"Accuracy with Monte Carlo dropout, {context.display_name}", words)
    left, right = body.columns(3, 1, gap=24)
    ax = add_chart(fig, left, "Accuracy by pass", x="pass", left=70)
    passes = np.arange(1, len(accuracy) + 1)
    if len(accuracy) > 1:
        ax.axhspan(mean - deviation, mean + deviation, color=theme.positive, alpha=0.15, linewidth=0)
        ax.axhline(mean, color=theme.positive, linewidth=1.5)
    ax.plot(passes, accuracy, color=theme.foreground, marker="o", markersize=5, linewidth=0.6)
    box = add_chart(fig, right, "Spread", left=0, x=" ")
    parts = box.boxplot(accuracy, widths=0.5, patch_artist=True, showmeans=True)
    _paint(parts, theme)
    tops = [*accuracy]
    entries = {"mean ± standard deviation": theme.positive} if len(accuracy) > 1 else {}
    if stored.get("without_dropout") is not None:
        plain = float(stored["without_dropout"])
        tops.append(plain)
        for axes in (ax, box):
            axes.axhline(plain, color=theme.emphasis, linewidth=1.5, linestyle=(0, (4, 3)))
        entries["dropout off"] = theme.emphasis
    add_color_legend(fig, entries, right=left.x + left.w, y=left.y + 1)
    span = max(np.ptp(tops), 2 * deviation, 1e-4)
    for axes in (ax, box):
        axes.set_ylim(min(tops) - 0.35 * span, min(1.0 + 0.05 * span, max(tops) + 0.35 * span))
        format_axis_percent(axes.yaxis)
    box.tick_params(labelleft=False)
    ax.set_xlim(0.5, len(accuracy) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    box.set_xticks([])
    add_text(fig, right.x, right.y + right.h - 20, "quartiles, median, mean", color=theme.muted)


def _paint(parts: dict[str, Any], theme: Theme) -> None:
    for patch in parts["boxes"]:
        patch.set(facecolor="none", edgecolor=theme.foreground, linewidth=1.5)
    for part in ("whiskers", "caps", "medians"):
        for line in parts[part]:
            line.set(color=theme.foreground, linewidth=1.5)
    for line in parts["means"]:
        line.set(marker="o", markerfacecolor=theme.positive, markeredgecolor=theme.positive)
    for line in parts["fliers"]:
        line.set(marker="o", markeredgecolor=theme.muted, markersize=5)

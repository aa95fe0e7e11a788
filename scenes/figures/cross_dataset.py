"""Accuracy by data set

How often {run} ({network}) is right on each data set that it was tried on, overall and by class, with 95 % intervals.
"""

import numpy as np

from netcore.core.formatting import format_percent, format_percent_range, format_subset
from netcore.stage.answers import answers, interval
from netcore.stage.plot import LABEL, chart, class_labels, fit, heading, percents, write

NEEDS = ("evaluation",)
ORDER = 40
MOST = 12  # classes that fit


def draw(fig, case):
    """Draw one column overall and one a class, a dot a data set."""
    theme = fig.theme
    colours = (theme.positive, theme.negative, theme.emphasis, theme.right)
    sets = [answers(case, name) for name in case.evaluations[: len(colours)]]
    classes = case.classes[:MOST]
    words = f"the whole sets, and {format_subset(len(classes), len(case.classes), 'class')} · 95 % intervals"
    if len(sets) < len(case.evaluations):
        words += f" · the first {some_of(len(sets), len(case.evaluations), 'data set')}"
    body, _ = heading(fig, f"How often {case.display_name} is right", words)
    names, plot = body.columns(1, 3.1, gap=24)
    for i, (found, colour) in enumerate(zip(sets, colours, strict=False)):
        y = names.y + 76 * i
        low, high = interval(int(found.right.sum()), len(found.labels))
        write(
            fig,
            names.x,
            y,
            fit(fig, f"● {found.name}", names.w, LABEL, "bold"),
            fontsize=LABEL,
            fontweight="bold",
            color=colour,
        )
        write(fig, names.x, y + 22, f"{format_percent(found.accuracy)} of {len(found.labels):,}")
        write(fig, names.x, y + 42, format_percent_range(low, high), color=theme.muted)

    room = (plot.w - 62) / (len(classes) + 1) - 4
    labels, rotation, bottom = class_labels(fig, ["all", *classes], room)
    ax = chart(fig, plot, left=54, bottom=bottom, x="class")
    lows = []
    for i, (found, colour) in enumerate(zip(sets, colours, strict=False)):
        shift = (i - (len(sets) - 1) / 2) * 0.22
        groups = [np.ones(len(found.labels), bool), *(found.labels == k for k in range(len(classes)))]
        for x, group in enumerate(groups):
            if not group.any():
                continue
            right, of = int(found.right[group].sum()), int(group.sum())
            low, high = interval(right, of)
            lows.append(low)
            ax.plot([x + shift] * 2, [low, high], color=colour, linewidth=2, alpha=0.7, clip_on=False)
            ax.plot(x + shift, right / of, "o", color=colour, markersize=9 if x == 0 else 6, clip_on=False)
    ax.axvline(0.5, color=theme.faint, linewidth=1)
    ax.set(xlim=(-0.5, len(classes) + 0.5), ylim=(max(0, min(lows) - 0.02), 1))
    ax.set_xticks(range(len(classes) + 1), labels, rotation=rotation)
    percents(ax.yaxis)

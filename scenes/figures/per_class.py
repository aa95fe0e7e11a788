"""Precision and recall by class

Precision (share of the images predicted as a class that belong to it) and recall (share of the images of a class that
are predicted as it) of {run} ({network}); horizontal lines: 95 % confidence intervals. F1: harmonic mean of the two.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.metrics import wilson_interval
from netcore.analysis.predictions import Predictions, stored_predictions
from netcore.core.context import SceneContext
from netcore.core.formatting import format_number, format_percent, format_subset
from netcore.viz.mpl.axes import add_axes, format_axis_percent
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading, add_text, ellipsize, text_width

NEEDS = ("evaluation",)
ORDER = 34
MAX_CLASSES = 12
COLUMNS, COLUMN = ("precision", "recall", "F1", "images"), 72.0  # of the table; units wide


def draw(fig: ThemedFigure, context: SceneContext, *, data: str = "") -> None:
    """Draw one row per class: two shares with their intervals, and the numbers.

    Parameters
    ----------
    data : str
        Data set of the evaluation; default: the first one.
    """
    from sklearn.metrics import precision_recall_fscore_support

    theme, found, classes = fig.theme, stored_predictions(context, data or None), context.classes
    among = range(len(classes))
    scores = precision_recall_fscore_support(found.labels, found.predictions, labels=among, zero_division=np.nan)
    f1 = scores[2]
    order = np.sort(np.argsort(np.nan_to_num(f1, nan=2), kind="stable")[:MAX_CLASSES])  # the lowest F1
    words = f"{found.description} · mean F1 {format_number(float(np.nanmean(f1)), 3)}"
    if len(order) < len(classes):
        words += f" · {format_subset(len(order), len(classes), 'class')}, lowest F1"
    body, _ = add_heading(fig, f"Precision and recall of {context.display_name}", words, legend_width=250)
    add_color_legend(fig, {"precision": theme.positive, "recall": theme.negative})
    names = min(150, max(text_width(fig, name) for name in ["class", *(classes[k] for k in order)]))
    inner = body.inset(left=names + 16, top=28, right=len(COLUMNS) * COLUMN + 16, bottom=28)
    add_text(fig, inner.x - 16, body.y, "class", ha="right", color=theme.muted)
    for row, k in enumerate(order):
        y = inner.y + (row + 0.5) * inner.h / len(order)
        add_text(fig, inner.x - 16, y, ellipsize(fig, classes[k], names), ha="right", va="center_baseline")
    lines = "lines: 95 % confidence intervals"
    add_text(fig, body.x + body.w, body.y + body.h, lines, ha="right", va="bottom", color=theme.muted)
    _dots(fig, inner, found, scores[:2], order)
    _table(fig, inner, body.y, np.array(scores)[:, order])


def _dots(
    fig: ThemedFigure, box: Box, found: Predictions, shares: tuple[NDArray[Any], ...], order: NDArray[Any]
) -> None:
    """Draw precision and recall with their confidence intervals, one row per class."""
    ax = add_axes(fig, box, ylim=(len(order) - 0.5, -0.5))
    predicted, true = found.confusion_matrix.sum(0), found.confusion_matrix.sum(1)
    lows = []
    for row, k in enumerate(order):
        for shift, share, of, role in ((-0.14, shares[0], predicted, "positive"), (0.14, shares[1], true, "negative")):
            if of[k]:
                low, high = wilson_interval(int(found.confusion_matrix[k, k]), int(of[k]))
                lows.append(low)
                color = getattr(fig.theme, role)
                ax.plot([low, high], [row + shift] * 2, color=color, linewidth=2, alpha=0.6, clip_on=False)
                ax.plot(share[k], row + shift, "o", color=color, markersize=7, clip_on=False)
    ax.set_xlim(max(0, min(lows, default=0) - 0.01), 1)
    format_axis_percent(ax.xaxis, 5)
    ax.tick_params(length=0, pad=6)
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.grid(axis="x")


def _table(fig: ThemedFigure, box: Box, top: float, scores: NDArray[Any]) -> None:
    """The numbers (4, rows), to the right of `box`."""
    ends = [box.x + box.w + 16 + COLUMN * (i + 1) for i in range(len(COLUMNS))]
    for x, name in zip(ends, COLUMNS, strict=True):
        add_text(fig, x, top, name, ha="right", color=fig.theme.muted)
    for row, (precision, recall, f1, support) in enumerate(scores.T):
        y = box.y + (row + 0.5) * box.h / scores.shape[1]
        cells = (_share(precision), _share(recall), "–" if np.isnan(f1) else f"{f1:.3f}", f"{support:,.0f}")
        for x, cell in zip(ends, cells, strict=True):
            add_text(fig, x, y, cell, ha="right", va="center_baseline")


def _share(value: float) -> str:
    return "–" if np.isnan(value) else format_percent(value)

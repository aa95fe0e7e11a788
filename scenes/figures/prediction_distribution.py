"""Predicted classes

Share of images that {run} ({network}) predicts as each class. Outlines: true classes; if they are not known, vertical
lines: 95 % confidence intervals for other images of the same kind.
"""

import numpy as np

from netcore.analysis.metrics import wilson_interval
from netcore.analysis.predictions import stored_predictions
from netcore.core.context import SceneContext
from netcore.core.formatting import format_percent, format_subset
from netcore.viz.mpl.axes import add_chart, fit_class_labels, format_axis_percent
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading

NEEDS = ("predictions",)
ORDER = 42
MAX_CLASSES = 20


def draw(fig: ThemedFigure, context: SceneContext, *, data: str = "") -> None:
    """Draw one bar per class.

    Parameters
    ----------
    data : str
        Data set of the predictions; default: one without labels, else the first one evaluated.
    """
    theme, found = fig.theme, stored_predictions(context, data or next(iter(context.unlabeled), None), labeled=False)
    total, count = len(found.probabilities), len(context.classes)
    predicted = np.bincount(found.predictions, minlength=count)
    order = np.sort(np.argsort(-predicted, kind="stable")[:MAX_CLASSES])
    words = found.description
    words += f" · {format_subset(len(order), count, 'class')}, most predicted" if len(order) < count else ""
    words += f" · mean confidence {format_percent(float(found.confidence.mean()))}"
    body, _ = add_heading(fig, f"Predicted classes of {context.display_name}", words, legend_width=280)
    known = len(found.labels) == total
    add_color_legend(fig, {"predicted": theme.positive} | ({"true": theme.emphasis} if known else {}))
    room = (body.w - 62) / len(order) - 4
    note = "outlines: true classes" if known else "vertical lines: 95 % confidence intervals"
    labels, rotation, bottom = fit_class_labels(fig, [context.classes[k] for k in order], room)
    ax = add_chart(fig, body, "Share of the images", note, left=54, bottom=bottom, x="class")
    places = np.arange(len(order))
    ax.bar(places, predicted[order] / total, width=0.7, color=theme.positive)
    tops = predicted / total
    if known:
        true = np.bincount(found.labels, minlength=count)
        ax.bar(places, true[order] / total, width=0.84, facecolor="none", edgecolor=theme.emphasis, linewidth=2)
        tops = np.maximum(tops, true / total)
    else:
        tops = np.array([wilson_interval(int(n), total)[1] for n in predicted])
        for x, k in zip(places, order, strict=True):
            ax.plot([x, x], wilson_interval(int(predicted[k]), total), color=theme.foreground, linewidth=2)
    ax.set(xlim=(-0.6, len(order) - 0.4), ylim=(0, 1.18 * max(tops.max(), 1e-9)))
    ax.set_xticks(places, labels, rotation=rotation)
    if room > 44:  # the numbers fit
        for x, k in zip(places, order, strict=True):
            ax.annotate(f"{predicted[k]:,}", (x, tops[k]), (0, 5), textcoords="offset points", ha="center", va="bottom")
    format_axis_percent(ax.yaxis)

"""Precision and recall by class

How well {run} ({network}) does on each class: of the images it calls so, how many are (precision); of those that are,
how many it finds (recall); with 95 % intervals, and F1, the harmonic mean of the two.
"""

import numpy as np

from netcore.stage.answers import answers, interval
from netcore.stage.facts import some_of
from netcore.stage.plot import add_axes, fit, heading, legend, number, percent, percents, width, write

NEEDS = ("evaluation",)
ORDER = 34
MOST = 12  # classes that fit


def draw(fig, case, *, data: str = ""):
    """Draw one row a class: two shares with their intervals, and the numbers.

    Parameters
    ----------
    data : str
        Data set of the evaluation; the first one unless given.
    """
    from sklearn.metrics import precision_recall_fscore_support

    theme, found, classes = fig.theme, answers(case, data or None), case.classes
    among = range(len(classes))
    scores = precision_recall_fscore_support(found.labels, found.predictions, labels=among, zero_division=np.nan)
    precision, recall, f1, support = scores
    order = np.sort(np.argsort(np.nan_to_num(f1, nan=2), kind="stable")[:MOST])  # of many classes, the worst
    words = f"{found.words} · mean F1 of the classes {number(float(np.nanmean(f1)), 3)}"
    if len(order) < len(classes):
        words += f" · {some_of(len(order), len(classes))} classes, those of the lowest F1"
    body, _ = heading(fig, f"Precision and recall of {case.run.title}", words, aside=250)
    legend(fig, {"precision": theme.positive, "recall": theme.negative})

    names = min(150, max(width(fig, classes[k]) for k in order))
    table = 4 * 72
    inner = body.inset(left=names + 16, top=28, right=table + 16, bottom=28)
    ax = add_axes(fig, inner, ylim=(len(order) - 0.5, -0.5))
    said = found.confusion.sum(0)
    lows = []
    for row, k in enumerate(order):
        y = inner.y + (row + 0.5) * inner.h / len(order)
        write(fig, body.x + names, y, fit(fig, classes[k], names), ha="right", va="center_baseline")
        hits = int(found.confusion[k, k])
        for shift, share, of, colour in (
            (-0.14, precision, said, theme.positive),
            (0.14, recall, support, theme.negative),
        ):
            if of[k]:
                low, high = interval(hits, int(of[k]))
                lows.append(low)
                ax.plot([low, high], [row + shift] * 2, color=colour, linewidth=2, alpha=0.6)
                ax.plot(share[k], row + shift, "o", color=colour, markersize=7)
        cells = [_share(precision[k]), _share(recall[k]), "–" if np.isnan(f1[k]) else f"{f1[k]:.3f}", f"{support[k]:,}"]
        for column, cell in enumerate(cells):
            write(fig, inner.x + inner.w + 16 + 72 * (column + 1), y, cell, ha="right", va="center_baseline")
    for column, name in enumerate(("precision", "recall", "F1", "images")):
        x = inner.x + inner.w + 16 + 72 * (column + 1)
        write(fig, x, body.y, name, ha="right", color=theme.muted)
    ax.set_xlim(max(0, min(lows, default=0) - 0.01), 1)
    percents(ax.xaxis, 5)
    ax.tick_params(length=0, pad=6)
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.grid(axis="x")


def _share(value: float) -> str:
    return "–" if np.isnan(value) else percent(value)

"""Robustness

Accuracy and mean confidence of {run} ({network}, {snapshot}) under noise, rotation, translation and stroke width; band:
95 % confidence interval. High confidence at low accuracy: overconfidence.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.experiments import (
    Transform,
    add_noise,
    apply_transform,
    change_stroke_width,
    predict_transformed,
    rotate,
    translate,
)
from netcore.analysis.metrics import wilson_interval
from netcore.core.context import SceneContext
from netcore.core.formatting import format_subset
from netcore.viz.mpl.axes import add_chart, format_axis_percent
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading

NEEDS = ("examples",)
ORDER = 46
STRIP = 30.0  # units for the sample images below a chart


# Unit, levels, function, and how a level is written.
Change = tuple[str, tuple[float, ...], Transform, Callable[[float], str]]
CHANGES: dict[str, Change] = {
    "Noise": ("sd, share of the pixel range", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), add_noise, "{:g}".format),
    "Rotation": ("counter-clockwise", (-60, -40, -20, 0, 20, 40, 60), rotate, "{:g}°".format),
    "Translation": ("to the right, % of the width", (-30, -20, -10, 0, 10, 20, 30), translate, "{:g}".format),
    "Stroke width": ("change in pixels", (-3, -2, -1, 0, 1, 2, 3), change_stroke_width, "{:+g}".format),
}


def draw(fig: ThemedFigure, context: SceneContext, *, images: int = 120) -> None:
    """Draw four charts, each with the chosen image at every level below.

    Parameters
    ----------
    images : int
        Maximum number of example images.
    """
    theme, examples = fig.theme, context.examples()
    pixels, labels = examples.images[:images], examples.labels[:images]
    words = (
        f"{format_subset(len(labels), len(examples.labels), 'example image')}, one perturbation at a time"
        f" · band: 95 % confidence interval · {context.snapshot().label}"
    )
    body, _ = add_heading(fig, f"Robustness of {context.display_name}", words, legend_width=300)
    add_color_legend(fig, {"accuracy": theme.positive, "mean confidence": theme.negative})
    places = [place for row in body.rows(1, 1, gap=14) for place in row.columns(1, 1, gap=30)]
    for place, (title, change) in zip(places, CHANGES.items(), strict=True):
        _panel(fig, place, title, change, context, pixels, labels)


def _panel(
    fig: ThemedFigure,
    box: Box,
    title: str,
    change: Change,
    context: SceneContext,
    pixels: NDArray[Any],
    labels: NDArray[Any],
) -> None:
    theme, (note, levels, function, word) = fig.theme, change
    shares = predict_transformed(context.network(), pixels, function, levels)
    right = [int((s.argmax(1) == labels).sum()) for s in shares]
    low, high = zip(*(wilson_interval(r, len(labels)) for r in right), strict=True)
    ax = add_chart(fig, box.inset(bottom=STRIP), title, note, left=54)
    x = np.arange(len(levels))
    ax.fill_between(x, low, high, color=theme.positive, alpha=0.2, linewidth=0)
    ax.plot(x, [r / len(labels) for r in right], color=theme.positive, marker="o", markersize=5, clip_on=False)
    confidence = [float(s.max(1).mean()) for s in shares]
    ax.plot(x, confidence, color=theme.negative, marker="o", markersize=5, linestyle=(0, (4, 2)), clip_on=False)
    ax.set(xlim=(-0.3, len(levels) - 0.7), ylim=(0, 1))
    ax.set_xticks(x, [word(level).replace("-", "−") if level else "0" for level in levels])
    format_axis_percent(ax.yaxis, 3)
    _strip(fig, box, context.sample.pixels, function, levels)


def _strip(fig: ThemedFigure, box: Box, pixels: NDArray[Any], function: Transform, levels: tuple[float, ...]) -> None:
    """The chosen image at each level, below the tick labels."""
    tiles = np.stack([to_display(apply_transform(function, pixels[None], level)[0]) for level in levels])
    step = (box.w - 62) / (len(levels) - 0.4)
    side = STRIP - 4
    wide = side * tiles.shape[2] / tiles.shape[1]
    start = box.x + 54 + 0.3 * step - wide / 2
    place = Box(start, box.y + box.h - side, step * (len(levels) - 1) + wide, side)
    image_grid(
        fig, place, tiles, columns=len(levels), pixel=side / tiles.shape[1], gap=step - wide, frame=True, align=(0.5, 0)
    )

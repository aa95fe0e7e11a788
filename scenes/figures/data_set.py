"""Data set

Images that {run} ({network}) was evaluated on: number per class, mean image of each class, pixel values, and the most
similar pairs of different classes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.context import SceneContext
from netcore.core.formatting import format_count, format_shape, format_subset
from netcore.core.run import Examples
from netcore.viz.mpl.axes import add_chart, format_axis_percent
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_subtitle, add_text, ellipsize, text_width

NEEDS = ("examples",)
ORDER = 22
MAX_CLASSES = 20
EXAMPLES = "example image"


def draw(fig: ThemedFigure, context: SceneContext, *, pairs: int = 5) -> None:
    """Draw the four panels.

    Parameters
    ----------
    pairs : int
        Number of similar pairs.
    """
    examples = context.examples()
    labels, source = _labels(context)
    classes = format_count(len(context.classes), "class")
    words = f"{format_count(len(labels), source)} of {classes}, {format_shape(context.input_shape)}"
    if source != EXAMPLES:
        words += f" · means, pixels, pairs: {format_count(len(examples.labels), EXAMPLES)}"
    name = context.dataset_name or "of " + context.display_name
    body, _ = add_heading(fig, f"Data set {name}", words)
    upper, lower = body.rows(1, 1, gap=22)
    (counts, means), (bright, alike) = upper.columns(1, 1.05, gap=34), lower.columns(1, 1.05, gap=34)
    _counts(fig, counts, labels, context.classes)
    _means(fig, means, examples, context.classes)
    _brightness(fig, bright, examples.images)
    _alike(fig, alike, examples, context.classes, pairs)


def _labels(context: SceneContext) -> tuple[NDArray[Any], str]:
    """True classes of the images evaluated, else of the example images."""
    if context.evaluations and len(stored := context.evaluation().labels):
        return stored.astype(np.int64), "held-out image"
    return context.examples().labels, EXAMPLES


def _counts(fig: ThemedFigure, box: Box, labels: NDArray[Any], classes: list[str]) -> None:
    room = (box.w - 62) / len(classes) - 4
    every = len(classes) <= MAX_CLASSES and max(text_width(fig, name) for name in classes) <= room
    ax = add_chart(fig, box, "Images per class", left=54)
    count = np.bincount(labels, minlength=len(classes))
    ax.bar(range(len(classes)), count, width=0.75, color=fig.theme.positive)
    ax.set_xticks(*((range(len(classes)), classes) if every else ([], [])))
    if not every:
        ax.set_xlabel(f"{len(classes)} classes")
        ax.xaxis.labelpad = 4
    ax.set_xlim(-0.6, len(classes) - 0.4)
    ax.locator_params(axis="y", nbins=4)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _means(fig: ThemedFigure, box: Box, examples: Examples, classes: list[str]) -> None:
    present = np.flatnonzero(np.bincount(examples.labels, minlength=len(classes)))[:MAX_CLASSES]
    of = "" if len(present) == len(classes) else format_subset(len(present), len(classes), "class")
    add_subtitle(fig, box, "Mean images", of)
    tiles = [to_display(examples.images[examples.labels == k].mean(0).round().astype(np.uint8)) for k in present]
    image_grid(fig, box.inset(top=30), np.stack(tiles), frame=True, gap=5)


def _brightness(fig: ThemedFigure, box: Box, images: NDArray[Any]) -> None:
    heights, edges = np.histogram(images, bins=32, range=(0, 256))
    uneven = heights.max() > 30 * max(1, heights.min())
    words = "share of pixels" + (", logarithmic" if uneven else "")
    ax = add_chart(fig, box, "Pixel values", words, left=54)
    ax.bar(edges[:-1], heights / images.size, width=8, align="edge", color=fig.theme.positive)
    ax.set(xlim=(0, 256), xticks=[0, 128, 255])
    if uneven:
        ax.set_yscale("log")
        ax.minorticks_off()
    format_axis_percent(ax.yaxis, 4)
    if ax.get_yscale() == "log":
        low, high = ax.get_ylim()
        ax.set_yticks([t for t in (0.0001, 0.001, 0.01, 0.1, 1) if low <= t <= high])


def _alike(fig: ThemedFigure, box: Box, examples: Examples, classes: list[str], most: int) -> None:
    from scipy.spatial.distance import cdist

    add_subtitle(fig, box, "Similar pairs", "nearest of different classes")
    flat = examples.images.reshape(len(examples.images), -1) / 255
    distance = cdist(flat, flat)
    distance[examples.labels[:, None] == examples.labels[None]] = np.inf
    found: list[tuple[int, int]] = []
    while len(found) < most and np.isfinite(distance).any():
        i, j = np.unravel_index(distance.argmin(), distance.shape)
        found.append((int(i), int(j)))
        distance[[i, j]] = np.inf
        distance[:, [i, j]] = np.inf
    if not found:
        add_text(fig, box.x, box.y + 30, "all example images have the same class", color=fig.theme.muted)
        return
    tiles = np.stack([to_display(examples.images[i]) for pair in zip(*found, strict=True) for i in pair])
    names = [[classes[examples.labels[i]] for i in pair] for pair in found]
    short = max(text_width(fig, ", ".join(pair)) for pair in names) < 45
    place = box.inset(top=30, bottom=26 if short else 44)
    grid = image_grid(fig, place, tiles, columns=len(found), frame=True, gap=5)
    for column, pair in enumerate(names):
        place = grid.image_box(len(found) + column)
        for row, text in enumerate([", ".join(pair)] if short else pair):
            y = place.y + place.h + 6 + 18 * row
            add_text(
                fig,
                place.x + place.w / 2,
                y,
                ellipsize(fig, text, place.w + 3, keep="end"),
                ha="center",
                color=fig.theme.muted,
            )

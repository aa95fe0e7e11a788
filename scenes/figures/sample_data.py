"""Sample images

Images that {run} ({network}) was evaluated on, one row per class; several data sets side by side.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.context import SceneContext
from netcore.core.formatting import format_subset
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import ImageGrid, image_grid, to_display
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_subtitle, add_text, ellipsize, text_width

NEEDS = ("examples",)
ORDER = 20
MAX_CLASSES = 10
SIDE = 88.0  # units, at most


def draw(fig: ThemedFigure, context: SceneContext, *, images: int = 18) -> None:
    """Draw one row per class.

    Parameters
    ----------
    images : int
        Maximum number of images per class.
    """
    classes = context.classes
    sets = _sets(context)
    present = sorted({int(k) for _, _, labels in sets for k in labels})[:MAX_CLASSES]
    total = sum(len(pixels) for _, pixels, _ in sets)
    body, note = add_heading(fig, f"Sample images of {context.display_name}", " ")
    names = min(130, max(text_width(fig, classes[k]) for k in present))
    top = 26 if len(sets) > 1 else 0
    body = replace(body, h=min(body.h, top + (SIDE + 3) * len(present)))
    parts = body.inset(left=names + 12, top=top).columns(*[1] * len(sets), gap=24)
    drawn = 0
    for (name, pixels, labels), part in zip(sets, parts, strict=True):
        if len(sets) > 1:
            add_subtitle(fig, Box(part.x, body.y - 4, part.w, 20), name)
        grid, count = _grid(fig, part, pixels, labels, present, images)
        drawn += count
        for row, k in enumerate(present if part is parts[0] else ()):
            place = grid.image_box(row * grid.columns)
            y = place.y + place.h / 2
            add_text(fig, body.x + names, y, ellipsize(fig, classes[k], names), ha="right", va="center_baseline")

    of = format_subset(len(present), len(classes), "class")
    note.set_text(f"{format_subset(drawn, total, 'stored image')}, of {of}")


def _sets(context: SceneContext) -> list[tuple[str, NDArray[np.uint8], NDArray[np.int64]]]:
    """Return name, images and labels of each data set: the run's examples and those stored by other evaluations."""
    examples = context.examples()
    home = context.dataset_name or "examples"
    found = [(home, examples.images, examples.labels)]
    for name in context.evaluations:
        extra = context.evaluation(name).extra
        if name != home and "sample_images" in extra:
            found.append((name, extra["sample_images"], extra["sample_labels"]))
    return found[:3]


def _grid(
    fig: ThemedFigure, box: Box, pixels: NDArray[Any], labels: NDArray[Any], present: list[int], most: int
) -> tuple[ImageGrid, int]:
    side = (box.h - 3 * (len(present) - 1)) / len(present)
    columns = max(1, min(most, int((box.w + 3) / (side * pixels.shape[3] / pixels.shape[2] + 3))))
    tiles = np.stack([to_display(p) for p in pixels])
    empty = np.zeros_like(tiles[0])
    rows = [[tiles[i] for i in np.flatnonzero(labels == k)[:columns]] for k in present]
    columns = max(len(row) for row in rows)
    laid = [tile for row in rows for tile in row + [empty] * (columns - len(row))]
    grid = image_grid(fig, box, np.stack(laid), columns=columns, pixel=side / tiles.shape[1], gap=3)
    return grid, sum(map(len, rows))

"""Sample images

Held-out images of {run} ({network}), one row per class, each with its number for `--index`; other data sets that it was
evaluated on beside them.
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
    sets, muted = _sets(context), fig.theme.muted
    present = sorted({int(k) for _, _, labels in sets for k in labels})[:MAX_CLASSES]
    total = sum(len(pixels) for _, pixels, _ in sets)
    body, note = add_heading(fig, f"Sample images of {context.run_name}", " ")
    names = min(130, max(text_width(fig, classes[k]) for k in present))
    top = 26 if len(sets) > 1 else 0
    body = replace(body, h=min(body.h, top + (SIDE + 3) * len(present)))
    parts = body.inset(left=names + 12, top=top).columns(*[1] * len(sets), gap=24)
    drawn = 0
    for (name, pixels, labels), part in zip(sets, parts, strict=True):
        if len(sets) > 1:
            add_subtitle(fig, Box(part.x, body.y - 4, part.w, 20), name)
        grid, which = _grid(fig, part, pixels, labels, present, images, part is parts[0])
        drawn += len(which)
        for cell, i in which if part is parts[0] else ():
            place = grid.image_box(cell)
            add_text(fig, place.x + place.w + 3, place.y + place.h / 2, str(i), va="center_baseline", color=muted)
        for row, k in enumerate(present if part is parts[0] else ()):
            place = grid.image_box(row * grid.columns)
            y = place.y + place.h / 2
            add_text(fig, body.x + names, y, ellipsize(fig, classes[k], names), ha="right", va="center_baseline")

    of = format_subset(len(present), len(classes), "class")
    note.set_text(f"{format_subset(drawn, total, 'stored image')}, of {of} · numbers: for --index")


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
    fig: ThemedFigure,
    box: Box,
    pixels: NDArray[Any],
    labels: NDArray[Any],
    present: list[int],
    most: int,
    numbered: bool,
) -> tuple[ImageGrid, list[tuple[int, int]]]:
    """Draw the images; return the grid, and cell and index of each image."""
    side = (box.h - 3 * (len(present) - 1)) / len(present)
    gap = text_width(fig, str(len(pixels) - 1)) + 9 if numbered else 3.0
    columns = max(1, min(most, int((box.w + 3) / (side * pixels.shape[3] / pixels.shape[2] + gap))))
    tiles = np.stack([to_display(p) for p in pixels])
    rows = [np.flatnonzero(labels == k)[:columns] for k in present]
    columns = max(len(row) for row in rows)
    which = [(columns * r + c, int(i)) for r, row in enumerate(rows) for c, i in enumerate(row)]
    laid = np.zeros((columns * len(rows), *tiles.shape[1:]), tiles.dtype)
    for cell, i in which:
        laid[cell] = tiles[i]
    grid = image_grid(fig, box, laid, columns=columns, pixel=side / tiles.shape[1], gap=gap, lead=3)
    return grid, which

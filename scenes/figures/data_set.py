"""The data set

What the images are like that {run} ({network}) was tried on: images a class, the mean image of each class, how bright
the pixels are, and pairs of different classes that look most alike.
"""

import numpy as np

from netcore.core.formatting import format_count, format_shape, format_subset
from netcore.stage.mosaic import image_grid, shown
from netcore.stage.plot import Box, chart, fit, heading, percents, subtitle, width, write

NEEDS = ("examples",)
ORDER = 22
MOST = 20  # classes that fit
EXAMPLES = "example image"


def draw(fig, case, *, pairs: int = 5):
    """Draw the four panels.

    Parameters
    ----------
    pairs : int
        How many pairs of look-alikes.
    """
    examples = case.examples()
    labels, source = _labels(case)
    words = f"{counted(len(labels), source)} of {counted(len(case.classes), 'class')}, {shape_words(case.input_shape)}"
    if source != EXAMPLES:
        words += f" · all but the counts: of {counted(len(examples.labels), EXAMPLES)}"
    name = case.dataset_name or "the data"
    body, _ = heading(fig, f"The images of {name}", words)
    upper, lower = body.rows(1, 1, gap=22)
    (counts, means), (bright, alike) = upper.columns(1, 1.05, gap=34), lower.columns(1, 1.05, gap=34)
    _counts(fig, counts, labels, case.classes)
    _means(fig, means, examples, case.classes)
    _brightness(fig, bright, examples.images)
    _alike(fig, alike, examples, case.classes, pairs)


def _labels(case) -> tuple[np.ndarray, str]:
    """True classes of as many images as the run tells of."""
    if case.evaluations and len(stored := case.evaluation().labels):
        return stored.astype(np.int64), "held-out image"
    return case.examples().labels, EXAMPLES


def _counts(fig, box: Box, labels: np.ndarray, classes: list[str]) -> None:
    room = (box.w - 62) / len(classes) - 4
    every = len(classes) <= MOST and max(width(fig, name) for name in classes) <= room
    ax = chart(fig, box, "Images per class", left=54)
    count = np.bincount(labels, minlength=len(classes))
    ax.bar(range(len(classes)), count, width=0.75, color=fig.theme.positive)
    ax.set_xticks(*((range(len(classes)), classes) if every else ([], [])))
    if not every:
        ax.set_xlabel(f"{len(classes)} classes")
        ax.xaxis.labelpad = 4
    ax.set_xlim(-0.6, len(classes) - 0.4)
    ax.locator_params(axis="y", nbins=4)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _means(fig, box: Box, examples, classes: list[str]) -> None:
    present = np.flatnonzero(np.bincount(examples.labels, minlength=len(classes)))[:MOST]
    of = "" if len(present) == len(classes) else format_subset(len(present), len(classes), "class")
    subtitle(fig, box, "Mean images", of)
    tiles = [shown(examples.images[examples.labels == k].mean(0).round().astype(np.uint8)) for k in present]
    image_grid(fig, box.inset(top=30), np.stack(tiles), frame=True, gap=5)


def _brightness(fig, box: Box, images: np.ndarray) -> None:
    heights, edges = np.histogram(images, bins=32, range=(0, 256))
    uneven = heights.max() > 30 * max(1, heights.min())
    words = "share of pixels" + (", logarithmic" if uneven else "")
    ax = chart(fig, box, "Pixel values", words, left=54)
    ax.bar(edges[:-1], heights / images.size, width=8, align="edge", color=fig.theme.positive)
    ax.set(xlim=(0, 256), xticks=[0, 128, 255])
    if uneven:
        ax.set_yscale("log")
        ax.minorticks_off()
    percents(ax.yaxis, 4)
    if ax.get_yscale() == "log":
        low, high = ax.get_ylim()
        ax.set_yticks([t for t in (0.0001, 0.001, 0.01, 0.1, 1) if low <= t <= high])


def _alike(fig, box: Box, examples, classes: list[str], most: int) -> None:
    from scipy.spatial.distance import cdist

    subtitle(fig, box, "Look-alikes", "nearest of different classes")
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
        write(fig, box.x, box.y + 30, "all stored images are of one class", color=fig.theme.muted)
        return
    tiles = np.stack([shown(examples.images[i]) for pair in zip(*found, strict=True) for i in pair])
    names = [[classes[examples.labels[i]] for i in pair] for pair in found]
    short = max(width(fig, ", ".join(pair)) for pair in names) < 45
    place = box.inset(top=30, bottom=26 if short else 44)
    mosaic = image_grid(fig, place, tiles, columns=len(found), frame=True, gap=5)
    for column, pair in enumerate(names):
        place = mosaic.place(len(found) + column)
        for row, text in enumerate([", ".join(pair)] if short else pair):
            y = place.y + place.h + 6 + 18 * row
            write(
                fig,
                place.x + place.w / 2,
                y,
                fit(fig, text, place.w + 3, keep="end"),
                ha="center",
                color=fig.theme.muted,
            )

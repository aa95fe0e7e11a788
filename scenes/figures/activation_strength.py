"""Activation magnitude by layer

Mean and largest magnitude of each layer's activations in {run} ({network}, {snapshot}) for one image, and the share of
units that are not 0. Marks: mean over the example images.
"""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_count, format_number, format_percent
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_subtitle, add_text, ellipsize, text_width
from netcore.viz.mpl.timeline import frame_index

NEEDS = ("examples", "hidden")
ORDER = 62
ANIMATED = True
MAX_LAYERS = 9
ROW = 72.0  # units, at most
NUMBERS = 62.0  # units for them
MEASURES = (("Mean", "|a|"), ("Maximum", "|a|"), ("Active units", "a ≠ 0"))


def draw(fig: ThemedFigure, context: SceneContext, *, images: int = 20, seconds: float = 8.0) -> Update:
    """Draw three bars per layer.

    Parameters
    ----------
    images : int
        Number of images in the animation; the chosen one comes last.
    seconds : float
        Duration of the animation.
    """
    trace, examples = context.trace(), context.examples()
    found = graph_of_trace(trace).value_blocks(MAX_LAYERS, output=False)
    if not found:
        raise RequirementError("the network has no hidden layer: use model-graph")
    nodes = tuple(block.output for block in found)
    others = [k for k, image in enumerate(examples.images) if not np.array_equal(image, trace.pixels)]
    others = others[: max(0, images - 1)]
    values = context.predict_batch(examples.images, nodes)
    every = np.stack([_measures(values[node]) for node in nodes], axis=1)  # (3, layers, images)
    chosen = np.stack([_measures(trace.value(node)[None]) for node in nodes], axis=1)
    along = np.concatenate([every[..., others], chosen], axis=2)
    pictures = [to_display(pixels) for pixels in [*examples.images[others], trace.pixels]]
    labels = [*examples.labels[others], trace.label]

    body, note = add_heading(fig, f"Activation magnitude by layer of {context.display_name}")
    left, right = body.columns(1, 4.2, gap=30)
    add_subtitle(fig, left, "Image")
    digit = image_grid(fig, left.inset(top=32), pictures[-1][None], columns=1, frame=True)
    right = Box(right.x, right.y, right.w, min(right.h, 60 + ROW * len(found)))
    names = min(130, max(text_width(fig, block.short) for block in found))
    for row, block in enumerate(found):
        y = right.y + 32 + (row + 0.5) * (right.h - 58) / len(found)
        add_text(fig, right.x + names, y, ellipsize(fig, block.short, names), ha="right", va="center_baseline")
    places = right.inset(left=names + 10).columns(1, 1, 1, gap=26)
    bars = [_Bars(fig, place, m, every[m].mean(1), along[m].max()) for m, place in enumerate(places)]
    words = f"mean over {format_count(len(examples.labels), 'example image')}"
    add_text(fig, places[0].x, right.y + right.h - 16, f"▎ {words}", color=fig.theme.emphasis)

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(pictures))
        label = "" if labels[i] is None else f" of class {context.classes[int(labels[i])]}"
        note.set_text(f"image{label} · {trace.snapshot}")
        moved = [artist for bar, measured in zip(bars, along, strict=True) for artist in bar.update(measured[:, i])]
        return [digit.set(pictures[i][None]), note, *moved]

    update(1.0)
    return update


def _measures(values: NDArray[Any]) -> NDArray[Any]:
    """Mean and largest magnitude, and share of units away from 0, of outputs (N, …): (3, N)."""
    flat = np.abs(values.reshape(len(values), -1))
    return np.stack([flat.mean(1), flat.max(1), (flat > 1e-6).mean(1)])


class _Bars:
    """One measure of all layers: bars, marks at the means, and the bars' numbers in a column of their own."""

    def __init__(self, fig: ThemedFigure, box: Box, measure: int, means: NDArray[Any], largest: float) -> None:
        theme, rows = fig.theme, np.arange(len(means))
        self.share = measure == 2
        self.top = 1.0 if self.share else max(1e-9, float(largest), float(means.max()))
        add_subtitle(fig, box, *MEASURES[measure])
        inner = box.inset(top=32, right=NUMBERS, bottom=26)
        ax = add_axes(fig, inner, xlim=(0, self.top), ylim=(len(means) - 0.5, -0.5))
        ax.axis("off")
        ax.axvline(0, color=theme.muted, linewidth=1)
        self.bars = ax.barh(rows, 0 * means, height=0.5, color=theme.positive).patches
        ax.vlines(means, rows - 0.4, rows + 0.4, color=theme.emphasis, linewidth=2, clip_on=False)
        step = inner.h / len(means)
        places = [(box.x + box.w, inner.y + (row + 0.5) * step) for row in rows]
        self.texts = [add_text(fig, *place, "", ha="right", va="center_baseline") for place in places]

    def update(self, values: NDArray[Any]) -> list[Artist]:
        for value, bar, text in zip(values, self.bars, self.texts, strict=True):
            bar.set_width(value)
            text.set_text(format_percent(value, 0) if self.share else format_number(value))
        return [*self.bars, *self.texts]

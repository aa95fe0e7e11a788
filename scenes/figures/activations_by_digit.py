"""Activations by class

Mean activation of hidden neurons of {run} ({network}, {snapshot}) over the example images of each class. The neurons
shown are those whose means differ most between classes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.units import top_k
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_count, format_subset
from netcore.viz.colors import abs_limit, blend
from netcore.viz.mpl.axes import add_axes, add_colorbar
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging, sequential
from netcore.viz.mpl.image_grid import show_pixels
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_text, ellipsize, text_width

NEEDS = ("examples", "hidden")
ORDER = 58
MAX_CLASSES = 16


def draw(fig: ThemedFigure, context: SceneContext, *, layer: str = "", neurons: int = 24) -> None:
    """Draw one row per class and one column per neuron.

    Parameters
    ----------
    layer : str
        Name of the layer; default: the last hidden one. A feature map counts with its mean.
    neurons : int
        Maximum number of neurons.
    """
    graph = graph_of_trace(context.trace())
    hidden = graph.value_blocks(output=False)
    if not layer and not hidden:
        raise RequirementError("the network has no hidden layer: use model-graph")
    block = graph[layer] if layer else hidden[-1]
    examples = context.examples()
    outputs = context.predict_batch(examples.images, (block.output,))[block.output]
    axis = 1 if block.unit_axis is None else block.unit_axis + 1
    moved = np.moveaxis(outputs, axis, 1)  # (N, units, ...)
    values = moved.reshape(*moved.shape[:2], -1).mean(2)  # (N, units)
    present = np.flatnonzero(np.bincount(examples.labels, minlength=len(context.classes)))[:MAX_CLASSES]
    means = np.stack([values[examples.labels == k].mean(0) for k in present])  # (classes, neurons)
    chosen = top_k(means.std(0), neurons)
    chosen = chosen[np.argsort(means[:, chosen].argmax(0), kind="stable")]  # by the class of the highest mean
    table = means[:, chosen]

    unit = block.unit_word
    words = format_subset(len(chosen), means.shape[1], unit)
    words += ", those that differ most" if len(chosen) < means.shape[1] else ""
    words += f" · means over {format_count(len(examples.labels), 'example image')}"
    words += (
        f", {format_subset(len(present), len(context.classes), 'class')}" if len(present) < len(context.classes) else ""
    )
    body, _ = add_heading(fig, f"Mean activation by class, {block.title} of {context.display_name}", words)
    _table(fig, body, table, chosen, [context.classes[k] for k in present], unit)


def _table(
    fig: ThemedFigure, body: Box, table: NDArray[Any], chosen: NDArray[Any], classes: list[str], unit: str
) -> None:
    rows, columns = table.shape
    signed = bool(table.min() < 0)
    cmap, limit = (diverging if signed else sequential)(fig.theme), abs_limit(table)
    names = min(140, max(text_width(fig, name) for name in ["class", *classes]))
    room = body.inset(left=names + 10, top=22, bottom=76)
    high = text_width(fig, f"{chosen.max()}")  # of numbers set upright if they are wider than a column
    upright = room.w / columns < high + 6
    room = room.inset(bottom=high - 16 if upright else 0)
    tall, wide = min(44, room.h / rows), min(64, room.w / columns)
    inner = Box(room.x, room.y, wide * columns, tall * rows)
    ax = add_axes(fig, inner)
    show_pixels(ax, table, cmap, -limit * signed, limit)
    line: dict[str, Any] = {"color": blend(fig.theme, "background", "faint", 0.6), "linewidth": 1}
    for k in range(rows + 1):
        ax.axhline(k - 0.5, **line)
    for k in range(columns + 1):
        ax.axvline(k - 0.5, **line)
    add_text(fig, body.x + names, body.y, "class", ha="right", color=fig.theme.muted)
    for row, name in enumerate(classes):
        y = inner.y + (row + 0.5) * tall
        add_text(fig, body.x + names, y, ellipsize(fig, name, names), ha="right", va="center_baseline")
    numbers = wide > 18
    add_text(fig, inner.x, body.y, f"{unit} index →" if numbers else f"{unit}s →", color=fig.theme.muted)
    if numbers:
        for column, k in enumerate(chosen):
            x = inner.x + (column + 0.5) * wide
            add_text(fig, x, inner.y + inner.h + 6, str(k), ha="center", color=fig.theme.muted, rotation=90 * upright)
    bar = Box(inner.x, inner.y + inner.h + (high + 16 if upright and numbers else 32), 240, 44)
    add_colorbar(fig, bar, cmap, -limit * signed, limit, "mean activation")

"""Convolution kernels

Kernels of a convolution of {run} ({network}) at {snapshot}; blue: positive weights, orange: negative weights.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from netcore.analysis.graph_builder import find_layer_title
from netcore.analysis.history import shown_snapshots
from netcore.core.context import SceneContext
from netcore.core.errors import unknown_name
from netcore.core.formatting import format_shape, format_subset
from netcore.viz.colors import abs_limit
from netcore.viz.mpl.axes import add_colorbar
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging
from netcore.viz.mpl.image_grid import image_grid
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading
from netcore.viz.mpl.timeline import Timeline, frame_index

NEEDS = ("convolution",)
ORDER = 54
ANIMATED = True


def draw(
    fig: ThemedFigure, context: SceneContext, *, layer: str = "", kernels: int = 64, seconds: float = 6.0
) -> Update:
    """Draw the kernels as one grid.

    Parameters
    ----------
    layer : str
        Name of the convolution; default: the first one.
    kernels : int
        Maximum number of kernels of a first layer; those of the largest norm are shown.
    seconds : float
        Duration of the animation.
    """
    theme = fig.theme
    snapshots = shown_snapshots(context)
    final = context.layer_weights(snapshots[-1], 4)
    layer = layer or next(iter(final), "")
    if layer not in final:
        raise unknown_name("convolution", layer, final)
    choose, columns, words = _choice(final[layer], kernels)
    over_time = [choose(context.layer_weights(s, 4, [layer])[layer]) for s in snapshots]
    limit = abs_limit(np.stack(over_time))

    title = find_layer_title(context.layers, context.input_shape, layer)
    body, _ = add_heading(fig, f"Convolution kernels of {title}, {context.run_name}", words)
    upper, lower = body.inset(bottom=62), Box(body.x, body.y + body.h - 46, body.w, 46)
    gap = 10 if final[layer].shape[1] == 1 else 12
    settings: dict[str, Any] = {"cmap": diverging(theme), "vmin": -limit, "vmax": limit, "frame": True, "gap": gap}
    grid = image_grid(fig, upper, over_time[-1], columns=columns, align=(0.5, 0.5), **settings)
    scale, time = lower.columns(0.9, 2, gap=40)
    add_colorbar(fig, scale, diverging(theme), -limit, limit, "weight")
    timeline = Timeline(fig, time, context, snapshots)

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(snapshots))
        return [grid.set(over_time[i]), *timeline.update(i)]

    update(1.0)
    return update


def _choice(weight: NDArray[Any], most: int) -> tuple[Callable[[NDArray[Any]], NDArray[Any]], int | None, str]:
    """Return how to pick the kernels of a weight (out, in, h, w), the number of columns, and a description.

    With one input map there is one kernel per output map; a few input maps (colors) are joined into a strip; with many,
    output maps are columns and input maps rows.
    """
    outputs, inputs, h, w = weight.shape
    norm = np.linalg.norm(weight.reshape(outputs, inputs, -1), axis=2)
    if inputs <= 4:
        order = np.sort(np.argsort(-norm.sum(1))[:most])
        words = f"{format_subset(len(order), outputs, 'kernel')} of {h}×{w}"
        if inputs == 1:
            words += " · blue: positive weights, orange: negative weights"
        else:
            words += f", the {inputs} input channels one below the other"
        return lambda k: k[order].reshape(len(order), inputs * h, w), None, words
    across = np.sort(np.argsort(-norm.sum(1))[:28])
    down = np.sort(np.argsort(-norm.sum(0))[:12])
    words = f"kernels of {format_shape((h, w))}: {format_subset(len(across), outputs, 'output map')} across, "
    words += f"{format_subset(len(down), inputs, 'input map')} down, largest norms"
    return lambda k: k[np.ix_(across, down)].transpose(1, 0, 2, 3).reshape(-1, h, w), len(across), words

"""First-layer weights

Weights of the neurons of the first layer of {run} ({network}) at {snapshot}, one image per neuron; blue: positive
weights, orange: negative weights.
"""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from netcore.analysis.graph_builder import find_layer_title
from netcore.analysis.history import shown_snapshots
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_subset
from netcore.core.run import Snapshot
from netcore.viz.colors import abs_limit
from netcore.viz.mpl.axes import add_colorbar
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging
from netcore.viz.mpl.image_grid import image_grid
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading
from netcore.viz.mpl.timeline import Timeline, frame_index

NEEDS = ("dense-first",)
ORDER = 52
ANIMATED = True


def draw(fig: ThemedFigure, context: SceneContext, *, neurons: int = 24, seconds: float = 6.0) -> Update:
    """Draw the weights of first-layer neurons as one grid.

    Parameters
    ----------
    neurons : int
        Maximum number of neurons; those with the largest outgoing weights are shown.
    seconds : float
        Duration of the animation.
    """
    theme = fig.theme
    snapshots = shown_snapshots(context)
    matrices = context.layer_weights(snapshots[-1], 2)
    if not matrices:
        raise RequirementError("the first layer is not of torch.nn: use nn.Linear in the network, or model-graph")
    layer, shape = next(iter(matrices)), context.input_shape
    if matrices[layer].shape[1] != np.prod(shape):
        raise RequirementError(
            f"the first dense layer of '{context.run_name}' does not read the pixels: use model-graph"
        )
    order = _most_used(list(matrices.values()), neurons)

    def images(snapshot: Snapshot) -> NDArray[Any]:  # (neurons, H, W), the mean over colours
        weight = context.layer_weights(snapshot, 2, [layer])[layer][order]
        return weight.reshape(-1, *shape).mean(1)

    over_time = [images(s) for s in snapshots]
    limit = abs_limit(over_time[-1], 0.998)
    words = format_subset(len(order), len(matrices[layer]), "neuron")
    words += ", largest outgoing weights" if len(order) < len(matrices[layer]) else ""
    words += " · blue: positive, orange: negative" + (" (mean of 3 color channels)" if shape[0] == 3 else "")
    title = find_layer_title(context.layers, context.input_shape, layer)
    body, _ = add_heading(fig, f"First-layer weights ({title}) of {context.run_name}", words)
    upper, lower = body.inset(bottom=62), Box(body.x, body.y + body.h - 46, body.w, 46)
    settings: dict[str, Any] = {"cmap": diverging(theme), "vmin": -limit, "vmax": limit, "frame": True}
    grid = image_grid(fig, upper, over_time[-1], align=(0.5, 0.5), **settings)
    scale, time = lower.columns(0.9, 2, gap=40)
    add_colorbar(fig, scale, diverging(theme), -limit, limit, "weight", clipped=True)
    timeline = Timeline(fig, time, context, snapshots)

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(snapshots))
        return [grid.set(over_time[i]), *timeline.update(i)]

    update(1.0)
    return update


def _most_used(matrices: list[NDArray[Any]], most: int) -> NDArray[Any]:
    """Return the first-layer neurons with the largest outgoing weights (incoming ones in a network of one layer)."""
    used = np.linalg.norm(matrices[1], axis=0) if len(matrices) > 1 else np.linalg.norm(matrices[0], axis=1)
    return np.sort(np.argsort(-used, kind="stable")[:most])

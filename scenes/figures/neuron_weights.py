"""First-layer weights

Weights of the neurons of the first layer of {run} ({network}) at {snapshot}, one image per neuron; blue: positive
weights, orange: negative weights. Beside them, the weights of one neuron times the pixels of the image, and their sum.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.graph_builder import find_layer_title
from netcore.analysis.history import shown_snapshots
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_subset
from netcore.core.run import Snapshot
from netcore.viz.colors import abs_limit
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading
from netcore.viz.mpl.weight_figure import draw_weights, work_out

NEEDS = ("dense-first",)
ORDER = 52
ANIMATED = True


def draw(fig: ThemedFigure, context: SceneContext, *, neurons: int = 12, seconds: float = 6.0) -> Update:
    """Draw the weights of first-layer neurons, and what one of them makes of the image.

    Parameters
    ----------
    neurons : int
        Maximum number of neurons; those with the largest outgoing weights are shown.
    seconds : float
        Duration of the animation.
    """
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
    worked = work_out(context, layer, order)
    marked = None if worked is None else order.tolist().index(worked.at[0])
    return draw_weights(fig, body, context, snapshots, over_time, worked, marked, "neuron", limit=limit, clipped=True)


def _most_used(matrices: list[NDArray[Any]], most: int) -> NDArray[Any]:
    """Return the first-layer neurons with the largest outgoing weights (incoming ones in a network of one layer)."""
    used = np.linalg.norm(matrices[1], axis=0) if len(matrices) > 1 else np.linalg.norm(matrices[0], axis=1)
    return np.sort(np.argsort(-used, kind="stable")[:most])

"""Convolution kernels

Kernels of a convolution of {run} ({network}) at {snapshot}; blue: positive weights, orange: negative weights.
Beside them, one kernel times the framed window of the image, and its sum.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.graph_builder import find_layer_title
from netcore.analysis.history import shown_snapshots
from netcore.analysis.unit_sum import FEW
from netcore.core.context import SceneContext
from netcore.core.errors import unknown_name
from netcore.core.formatting import format_shape, format_subset
from netcore.viz.colors import abs_limit
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading
from netcore.viz.mpl.weight_figure import draw_weights, work_out

NEEDS = ("convolution",)
ORDER = 54
ANIMATED = True
ACROSS, DOWN = 12, 9  # output and input maps of a deeper layer


def draw(
    fig: ThemedFigure, context: SceneContext, *, layer: str = "", kernels: int = 20, seconds: float = 6.0
) -> Update:
    """Draw the kernels as one grid, and what one of them makes of the image.

    Parameters
    ----------
    layer : str
        Name of the convolution; default: the first one.
    kernels : int
        Maximum number of kernels of a first layer; those of the largest norm are shown.
    seconds : float
        Duration of the animation.
    """
    snapshots = shown_snapshots(context)
    final = context.layer_weights(snapshots[-1], 4)
    layer = layer or next(iter(final), "")
    if layer not in final:
        raise unknown_name("convolution", layer, final)
    chosen = _choice(final[layer], kernels)
    over_time = [chosen.images(context.layer_weights(s, 4, [layer])[layer]) for s in snapshots]
    limit = abs_limit(np.stack(over_time))

    title = find_layer_title(context.layers, context.input_shape, layer)
    body, _ = add_heading(fig, f"Convolution kernels of {title}, {context.run_name}", chosen.words)
    worked = work_out(context, layer, chosen.outputs, chosen.inputs)
    marked = None if worked is None else chosen.tile(worked.at[0], worked.last.channel)
    gap = 10 if final[layer].shape[1] == 1 else 6
    return draw_weights(
        fig, body, context, snapshots, over_time, worked, marked, "kernel", limit=limit, columns=chosen.columns, gap=gap
    )


@dataclass(frozen=True)
class _Choice:
    """Kernels that are shown: output maps, and input maps if each of a few has a row (else all are in one tile)."""

    outputs: NDArray[np.int_]
    inputs: NDArray[np.int_] | None
    words: str

    @property
    def columns(self) -> int | None:
        """Tiles in a row, None for as many as fit best."""
        return None if self.inputs is None else len(self.outputs)

    def images(self, weight: NDArray[Any]) -> NDArray[Any]:
        """Return the tiles (N, h, w) of a weight (out, in, h, w)."""
        _, count, h, w = weight.shape
        if self.inputs is None:
            return weight[self.outputs].reshape(len(self.outputs), count * h, w)
        return weight[np.ix_(self.outputs, self.inputs)].transpose(1, 0, 2, 3).reshape(-1, h, w)

    def tile(self, output: int, channel: int) -> int | None:
        """Return the number of the tile of an output map and an input map, None if there is none."""
        column = self.outputs.tolist().index(output)
        if self.inputs is None:
            return column
        rows = self.inputs.tolist()
        return rows.index(channel) * len(self.outputs) + column if channel in rows else None


def _choice(weight: NDArray[Any], most: int) -> _Choice:
    """Return the kernels of a weight (out, in, h, w) that are shown.

    With one input map there is one kernel per output map; a few input maps (colors) are joined into a strip; with many,
    output maps are columns and input maps rows.
    """
    outputs, inputs, h, w = weight.shape
    norm = np.linalg.norm(weight.reshape(outputs, inputs, -1), axis=2)
    if inputs <= FEW:
        order = np.sort(np.argsort(-norm.sum(1))[:most])
        words = f"{format_subset(len(order), outputs, 'kernel')} of {h}×{w}"
        if inputs == 1:
            words += " · blue: positive weights, orange: negative weights"
        else:
            words += f", the {inputs} input channels one below the other"
        return _Choice(order, None, words)
    across = np.sort(np.argsort(-norm.sum(1))[:ACROSS])
    down = np.sort(np.argsort(-norm.sum(0))[:DOWN])
    words = f"kernels of {format_shape((h, w))}: {format_subset(len(across), outputs, 'output map')} across, "
    words += f"{format_subset(len(down), inputs, 'input map')} down, largest norms"
    return _Choice(across, down, words)

"""An image moved by one pixel, and what changes by it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.regions import evenly_spaced
from netcore.core.trace import Trace

# Name, axis and step of each direction; the first whose leaving edge is uniform is taken
DIRECTIONS = (("right", 2, 1), ("left", 2, -1), ("down", 1, 1), ("up", 1, -1))


@dataclass(frozen=True)
class Shift:
    """An image (C, H, W) moved by one pixel.

    direction : ``right``, ``left``, ``down`` or ``up``.
    repeats : whether the edge was repeated; else the line that left was uniform, and comes in at the other side.
    """

    pixels: NDArray[np.uint8]
    direction: str
    repeats: bool


def shift_image(pixels: NDArray[np.uint8]) -> Shift:
    """Move an image (C, H, W) by one pixel to a side where nothing is lost, or to the right."""
    for name, axis, step in DIRECTIONS:
        edge = np.take(pixels, -1 if step > 0 else 0, axis)
        if (edge == edge[:, :1]).all():
            return Shift(np.roll(pixels, step, axis), name, False)
    moved = np.roll(pixels, 1, 2)
    moved[:, :, 0] = pixels[:, :, 0]
    return Shift(moved, "right", True)


def relative_change(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Sum of the changes' magnitudes, relative to the sum of the magnitudes before."""
    total = float(np.abs(before.astype(float)).sum())
    return float(np.abs(after.astype(float) - before).sum()) / total if total else 0.0


def pooling_changes(first: Trace, second: Trace) -> list[tuple[float, float]]:
    """Relative changes between two images before and after each pooling of a network, in order of execution."""
    poolings = [op for op in graph_of_trace(first).operations if op.role == "pooling"]
    pairs = [(op.inputs[0], op.node) for op in poolings]
    return [tuple(relative_change(first.value(n), second.value(n)) for n in pair) for pair in pairs]  # type: ignore[misc]


def layer_changes(first: Trace, second: Trace, keep: Sequence[str], limit: int = 8) -> list[tuple[str, float]]:
    """How much layers change between two images: after activation functions and poolings, from pixels to scores.

    Parameters
    ----------
    first, second : Trace
        Of the same network.
    keep : sequence of str
        Names of nodes that are always listed.
    limit : int
        Maximum number of layers; of more, evenly spaced ones.
    """
    rows = [("pixels", first.pixels.astype(float), second.pixels.astype(float))]
    graph = graph_of_trace(first)
    names: dict[str, str] = {}
    for block in graph.blocks[:-1]:
        functions = any(op.role == "activation" for op in block.operations)
        if functions or (block.kind in ("pooling", "vector") and not block.is_reshape):
            names[block.output] = block.title
    for name in keep:
        if name not in names and name != "input":
            block = graph[name]
            names.pop(block.output, None)
            names[name] = block.title
    ordered = [layer.name for layer in first.layers if layer.name in names]
    free = [name for name in ordered if name not in keep]
    chosen = {*keep, *evenly_spaced(free, max(limit - 2 - len(keep), 1))}
    rows += [(names[n], first.value(n), second.value(n)) for n in ordered if n in chosen]
    rows.append(("scores", first.logits, second.logits))
    return [(title, relative_change(a, b)) for title, a, b in rows]

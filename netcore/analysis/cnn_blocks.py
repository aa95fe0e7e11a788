"""Blocks of a convolutional network: maps, vector, dense layers."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.dense_layers import ADVICE, DenseLayer, dense_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_shape
from netcore.core.trace import Trace


@dataclass(frozen=True)
class CnnBlocks:
    """A convolutional network in three parts.

    maps : Graph, blocks of feature maps, neighbours joined if there are more than fit.
    vector : block that makes one vector of the maps.
    dense : dense layers from the vector to the logits; empty if the vector holds the logits.
    summary : how many convolutions are shown as how many blocks, empty if the numbers are equal.
    parameters : int, of the network.
    """

    maps: Graph
    vector: Block
    dense: tuple[DenseLayer, ...]
    summary: str
    parameters: int


def cnn_blocks(trace: Trace, limit: int = 8) -> CnnBlocks:
    """Read the blocks of a trace, at most `limit` of maps.

    Raises
    ------
    RequirementError
        If there is no convolution, or the maps do not become one vector that dense layers (or none) turn into logits.
    """
    graph = graph_of_trace(trace).fold("region")
    maps: list[Block] = []
    blocks = list(graph)
    while blocks and blocks[0].has_maps and not blocks[0].is_vector:
        maps.append(blocks.pop(0))
    if not any(block.convolutions for block in maps):
        raise RequirementError(f"this film needs feature maps of convolutions, the network has none: {ADVICE}")
    if not blocks or not blocks[0].is_vector:
        found = f"'{blocks[0].title}' gives {format_shape(blocks[0].shape)}" if blocks else "they are the output"
        raise RequirementError(f"this film needs feature maps that become one vector, but {found}: {ADVICE}")
    vector, *rest = blocks
    total = sum(block.convolutions for block in maps)
    fitted = replace(graph, blocks=tuple(maps)).fit(limit)
    shown = sum(block.convolutions > 0 for block in fitted)
    summary = f"{total} convolutions, shown as {len(fitted)} blocks" if shown < total else ""
    return CnnBlocks(fitted, vector, dense_layers(trace, rest), summary, graph.parameters())


def input_maps(trace: Trace, maps: Graph, block: Block) -> NDArray[np.floating]:
    """What a block of maps reads, shape (C, H, W): the output of the block before it, or the image."""
    before = next((other for other in maps.sources(block)), None)
    return before.unit_values(trace.value(before.output)) if before else trace.input


def flattened_sources(
    source_shape: tuple[int, ...], length: int, chosen: ArrayLike
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Find where entries of a flattened vector come from.

    Parameters
    ----------
    source_shape : (C, H, W)
    length : int, of the vector.
    chosen : array_like of int, shape (N,)

    Returns
    -------
    map, pixel : ndarray of int, shape (N,)
        Pixels are counted along the rows; -1 for a whole map, or an unknown map.
    """
    channels, h, w = source_shape
    chosen = np.asarray(chosen)
    if length == channels * h * w:
        return np.divmod(chosen, h * w)
    unknown = np.full(len(chosen), -1)
    return (chosen if length == channels else unknown), unknown

"""Layers of feature maps and the map of each that is followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.convolution import OutputTerms, output_terms
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.regions import evenly_spaced
from netcore.analysis.units import inherited_from, root_block, select
from netcore.core.errors import RequirementError, unknown_name
from netcore.core.trace import Trace

MAX_SOURCES = 4  # input maps of which single contributions are shown


@dataclass(frozen=True)
class MapLayer:
    """Maps of one layer for one image.

    Attributes
    ----------
    block : Block
    values : ndarray, shape (C, H, W)
    chosen : ndarray of int
        Maps that are shown, in their order.
    unit, row, column : int
        The map that is followed, and the place of its largest value.
    terms : OutputTerms or None
        What the convolution adds up at that place; None if the layer is no plain convolution.
    steps : tuple of (str, float)
        Values at that place after each function of the layer, the sum first.
    """

    block: Block
    values: NDArray[np.floating]
    chosen: NDArray[np.int_]
    unit: int
    row: int
    column: int
    terms: OutputTerms | None
    steps: tuple[tuple[str, float], ...]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        return int(self.values.shape[1]), int(self.values.shape[2])

    @property
    def position(self) -> int:
        """Place of the followed map among those that are shown."""
        return int(np.flatnonzero(self.chosen == self.unit)[0])

    @property
    def sources(self) -> NDArray[np.int_]:
        """Input maps that add most, in magnitude, at the place of the largest value."""
        if self.terms is None:
            return np.zeros(0, int)
        order = np.argsort(-np.abs(self.terms.partial_sums), kind="stable")
        return self.terms.channels[order[:MAX_SOURCES]]


def find_map_block(graph: Graph, name: str) -> Block:
    """Return the layer with maps that has a name, title, short title, or a node of this name.

    Raises
    ------
    RequirementError
        If the network has no maps.
    NetcoreError
        If no layer with maps has the name.
    """
    every = graph.map_blocks()
    if not every:
        raise RequirementError("no layer of this network gives feature maps: use prediction-pipeline or model-graph")
    names = {key: block for block in every for key in (block.output, block.title, block.short, block.name)}
    if name not in names:
        raise unknown_name("layer with maps", name, names)
    return names[name]


def map_layers(trace: Trace, blocks: Sequence[Block], counts: Mapping[str, int]) -> list[MapLayer]:
    """Read the layers of `blocks`, which have maps.

    Parameters
    ----------
    trace : Trace
    blocks : sequence of Block
        In order of execution.
    counts : mapping of str to int
        Maximum number of maps shown, by block name.
    """
    graph = graph_of_trace(trace)
    found = [_read(trace, graph, block) for block in blocks]
    keep: dict[str, set[int]] = {}
    for block, layer in zip(blocks, found, strict=True):
        wanted = [(block, {layer.unit})] + [(source, set(layer.sources.tolist())) for source in graph.sources(block)]
        for owner, units in wanted:
            while owner is not None:
                keep.setdefault(owner.name, set()).update(units)
                owner = inherited_from(graph, owner)
    for block in reversed(graph.blocks):  # a pooling shows the same maps as what it reads
        source = inherited_from(graph, block)
        if source is not None:
            keep[block.name] = keep[source.name] = keep.get(block.name, set()) | keep.get(source.name, set())
    units = select(graph, [trace], dict(counts), "variation", keep)
    return [replace(layer, chosen=np.sort(units[layer.block.name].index)) for layer in found]


def _read(trace: Trace, graph: Graph, block: Block) -> MapLayer:
    values = block.unit_values(trace.value(block.output))
    root = root_block(graph, block)
    contrast = root.unit_values(trace.value(root.output)).reshape(len(values), -1).std(1)
    unit = int(contrast.argmax())
    row, column = (int(k) for k in np.unravel_index(values[unit].argmax(), values.shape[1:]))
    layer = trace[block.main.node]
    terms: OutputTerms | None = None
    steps: tuple[tuple[str, float], ...] = ()
    if block.kind == "convolution" and layer.kind == "Conv2d" and layer.output.shape == values.shape:
        x = trace.input_of(layer)
        found = output_terms(layer, x, unit, row, column)
        if x.ndim == 3 and np.isclose(found.total, layer.output[unit, row, column], atol=1e-3, rtol=1e-3):
            terms = found
            steps = _steps(trace, block, (unit, row, column))
    return MapLayer(block, values, np.arange(len(values)), unit, row, column, terms, steps)


def _steps(trace: Trace, block: Block, at: tuple[int, int, int]) -> tuple[tuple[str, float], ...]:
    values = [(term, trace.value(node)) for term, node in block.steps]
    return tuple((term, float(value[at])) for term, value in values if value.shape == block.shape)


def vector_blocks(graph: Graph, limit: int) -> list[Block]:
    """Return the vectors between the last maps and the scores, evenly spaced ones if there are more than `limit`."""
    blocks = [b for b in graph.blocks if b.is_vector and b.unit_axis is not None and b is not graph.output]
    computed = [b for b in blocks if not b.is_reshape]
    return evenly_spaced(computed, limit)


def pooled_values(before: MapLayer, layer: MapLayer) -> NDArray[np.floating]:
    """Return the window of maps that the followed value of a pooling is made of, as far as it is inside.

    Parameters
    ----------
    before, layer : MapLayer
        The layer that the pooling reads, and the pooling.

    Returns
    -------
    ndarray, shape (rows, columns)
    """
    window = layer.block.window
    assert window is not None
    places = zip(window.reach, window.stride, window.padding, (layer.row, layer.column), before.size, strict=True)
    rows, columns = (
        [i for i in range(place * stride - padding, place * stride - padding + reach) if 0 <= i < size]
        for reach, stride, padding, place, size in places
    )
    return before.values[layer.unit][np.ix_(rows, columns)]

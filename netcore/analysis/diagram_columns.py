"""Columns of a network diagram: the image, some hidden layers, the logits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block
from netcore.analysis.contributions import contributions
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.trace import Trace


@dataclass(frozen=True)
class DiagramColumn:
    """One column: units that are neurons, or maps.

    block : Block or None, None for the image; a pooling is joined with the layer that it reads.
    size : int, number of units.
    has_maps : bool, whether a unit is a map (h, w) and not a number.
    """

    block: Block | None
    size: int
    has_maps: bool

    @property
    def name(self) -> str:
        """Short title of the layer that gives the values shown."""
        if self.block is None:
            return "input"
        return self.block.children[-1].short if self.block.children else self.block.short

    def values(self, trace: Trace) -> NDArray[np.floating]:
        """Outputs of the units, (N,) or (N, h, w); of the image one map (1, h, w) or its pixels, in [0, 1]."""
        if self.block is not None:
            value = trace.value(self.block.output)
            return self.block.unit_values(value) if self.has_maps else value.ravel()
        return trace.pixels.mean(0)[None] / 255 if self.has_maps else trace.pixels.ravel() / 255

    def activity(self, trace: Trace) -> NDArray[np.floating]:
        """Activity of each unit, (N,): magnitude of a neuron, standard deviation over a map."""
        values = self.values(trace)
        return values.std((1, 2)) if self.has_maps else np.abs(values)


def diagram_columns(trace: Trace, limit: int = 6) -> list[DiagramColumn]:
    """Choose the image, at most ``limit - 2`` hidden layers and the logits.

    Of more layers the first and the last ones are taken, so that most columns follow one another.
    """
    *hidden, output = [b for b in graph_of_trace(trace).join_poolings() if not b.is_reshape]
    if len(hidden) > limit - 2:
        hidden = [hidden[0], *hidden[3 - limit :]] if limit > 3 else hidden[: limit - 2]
    blocks = [*hidden, output]
    after = trace[blocks[0].main.node]
    flat = after.kind == "Linear" and after.weight is not None and after.weight.shape[1] == trace.input.size
    image = DiagramColumn(None, trace.input.size if flat else 1, not flat)
    return [image, *(_column(block) for block in blocks)]


def column_contributions(
    trace: Trace, before: DiagramColumn, after: DiagramColumn, sources: NDArray[np.int_], targets: NDArray[np.int_]
) -> NDArray[np.floating] | None:
    """Contributions of the units shown in one column to those in the next, (T, S); None if not known."""
    assert after.block is not None
    parts = contributions(trace, before.block, after.block)
    if parts is None or parts.shape != (after.size, before.size):
        return None
    return parts[np.ix_(targets, sources)]


def _column(block: Block) -> DiagramColumn:
    maps = block.has_maps and not block.is_vector
    return DiagramColumn(block, block.unit_count if maps else int(np.prod(block.shape)), maps)

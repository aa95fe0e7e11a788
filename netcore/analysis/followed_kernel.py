"""Kernel of a layer that is followed beside the layer's maps."""

from collections.abc import Iterable, Sequence

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.unit_sum import UnitSum, explained_layer, strongest_unit, unit_sum
from netcore.analysis.units import root_block, unit_strength
from netcore.core.trace import Trace


class FollowedKernel:
    """The kernel whose map varies most over the image, at its largest sum.

    Parameters
    ----------
    traces : sequence of Trace
        Their mean decides which kernel it is; the last one which input map is shown.
    graph : Graph
    block : Block
        With maps of a plain convolution, see `find_kernel`.

    Attributes
    ----------
    unit : int
        Number of the map.
    channel : int
        Input map that is shown, -1 if all are.
    map_size : (int, int)
        Rows and columns of its sums.
    """

    def __init__(self, traces: Sequence[Trace], graph: Graph, block: Block) -> None:
        root = root_block(graph, block)
        self.block, self.node = block, root.main.node
        self.unit = int(unit_strength(graph, root, traces, "variation")[0].argmax())
        self.map_size = traces[-1][self.node].output.shape[1:]
        self.channel = -1
        self.channel = self.sum_in(traces[-1]).channel

    def place(self, trace: Trace) -> tuple[int, int]:
        """Return row and column of its largest sum."""
        _, row, column = strongest_unit(trace[self.node], [self.unit])
        return row, column

    def sum_in(self, trace: Trace) -> UnitSum:
        """Return what it adds up there."""
        shown = None if self.channel < 0 else [self.channel]
        return unit_sum(trace, trace[self.node], (self.unit, *self.place(trace)), shown)

    def clips(self, trace: Trace) -> bool:
        """Whether products may be larger than the largest weight."""
        return bool(abs(trace.input_of(trace[self.node])).max() > 1)


def find_kernel(traces: Sequence[Trace], graph: Graph, blocks: Iterable[Block]) -> FollowedKernel | None:
    """Return the kernel of the first block whose sums its weights explain, None if there is none."""
    for block in blocks:
        root = root_block(graph, block)
        layer = explained_layer(traces[-1], root.main.node) if root.kind == "convolution" else None
        if layer is not None and layer.kind == "Conv2d" and len(layer.output) == block.unit_count:
            return FollowedKernel(traces, graph, block)
    return None

"""A convolutional network as stages: first in detail, then in brief."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.cnn_blocks import CnnBlocks, cnn_blocks
from netcore.analysis.dense_layers import ADVICE
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.operations import Operation
from netcore.core.errors import RequirementError
from netcore.core.trace import LayerTrace, Trace

Kind = Literal["before", "first", "norm", "activation", "pooling", "partial", "brief"]


@dataclass(frozen=True)
class Stage:
    """One thing that happens to the maps.

    Attributes
    ----------
    kind : str
        ``before``: what comes before the first convolution; ``first``: the first convolution, product by product;
        ``norm``, ``activation``: on the same maps; ``pooling``: the first one, window by window; ``partial``: the
        first convolution that reads maps, by partial sums; ``brief``: everything else.
    block : Block
        Layer, or several joined.
    title : str
        ``"Conv 3×3"``, ``"BN"``, ``"Residual block"``.
    output : str
        Name of the node that gives the maps.
    values : ndarray, shape (C, H, W)
        The maps.
    reads : ndarray, shape (I, h, w)
        The maps before it.
    parameters : int
        Number of parameters that it adds.
    """

    kind: Kind
    block: Block
    title: str
    output: str
    values: NDArray[Any]
    reads: NDArray[Any]
    parameters: int

    @property
    def channels(self) -> int:
        """Number of maps."""
        return len(self.values)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        return self.values.shape[1], self.values.shape[2]

    def strongest(self, unit: int) -> tuple[int, int]:
        """Row and column of the largest value of a map."""
        row, column = np.unravel_index(int(self.values[unit].argmax()), self.size)
        return int(row), int(column)


@dataclass(frozen=True)
class CnnStages:
    """Stages of maps, and what follows them: see `CnnBlocks`."""

    stages: tuple[Stage, ...]
    blocks: CnnBlocks

    @property
    def first(self) -> Stage:
        """The first convolution."""
        return next(stage for stage in self.stages if stage.kind == "first")


def cnn_stages(trace: Trace, limit: int = 8) -> CnnStages:
    """Read the stages of a traced network.

    Parameters
    ----------
    trace : Trace
    limit : int
        Maximum number of blocks after those shown in detail; neighbours are joined if there are more.

    Raises
    ------
    RequirementError
        As `cnn_blocks`; also if the weights of the first convolution are not known.
    """
    blocks = cnn_blocks(trace, limit)
    layers = graph_of_trace(trace)
    regions = [b for b in layers.fold("region") if b.has_maps and not b.is_vector]
    regions = regions[: next((i for i, b in enumerate(regions) if b.is_vector), len(regions))]
    head = _head_length(regions)
    rest = replace(layers, blocks=tuple(regions[head:])).fit(limit).blocks
    builder = _StageBuilder(trace, layers)
    for region in (*regions[:head], *rest):
        builder.add(region)
    return CnnStages(tuple(builder.stages), blocks)


def _head_length(regions: Sequence[Block]) -> int:
    """Number of regions shown one by one: up to the second with a convolution and the pooling after either."""
    seen = [i for i, region in enumerate(regions) if region.convolutions]
    if len(seen) < 2 and not (seen and regions[seen[0]].convolutions > 1):
        return len(regions)
    end = seen[1] + 1 if len(seen) > 1 else seen[0] + 1
    return end + (end < len(regions) and regions[end].kind == "pooling")


class _StageBuilder:
    """Collects stages, region by region."""

    def __init__(self, trace: Trace, layers: Graph) -> None:
        self.trace, self.layers = trace, layers
        self.stages: list[Stage] = []
        self.maps: NDArray[Any] = trace.input
        self.counted: set[str] = set()  # nodes whose parameters are counted

    def add(self, region: Block) -> None:
        kinds = [stage.kind for stage in self.stages]
        convolution = self._first_convolution(region)
        if convolution is None:
            detailed = region.kind == "pooling" and region.window is not None and "first" in kinds
            pooling = detailed and "pooling" not in kinds and "Transpose" not in region.main.kind
            self._block("pooling" if pooling else "brief" if "first" in kinds else "before", region)
        elif "first" not in kinds:
            self._convolution("first", convolution, region)
        elif "partial" not in kinds and self._reads_maps(convolution):
            self._convolution("partial", convolution, region)
        else:
            self._block("brief", region)

    def _first_convolution(self, region: Block) -> Block | None:
        """The first convolution of a region, if it reads what the region reads and its weights are known."""
        names = {op.node for op in region.operations}
        for layer in self.layers:
            if layer.main.node in names and layer.kind == "convolution" and not layer.children:
                return layer if self._trace(layer).weight is not None and layer.main.axes[0] == "channel" else None
        return None

    def _reads_maps(self, layer: Block) -> bool:
        given = self.trace.input_of(self._trace(layer))
        return given.shape[0] == len(self.maps)

    def _trace(self, layer: Block) -> LayerTrace:
        return self.trace[layer.main.node]

    def _convolution(self, kind: Kind, layer: Block, region: Block) -> None:
        steps = list(layer.steps)
        main = next(i for i, (title, _) in enumerate(steps) if title == layer.main.title)
        before = [
            op for op in layer.operations[: layer.operations.index(layer.main)] if op.role in ("norm", "activation")
        ]
        if before:
            self._step("before" if kind == "first" else "brief", layer, steps[main - 1][0], before[-1], before)
        self._step(
            kind, layer, layer.main.title, layer.main, [layer.main], reads=self.trace.input_of(self._trace(layer))
        )
        last = layer.operations.index(layer.main)
        for title, node in steps[main + 1 :]:
            op = next(o for o in layer.operations if o.node == node)
            done = layer.operations.index(op)
            members = layer.operations[last + 1 : done + 1]
            roles = {o.role for o in members}
            word: Kind = "norm" if "norm" in roles else "activation" if "activation" in roles else "brief"
            self._step(word, layer, title, op, members)
            last = done
        if region.output not in (layer.output, self.stages[-1].output):
            self._block("brief", region)

    def _step(
        self,
        kind: Kind,
        block: Block,
        title: str,
        op: Operation,
        members: Sequence[Operation],
        reads: NDArray[Any] | None = None,
    ) -> None:
        values = _channels_first(self.trace.value(op.node), op.axes)
        if values is not None:
            self._append(kind, block, title, op.node, values, members, self.maps if reads is None else reads)

    def _block(self, kind: Kind, block: Block) -> None:
        values = block.unit_values(self.trace.value(block.output))
        self._append(kind, block, block.heading[0], block.output, values, block.operations, self.maps)

    def _append(
        self,
        kind: Kind,
        block: Block,
        title: str,
        node: str,
        values: NDArray[Any],
        members: Sequence[Operation],
        reads: NDArray[Any],
    ) -> None:
        sizes: dict[str, int] = {}
        for op in members:
            sizes |= {name: n for name, n in op.parameters.items() if name not in self.counted}
        self.counted |= set(sizes)
        self.stages.append(Stage(kind, block, title, node, values, np.asarray(reads), sum(sizes.values())))
        self.maps = values


def _channels_first(value: NDArray[Any], axes: Sequence[str]) -> NDArray[Any] | None:
    if set(axes) != {"channel", "row", "column"}:
        return None
    return np.transpose(value, [axes.index(name) for name in ("channel", "row", "column")])


def require_first(stages: Sequence[Stage]) -> Stage:
    """Return the first convolution.

    Raises
    ------
    RequirementError
        If no convolution can be shown product by product.
    """
    for stage in stages:
        if stage.kind == "first":
            return stage
    raise RequirementError(f"the weights of the first convolution must be those of a layer of torch.nn: {ADVICE}")

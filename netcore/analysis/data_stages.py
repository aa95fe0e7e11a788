"""Data of one pass, block by block: shape, values, parameters, multiplications."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.multiplications import count_multiplications, weight_count
from netcore.analysis.operations import Operation
from netcore.analysis.parameter_product import ParameterProduct, parameter_product
from netcore.core.errors import RequirementError
from netcore.core.trace import Trace


@dataclass(frozen=True)
class DataStage:
    """A block, what it gives, and what that takes.

    Attributes
    ----------
    block : Block
    values : ndarray, shape (C, H, W), (rows, columns) or (F,)
        Maps, a sequence, or a vector.
    parameters : tuple of (Operation, int)
        Operations with parameters that no earlier block has, and how many.
    multiplications : int or None
        In one pass; None if they are not known.
    weights : int
        Weights that are used, biases left out.
    positions : int or None
        Places at which each weight is used; None if there are no weights, or if that differs.
    """

    block: Block
    values: NDArray[Any]
    parameters: tuple[tuple[Operation, int], ...]
    multiplications: int | None
    weights: int
    positions: int | None

    @property
    def parameter_count(self) -> int:
        """Number of parameters, those of earlier blocks left out."""
        return sum(count for _, count in self.parameters)

    @cached_property
    def product(self) -> ParameterProduct | None:
        """Parameters of its one convolution or dense layer as a product, None if there are others."""
        weighted = [op for op, _ in self.parameters if op.role != "norm"]
        if len(weighted) != 1 or weighted[0].role not in ("convolution", "dense"):
            return None
        return parameter_product(weighted[0], unit_count(weighted[0]))

    @property
    def more(self) -> int:
        """Parameters beside those of the product."""
        return self.parameter_count - (self.product.total if self.product else 0)


@dataclass(frozen=True)
class DataFlow:
    """All stages of a network.

    Attributes
    ----------
    stages : tuple of DataStage
    parameters : int
        Of the whole network, shared ones once.
    """

    stages: tuple[DataStage, ...]
    parameters: int

    @property
    def multiplications(self) -> int | None:
        """In one pass, None if those of a stage are not known."""
        counts = [stage.multiplications for stage in self.stages]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def is_used_once(self) -> bool:
        """Whether each weight takes part in one multiplication."""
        return all(stage.positions == 1 for stage in self.stages if stage.multiplications)

    def largest(self, counts: list[int]) -> DataStage:
        """Return the stage of the largest count."""
        return self.stages[int(np.argmax(counts))]


def data_stages(trace: Trace, limit: int = 8) -> DataFlow:
    """Read what each block of a traced network gives.

    Parameters
    ----------
    trace : Trace
    limit : int
        Maximum number of blocks; neighbours are joined if there are more.

    Raises
    ------
    RequirementError
        If the network has no parameters.
    """
    graph = graph_of_trace(trace).fold("region").fit(limit)
    if not graph.parameters():
        raise RequirementError("this film needs parameters, the network has none: use model-graph")
    counted: set[str] = set()
    return DataFlow(tuple(_stage(trace, block, counted) for block in graph), graph.parameters())


def unit_count(operation: Operation) -> int:
    """Return the number of maps, neurons or features that an operation gives."""
    axes = dict(zip(operation.axes, operation.shape, strict=True))
    return axes.get("channel") or axes.get("feature") or 0


def _stage(trace: Trace, block: Block, counted: set[str]) -> DataStage:
    parameters = []
    for op in block.operations:
        fresh = {name: size for name, size in op.parameters.items() if name not in counted}
        counted |= set(fresh)
        if fresh:
            parameters.append((op, sum(fresh.values())))
    products = [(weight_count(trace, op), count_multiplications(trace, op)) for op in block.operations]
    used = [(weights, count) for weights, count in products if count]
    total = None if any(count is None for _, count in products) else sum(count or 0 for _, count in products)
    weights = sum(weights for weights, _ in used)
    places = {count // weights if weights and count and count % weights == 0 else None for weights, count in used}
    positions = places.pop() if len(places) == 1 else None
    return DataStage(block, _values(trace, block), tuple(parameters), total, weights, positions)


def _values(trace: Trace, block: Block) -> NDArray[Any]:
    value = np.asarray(trace.value(block.output))
    if block.has_maps and not block.is_vector:
        return block.unit_values(value)
    if block.is_vector or value.ndim < 2:
        return value.ravel()
    return value if value.ndim <= 3 else value.reshape(-1, *value.shape[-2:])

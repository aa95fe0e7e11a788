"""One block of a network: operations that are shown as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.layer_names import block_heading, describe_operations, named_steps
from netcore.analysis.layers import main_operation
from netcore.analysis.operations import SHAPES, Operation, Window

MAPS = frozenset(["channel", "row", "column"])


@dataclass(frozen=True)
class Block:
    """Operations that are shown as one.

    name : of its main operation, unique: ``"hidden2"``, ``"layer1.0.conv1"``.
    title, short : as people say it, unique: ``"hidden layer 2"``, ``"hidden 2"``.
    kind : dense, convolution, pooling, vector, residual, parallel, product, attention, recurrent, embedding, norm,
        group. "vector": maps or a sequence become one vector. A residual block of one sum is the sum alone.
    operations : in order of execution.
    shortcut : of a residual block: empty for an identity, else the operations of the projection; None for others.
    children : the blocks that were joined into it.
    inputs : names of the outputs that it reads from other blocks; the image is ``"input"``.
    output : name of the output that it gives.
    """

    name: str
    title: str
    short: str
    kind: str
    operations: tuple[Operation, ...]
    inputs: tuple[str, ...]
    output: str
    shortcut: tuple[Operation, ...] | None = None
    children: tuple["Block", ...] = ()

    @property
    def last(self) -> Operation:
        """Operation that gives the output."""
        return next(op for op in reversed(self.operations) if self.output in op.outputs)

    @cached_property
    def main(self) -> Operation:
        """Operation with the weights, else the first that is not a mere normalization, activation or reshaping."""
        return main_operation(self.operations)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, without the batch."""
        return self.last.shape

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the output's axes."""
        return self.last.axes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the first input, without the batch."""
        reader = next((op for op in self.operations if set(op.inputs) & set(self.inputs)), self.operations[0])
        return reader.input_shape

    @property
    def unit_axis(self) -> int | None:
        """Axis of the output along which maps or neurons are counted."""
        return next((i for i, axis in enumerate(self.axes) if axis in ("channel", "feature")), None)

    @property
    def unit_count(self) -> int:
        """Number of maps or neurons, 0 if no axis counts them."""
        return 0 if self.unit_axis is None else self.shape[self.unit_axis]

    @property
    def has_maps(self) -> bool:
        """Whether the output is maps: channels, rows and columns, in any order."""
        return len(self.axes) == 3 and set(self.axes) == MAPS

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the maps, whatever the order of their axes."""
        sizes = dict(zip(self.axes, self.shape, strict=True))
        return sizes["channel"], sizes["row"], sizes["column"]

    @property
    def is_vector(self) -> bool:
        """Whether the output is one vector."""
        return len(self.shape) == 1 or self.axes == ("feature", "row", "column")

    @property
    def unit_word(self) -> str:
        """What its units are called: map, neuron, feature."""
        if self.has_maps and not self.is_vector:
            return "map"
        return "neuron" if self.kind == "dense" and self.is_vector else "feature" if len(self.shape) > 1 else "value"

    def unit_values(self, value: ArrayLike) -> NDArray[Any]:
        """Move the units of an output to the first axis.

        Parameters
        ----------
        value : array_like, shape `shape`

        Returns
        -------
        ndarray, shape (units,), (units, rows, columns) or (units, positions)
            All values in one axis if no axis counts units.
        """
        array = np.asarray(value)
        if self.unit_axis is None or self.is_vector:
            return array.reshape(-1)
        moved = np.moveaxis(array, self.unit_axis, 0)
        return moved if self.has_maps else moved.reshape(len(moved), -1)

    @property
    def description(self) -> str:
        """Its operations in standard terms: ``"Conv 3×3 → BN → ReLU"``."""
        return describe_operations(self.operations, self.children)

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """Steps of a layer: the term of each, and the name of the output after it."""
        return ((self.description, self.output),) if self.children else tuple(named_steps(self.operations))

    @property
    def heading(self) -> tuple[str, ...]:
        """Short heading, and what follows: ``("Conv 3×3", "BN", "ReLU")``, ``("2 × Residual block",)``."""
        return block_heading(self.operations, self.children, self.title)

    @property
    def is_reshape(self) -> bool:
        """Whether it only moves values, as flattening does."""
        same_size = np.prod(self.shape) == np.prod(self.input_shape)  # a selection leaves some out
        return bool(same_size) and all(op.kind in SHAPES and not op.parameters for op in self.operations)

    @property
    def window(self) -> Window | None:
        """Window of its one convolution or pooling."""
        return None if self.children else self.main.window

    @property
    def convolutions(self) -> int:
        """Number of convolutions."""
        return sum(op.role == "convolution" for op in self.operations)

    @property
    def is_depthwise(self) -> bool:
        """Whether it is a convolution of which each map reads the one map in its place."""
        window, main = self.window, self.main
        return (
            self.kind == "convolution"
            and window is not None
            and main.shape[0] == main.input_shape[0] == window.groups > 1
        )

    @property
    def parameters(self) -> int:
        """Number of parameters, shared ones once."""
        return count_parameters(self.operations)


def count_parameters(operations: Sequence[Operation]) -> int:
    """Number of parameters of operations, shared ones once."""
    sizes: dict[str, int] = {}
    for op in operations:
        sizes |= op.parameters
    return sum(sizes.values())

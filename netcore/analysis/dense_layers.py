"""Dense layers in a sequence, with the values of one pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.blocks import Block, Graph
from netcore.core.errors import RequirementError
from netcore.core.trace import Trace

ADVICE = "use model-graph"


@dataclass(frozen=True)
class DenseLayer:
    """One dense layer and the functions after it.

    number : int, from 1.
    block : of the graph.
    inputs : ndarray, shape (I,), activations that it receives.
    weight : ndarray, shape (O, I).
    bias : ndarray, shape (O,), zeros if the layer has none.
    z : ndarray, shape (O,), pre-activations, ``weight @ inputs + bias``.
    functions : terms of the functions that turn `z` into `output`, in order: ``("BN", "ReLU")``.
    output : ndarray, shape (O,), activations.
    """

    number: int
    block: Block
    inputs: NDArray[np.floating]
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]
    z: NDArray[np.floating]
    functions: tuple[str, ...]
    output: NDArray[np.floating]

    @property
    def name(self) -> str:
        """Name of the block."""
        return self.block.name

    def contributions(self, targets: ArrayLike, sources: ArrayLike) -> NDArray[np.floating]:
        """Weight × activation from each source to each target, shape (T, S)."""
        targets, sources = np.asarray(targets), np.asarray(sources)
        return self.weight[np.ix_(targets, sources)] * self.inputs[sources]


def dense_layers(trace: Trace, blocks: Sequence[Block]) -> tuple[DenseLayer, ...]:
    """Read the values of blocks that must be dense layers, each reading the one before it.

    Raises
    ------
    RequirementError
        If a block is not a dense layer on a vector, or its weights are not known.
    """
    found = []
    for number, block in enumerate(blocks, 1):
        if block.kind != "dense" or not block.is_vector or len(block.inputs) != 1:
            raise RequirementError(
                f"expected a sequence of dense layers, but '{block.title}' is {block.description}: {ADVICE}"
            )
        found.append(_dense_layer(trace, block, number))
    return tuple(found)


def mlp_layers(trace: Trace, graph: Graph) -> tuple[DenseLayer, ...]:
    """Dense layers of a network that consists of nothing else.

    Raises
    ------
    RequirementError
        If another layer comes before, between or after them.
    """
    blocks = [block for block in graph if not block.is_reshape]
    if not blocks:
        raise RequirementError(f"the network must have a dense layer, got none: {ADVICE}")
    return dense_layers(trace, blocks)


def _dense_layer(trace: Trace, block: Block, number: int) -> DenseLayer:
    layer = trace[block.main.node]
    inputs = trace.input_of(layer).ravel()
    before = trace.value(block.inputs[0]).ravel()
    if layer.weight is None:
        raise RequirementError(
            f"the weights of '{block.title}' are not a layer of torch.nn: use nn.Linear in the network, or {ADVICE}"
        )
    weight = layer.weight.reshape(len(layer.weight), -1)
    if weight.shape[1] != inputs.size or not np.array_equal(before, inputs):
        raise RequirementError(f"'{block.title}' must read what the layer before it gives: {ADVICE}")
    bias = layer.bias if layer.bias is not None else np.zeros(len(weight), np.float32)
    titles = [title for title, _ in block.steps]
    functions = titles[titles.index(block.main.title) + 1 :]
    return DenseLayer(
        number, block, inputs, weight, bias, layer.output.ravel(), tuple(functions), trace.value(block.output).ravel()
    )  # fmt: skip

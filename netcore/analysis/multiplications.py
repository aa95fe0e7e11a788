"""Number of multiplications of weights and activations in one pass."""

import math

from netcore.analysis.operations import PRODUCTS, Operation
from netcore.core.trace import Trace

COUNTED = frozenset(["matmul", "mm", "bmm", "dot"])  # products of two activations whose inner size is known


def count_multiplications(trace: Trace, operation: Operation) -> int | None:
    """Count the multiplications of one operation, biases, scales and additions left out.

    Parameters
    ----------
    trace : Trace
    operation : Operation
        Of the trace's graph.

    Returns
    -------
    int or None
        For convolutions, dense, recurrent and attention layers: weights times the positions at which each is used,
        and the products of queries, keys and values. None for a product whose size is not known, such as an einsum.
    """
    layer, role = trace[operation.node], operation.role
    weights = weight_count(trace, operation)
    if role == "convolution" or operation.kind.startswith("Conv"):
        return weights * position_count(operation)
    if role == "recurrent":
        return weights * math.prod(operation.input_shape[:-1])  # once per time step
    if operation.kind == "MultiheadAttention":
        return _attention(trace, operation)
    if operation.kind == "scaled_dot_product_attention":
        query, key = (trace.value(name).shape for name in layer.inputs[:2])
        return 2 * math.prod(query) * key[-2]
    if role == "dense":
        return weights * position_count(operation)
    if operation.kind in PRODUCTS:
        if operation.kind not in COUNTED or len(layer.inputs) != 2:
            return None
        return math.prod(operation.shape) * trace.value(layer.inputs[0]).shape[-1]
    return 0


def weight_count(trace: Trace, operation: Operation) -> int:
    """Count the weights of an operation, biases left out; those of a layer that computed its weight too."""
    if operation.role in ("convolution", "dense") and operation.kind != "Bilinear":
        weight = trace[operation.node].weight
        if weight is not None:
            return int(weight.size)
        return max(operation.parameters.values(), default=0)
    return sum(size for name, size in operation.parameters.items() if "bias" not in name.rsplit(".", 1)[-1])


def position_count(operation: Operation) -> int:
    """Count the positions at which each weight of a convolution or dense layer is used.

    Positions of the output, of a transposed convolution those of the input: 28 × 28 of a map, 17 of 17 tokens, 1 of a
    vector.
    """
    transposed = "Transpose" in operation.kind
    shape, axes = (operation.input_shape, operation.input_axes) if transposed else (operation.shape, operation.axes)
    if operation.kind.startswith("Conv"):
        return math.prod(shape[1:]) if axes[:1] in (("channel",), ("feature",)) else math.prod(shape[:-1])
    return math.prod(shape[:-1])


def _attention(trace: Trace, operation: Operation) -> int:
    inputs = [trace.value(name).shape for name in trace[operation.node].inputs]
    (tokens, features), keys = operation.shape[-2:], (inputs[1] if len(inputs) > 1 else inputs[0])[-2]
    inward = sum(n for name, n in operation.parameters.items() if "proj_weight" in name)
    outward = sum(n for name, n in operation.parameters.items() if name.endswith("out_proj.weight"))
    return inward // 3 * (tokens + 2 * keys) + outward * tokens + 2 * tokens * keys * features

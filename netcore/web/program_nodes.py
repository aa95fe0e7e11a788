"""Operations of a program that a page computes, as its nodes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.trace import LayerTrace

Node = dict[str, Any]
ACTIVATIONS = {
    "ReLU": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "GELU": "gelu",
    "SiLU": "silu",
    "ReLU6": "relu6",
    "Hardsigmoid": "hardsigmoid",
    "Hardswish": "hardswish",
    "LeakyReLU": "leakyrelu",
    "ELU": "elu",
}
SLOPES = {"LeakyReLU": ("negative_slope", 0.01), "ELU": ("alpha", 1.0)}
COPIES = ("Identity", "Dropout", "Dropout1d", "Dropout2d", "Flatten", "contiguous", "clone", "AlphaDropout")
RESHAPES = ("view", "reshape", "squeeze", "unsqueeze", "ravel", "unflatten", "flatten")


@dataclass
class Program:
    """A network for a page.

    Attributes
    ----------
    nodes : list of dict
        In order of execution.
    parameters : dict of ndarray
        Float32, by the name in the snapshot; normalization has ``<node>.scale`` and ``<node>.mean``.
    output : str
        Name of the node of the logits.
    output_kind : str
        As in `Trace`.
    """

    nodes: list[Node] = field(default_factory=list)
    parameters: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    output: str = ""
    output_kind: str = "logits"

    def add_parameter(self, name: str, values: NDArray[Any]) -> str:
        """Store an array under a name, and return the name."""
        self.parameters[name] = np.ascontiguousarray(values, np.float32)
        return name


def make_node(layer: LayerTrace, shapes: Mapping[str, tuple[int, ...]], program: Program) -> Node:
    """Describe one operation, and store its parameters; NetcoreError if pages cannot compute it."""
    unknown = [name for name in layer.inputs if name not in shapes]
    if unknown or not layer.inputs:
        raise _unsupported(layer, "it reads a tensor that the image does not lead to")
    node: Node = {
        "name": layer.name,
        "kind": layer.kind,
        "inputs": list(layer.inputs),
        "shape": list(layer.output.shape),
    }
    make = _OPERATIONS.get(layer.kind)
    if layer.kind in ACTIVATIONS:
        make = _activation
    elif layer.kind in (*COPIES, *RESHAPES):
        make = _copy
    if make is None:
        raise _unsupported(layer)
    return node | make(layer, [shapes[name] for name in layer.inputs], program)


def _unsupported(layer: LayerTrace, reason: str = "") -> NetcoreError:
    detail = f" ({reason})" if reason else ""
    return NetcoreError(
        f"the lab cannot compute {layer.kind} of node '{layer.name}'{detail}: films and figures have it"
    )


Shapes = list[tuple[int, ...]]
_Make = Callable[[LayerTrace, Shapes, Program], Node]


def _require(layer: LayerTrace, **wanted: Any) -> None:
    """Refuse a setting whose value is not the wanted one; a missing setting has it."""
    for key, value in wanted.items():
        if layer.settings.get(key, value) not in (value, None):
            raise _unsupported(layer, f"{key} = {layer.settings[key]}")


def _weights(layer: LayerTrace, program: Program) -> Node:
    assert layer.weight is not None
    weight = layer.weight_name or f"{layer.name}.weight"
    out = {"weight": program.add_parameter(weight, layer.weight)}
    if layer.bias is not None:
        out["bias"] = program.add_parameter(_bias_name(layer), layer.bias)
    return out


def _bias_name(layer: LayerTrace) -> str:
    others = [name for name in layer.parameter_sizes if name != layer.weight_name]
    return others[0] if len(others) == 1 else f"{layer.name}.bias"


def _convolution(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    _require(layer, padding_mode="zeros")
    if len(shapes) != 1 or layer.weight is None or layer.output.ndim != 3:
        raise _unsupported(layer, "its weights are computed, or it is not two-dimensional")
    kernel, dilation = layer.weight.shape[2:], _pair(layer, "dilation", 1)
    padding = layer.settings.get("padding", 0)
    if padding == "same":
        even = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        if any(e % 2 for e in even):
            raise _unsupported(layer, "padding 'same' with an even kernel")
        pads = [e // 2 for e in even]
    else:
        pads = [0, 0] if padding == "valid" else _pair(layer, "padding", 0)
    return _weights(layer, program) | {
        "op": "conv",
        "kernel": list(kernel),
        "stride": _pair(layer, "stride", 1),
        "padding": pads,
        "dilation": dilation,
        "groups": int(layer.settings.get("groups", 1)),
    }


def _pair(layer: LayerTrace, key: str, default: int) -> list[int]:
    value = layer.settings.get(key, default)
    pair = list(value) if isinstance(value, (tuple, list)) else [value, value]
    if len(pair) != 2 or not all(isinstance(v, int) for v in pair):
        raise _unsupported(layer, f"{key} = {value}")
    return pair


def _linear(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    if len(shapes) != 1 or len(shapes[0]) != 1 or layer.weight is None:
        raise _unsupported(layer, "its input is not a vector, or its weights are computed")
    return _weights(layer, program) | {"op": "linear"}


def _norm(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    mean, variance = layer.settings.get("running_mean"), layer.settings.get("running_var")
    if mean is None or variance is None:
        raise _unsupported(layer, "it has no running mean")
    weight = np.ones(mean.shape) if layer.weight is None else layer.weight.astype(np.float64)
    scale = weight / np.sqrt(variance.astype(np.float64) + layer.settings.get("eps", 1e-5))
    bias = np.zeros(mean.shape) if layer.bias is None else layer.bias
    return {
        "op": "norm",
        "scale": program.add_parameter(f"{layer.weight_name or layer.name}.scale", scale),
        "mean": program.add_parameter(f"{layer.weight_name or layer.name}.mean", mean),
        "bias": program.add_parameter(_bias_name(layer), bias),
    }


def _activation(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    function = ACTIVATIONS[layer.kind]
    if layer.kind == "GELU" and layer.settings.get("approximate", "none") == "tanh":
        function = "gelu-tanh"
    if layer.kind == "ELU":
        _require(layer, scale=1, input_scale=1)
    key, default = SLOPES.get(layer.kind, ("", 0.0))
    return {"op": "activation", "function": function, "slope": float(layer.settings.get(key, default))}


def _copy(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    if len(shapes) != 1 or np.prod(shapes[0]) != np.prod(layer.output.shape) or layer.batch_axis != 0:
        raise _unsupported(layer, "it changes the number of values")
    return {"op": "identity"}


def _max_pool(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    _require(layer, return_indices=False)
    return _pool(layer, "maxpool") | {"dilation": _pair(layer, "dilation", 1)}


def _average_pool(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    if layer.settings.get("ceil_mode"):
        raise _unsupported(layer, "ceil_mode = True")
    if layer.settings.get("divisor_override"):
        raise _unsupported(layer, "divisor_override")
    return _pool(layer, "avgpool") | {"countPadding": bool(layer.settings.get("count_include_pad", True))}


def _pool(layer: LayerTrace, name: str) -> Node:
    kernel = _pair(layer, "kernel_size", 1)
    stride = _pair(layer, "stride", 1) if layer.settings.get("stride") else kernel
    return {"op": name, "kernel": kernel, "stride": stride, "padding": _pair(layer, "padding", 0)}


def _adaptive_pool(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    before = shapes[0]
    if len(before) != 3 or layer.output.shape[0] != before[0]:
        raise _unsupported(layer, "it does not pool maps")
    dims = layer.settings.get("dim")
    if dims is not None and {d % 4 for d in (dims if isinstance(dims, (tuple, list)) else [dims])} != {2, 3}:
        raise _unsupported(layer, f"dim = {dims}")
    size = layer.output.shape[1:] if layer.output.ndim == 3 else (1, 1)
    return {"op": "adaptivepool", "size": list(size), "max": "Max" in layer.kind or layer.kind == "amax"}


def _arithmetic(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    _require(layer, alpha=1)
    out = layer.output.shape
    if len(shapes) == 1:
        number = layer.settings.get("other")
        if layer.kind == "sub":  # the trace does not record which operand is the number
            raise _unsupported(layer, "a difference with a number")
        if not isinstance(number, (int, float)) or isinstance(number, bool):
            raise _unsupported(layer, "its second operand is a parameter")
        return {"op": layer.kind, "number": number}
    if len(shapes) != 2 or any(s not in (out, (*out[:1], *(1,) * (len(out) - 1))) for s in shapes):
        raise _unsupported(layer, "shapes that are not equal")
    return {"op": layer.kind}


def _concat(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    axis = layer.settings.get("dim", 0)
    if axis not in (1, -layer.output.ndim) or sum(s[0] for s in shapes) != layer.output.shape[0]:
        raise _unsupported(layer, f"dim = {axis}")
    return {"op": "concat"}


def _softmax(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    if layer.output.ndim != 1 or layer.settings.get("dim", 1) not in (1, -1):
        raise _unsupported(layer, "not over the classes")
    return {"op": layer.kind.lower()}


def _transpose(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    if len(shapes[0]) != 4 or {layer.settings.get("dim0"), layer.settings.get("dim1")} != {1, 2}:
        raise _unsupported(layer)
    return {"op": "transpose"}


def _slice(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    """A part that is the whole: ``x[:, :, 0, 0]`` of maps of one pixel."""
    if len(shapes) != 1 or np.prod(shapes[0]) != np.prod(layer.output.shape):
        raise _unsupported(layer, "only a part of its input is read")
    return {"op": "identity"}


def _padding(layer: LayerTrace, shapes: Shapes, program: Program) -> Node:
    _require(layer, mode="constant", value=0.0)
    sides = layer.settings.get("pad", layer.settings.get("padding"))
    if not isinstance(sides, (tuple, list)) or len(sides) != 4 or min(sides) < 0:
        raise _unsupported(layer, f"pad = {sides}")
    return {"op": "pad", "sides": list(sides)}


_OPERATIONS: dict[str, _Make] = {
    "Conv2d": _convolution,
    "Linear": _linear,
    "BatchNorm1d": _norm,
    "BatchNorm2d": _norm,
    "MaxPool2d": _max_pool,
    "AvgPool2d": _average_pool,
    "AdaptiveAvgPool2d": _adaptive_pool,
    "AdaptiveMaxPool2d": _adaptive_pool,
    "amax": _adaptive_pool,
    "add": _arithmetic,
    "sub": _arithmetic,
    "mul": _arithmetic,
    "cat": _concat,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "transpose": _transpose,
    "slice": _slice,
    "select": _slice,
    "getitem": _slice,
    "pad": _padding,
    "ZeroPad2d": _padding,
}

"""What a node of a network's graph is called, and with which settings it works."""

import inspect
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import nn

_CLASSES = {name.lower(): name for name in dir(nn) if isinstance(getattr(nn, name), type)}
_RESHAPES = ("view", "reshape", "ravel", "squeeze", "view_as", "reshape_as", "unflatten")
_TENSOR_SETTINGS = ("running_mean", "running_var")
_SAME = {"truediv": "div", "concat": "cat", "concatenate": "cat", "subtract": "sub", "multiply": "mul"}
_PAIRS = ("kernel_size", "stride", "padding", "dilation", "output_size")
_NOT_SETTINGS = (
    "training",
    "transposed",
    "output_padding",
    "num_batches_tracked",
    "inplace",
    "affine",
    "cudnn_enabled",
)


def function_name(func: Any) -> str:
    """Plain name of a PyTorch function, method or operator: ``Tensor.__iadd__`` and ``aten.add.Tensor`` are add."""
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":  # a property such as Tensor.T: the wrapper knows its descriptor
        name = getattr(func.__self__, "__name__", name)
    name = name.split(".")[0].strip("_")
    for prefix in ("i", "r"):  # __iadd__, __radd__
        if name[1:] in ("add", "sub", "mul", "div", "truediv", "matmul") and name[0] == prefix:
            name = name[1:]
    return _SAME.get(name, name)


def function_kind(name: str, source: Sequence[int], out: Sequence[int]) -> str:
    """Module class that does what a function did, or the function's name where there is none.

    Parameters
    ----------
    name : str
        As `function_name` gives it.
    source, out : sequence of int
        Shapes of first input and output, with the batch dimension.
    """
    if name in ("batch_norm", "instance_norm"):
        return f"{'Batch' if name == 'batch_norm' else 'Instance'}Norm{max(1, len(source) - 2)}d"
    if name in _RESHAPES and len(out) == 2 and len(source) > 2:
        return "Flatten"
    if name == "mean" and len(source) == 4 and out[:2] == source[:2] and prod(out[2:]) == 1:
        return "AdaptiveAvgPool2d"
    if name in _RESHAPES:
        return name
    return _CLASSES.get(name.replace("_", ""), name)


def function_arguments(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a call by name, as far as PyTorch tells the names."""
    try:
        bound = inspect.signature(func).bind(*args, **kwargs)
        bound.apply_defaults()
        if "kwargs" not in bound.arguments:  # a dispatcher by a flag takes just anything
            return dict(bound.arguments)
    except (TypeError, ValueError):  # a function written in C++ has no signature
        pass
    schema = _schema(func)
    defaults = {a.name: a.default_value for a in schema if a.has_default_value()}
    return defaults | dict(zip((a.name for a in schema), args, strict=False)) | dict(kwargs)


def _schema(func: Any) -> Sequence[Any]:
    """Arguments of an operator, or of the operator of the same name."""
    schema = getattr(func, "_schema", None)
    if schema is None:
        packet = getattr(torch.ops.aten, function_name(func), None)
        overloads = packet.overloads() if packet is not None else []
        if not overloads:
            return ()
        schema = getattr(packet, "default" if "default" in overloads else overloads[0])._schema
    return schema.arguments


def function_settings(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments of a call that say how it worked: kernel_size, stride, padding, p, …"""
    given = {k: v for k, v in arguments.items() if k not in ("self", "input", "weight", "bias")}
    if kind.startswith("Conv"):
        given["kernel_size"] = tuple(arguments["weight"].shape[2:])
    return _plain(kind, given)


def module_settings(module: nn.Module) -> dict[str, Any]:
    """Public attributes of a module that say how it works; BatchNorm's running mean and variance as arrays."""
    public = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    buffers = {k: getattr(module, k) for k in _TENSOR_SETTINGS if getattr(module, k, None) is not None}
    return _plain(type(module).__name__, public | buffers)


def _plain(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and words; sizes of two-dimensional layers are pairs, and a pool's stride is its window unless told."""
    out: dict[str, Any] = {}
    for key, value in values.items():
        if key in _TENSOR_SETTINGS and isinstance(value, torch.Tensor):
            out[key] = value.detach().cpu().numpy().copy()
        elif key not in _NOT_SETTINGS and _is_plain(value):
            pair = kind.endswith("2d") and key in _PAIRS and isinstance(value, int)
            out[key] = (value, value) if pair else tuple(value) if isinstance(value, list) else value
    if "kernel_size" in out and not out.get("stride"):
        out["stride"] = out["kernel_size"]
    return out


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(v) for v in value)
    return isinstance(value, (bool, int, float, str))

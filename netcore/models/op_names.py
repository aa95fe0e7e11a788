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
_SAME = {
    "truediv": "div",
    "concat": "cat",
    "concatenate": "cat",
    "subtract": "sub",
    "multiply": "mul",
    "special_softmax": "softmax",
}
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


# Outputs after the first, as PyTorch's documentation calls them; those of other kinds are numbered.
_OUTPUT_NAMES = {
    "LSTM": ("h_n", "c_n"),
    "LSTMCell": ("c_1",),
    "GRU": ("h_n",),
    "RNN": ("h_n",),
    "MultiheadAttention": ("weights",),
}


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one node: PyTorch's own, those apart that are made of others."""
    own = type(module).__module__.startswith("torch.nn.")
    parts = [name for name, _ in module.named_children() if name != "parametrizations"]
    whole = not parts or isinstance(module, nn.MultiheadAttention)
    return own and whole and not isinstance(module, nn.Sequential)


# Kinds that leave the first axis where it is (if the first axis of their output has size 1).
_BATCH_FIRST = (
    "Conv", "BatchNorm", "InstanceNorm", "LocalResponseNorm", "MaxPool", "AvgPool", "Adaptive", "LPPool", "Dropout",
    "AlphaDropout", "FeatureAlphaDropout", "Upsample",
)  # fmt: skip
_BATCH_FIRST_EXACTLY = frozenset(
    [
        "Linear", "LayerNorm", "GroupNorm", "RMSNorm", "Identity", "Flatten", "ReLU", "ReLU6", "LeakyReLU", "PReLU",
        "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "Hardsigmoid", "LogSigmoid", "Tanh",
        "Hardtanh", "Hardswish", "Hardshrink", "Softplus", "Softsign", "Softmax", "LogSoftmax", "Softmax2d",
        "ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "pad", "add", "sub", "mul", "div", "cat",
    ]
)  # fmt: skip


def keeps_batch_first(kind: str) -> bool:
    """Whether a kind of node is known to keep the batch on the first axis."""
    return kind in _BATCH_FIRST_EXACTLY or kind.startswith(_BATCH_FIRST)


def output_names(kind: str, count: int) -> tuple[str, ...]:
    """Return what the `count` outputs after the first are called."""
    names = _OUTPUT_NAMES.get(kind, ())
    return names if len(names) == count else tuple(str(n) for n in range(1, count + 1))


def attention_weights(arguments: Mapping[str, Any]) -> torch.Tensor:
    """Recompute the weights of a scaled dot-product attention, (B, H, T, S), which the fused operator hides.

    Parameters
    ----------
    arguments : of `torch.nn.functional.scaled_dot_product_attention` by name.
    """
    query, key, mask = arguments["query"].detach(), arguments["key"].detach(), arguments.get("attn_mask")
    if key.ndim == 4 and key.shape[1] != query.shape[1]:  # grouped queries
        key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    scale = arguments.get("scale") or query.shape[-1] ** -0.5
    scores = query @ key.transpose(-2, -1) * scale
    if arguments.get("is_causal"):
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is not None:
        mask = mask.detach()
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = scores.softmax(-1)
    return weights.unsqueeze(1) if weights.ndim == 3 else weights


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
    schema = _schema(func, len(args))
    defaults = {a.name: a.default_value for a in schema if a.has_default_value()}
    positional = [a for a in schema if not a.kwarg_only]
    if positional and len(args) > len(positional) and _takes_list(positional[-1]):  # x.permute(0, 2, 1)
        args = (*args[: len(positional) - 1], tuple(args[len(positional) - 1 :]))
    return defaults | dict(zip((a.name for a in schema), args, strict=False)) | dict(kwargs)


def _schema(func: Any, count: int) -> Sequence[Any]:
    """Arguments of an operator, or of the operator of the same name that takes `count` arguments by position."""
    schema = getattr(func, "_schema", None)
    if schema is not None:
        return schema.arguments
    packet = getattr(torch.ops.aten, function_name(func), None)
    names = packet.overloads() if packet is not None else []
    found = [getattr(packet, name)._schema.arguments for name in sorted(names, key=lambda name: name != "default")]
    return next((schema for schema in found if _takes(schema, count)), found[0] if found else ())


def _takes(schema: Sequence[Any], count: int) -> bool:
    positional = [a for a in schema if not a.kwarg_only]
    return len(positional) >= count or (bool(positional) and _takes_list(positional[-1]))


def _takes_list(argument: Any) -> bool:
    return isinstance(argument.type, torch.ListType)


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

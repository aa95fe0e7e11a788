"""Names, kinds and settings of PyTorch operations."""

import inspect
from collections.abc import Callable, Mapping, Sequence
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
# Outputs after the first, as in PyTorch's documentation; those of other kinds are numbered.
_OUTPUT_NAMES = {
    "LSTM": ("h_n", "c_n"),
    "LSTMCell": ("c_1",),
    "GRU": ("h_n",),
    "RNN": ("h_n",),
    "MultiheadAttention": ("weights",),
}


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one operation: a class of `torch.nn` that has no layers inside.

    Examples
    --------
    >>> is_layer(nn.Linear(2, 3)), is_layer(nn.Sequential(nn.Linear(2, 3)))
    (True, False)
    """
    is_torch = type(module).__module__.startswith("torch.nn.")
    children = [name for name, _ in module.named_children() if name != "parametrizations"]
    is_single = not children or isinstance(module, nn.MultiheadAttention)
    return is_torch and is_single and not isinstance(module, nn.Sequential)


# Kinds that keep the first axis (if the first axis of their output has size 1).
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
    """Whether a kind of operation is known to keep the batch on the first axis."""
    return kind in _BATCH_FIRST_EXACTLY or kind.startswith(_BATCH_FIRST)


def output_names(kind: str, count: int) -> tuple[str, ...]:
    """Return the names of the `count` outputs after the first.

    Examples
    --------
    >>> output_names("LSTM", 2), output_names("topk", 1)
    (('h_n', 'c_n'), ('1',))
    """
    names = _OUTPUT_NAMES.get(kind, ())
    return names if len(names) == count else tuple(str(n) for n in range(1, count + 1))


def attention_weights(arguments: Mapping[str, Any]) -> torch.Tensor:
    """Recompute the weights of scaled dot-product attention, which the fused operator does not return.

    Parameters
    ----------
    arguments : mapping
        Arguments of `torch.nn.functional.scaled_dot_product_attention` by name.

    Returns
    -------
    Tensor, shape (B, H, T, S)
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


def function_name(func: object) -> str:
    """Return the plain name of a PyTorch function, method or operator.

    Examples
    --------
    >>> [function_name(f) for f in (torch.add, torch.Tensor.__iadd__, torch.ops.aten.add.Tensor)]
    ['add', 'add', 'add']
    """
    name = getattr(func, "__name__", type(func).__name__)
    if name == "__get__":  # a property such as Tensor.T: the wrapper knows its descriptor
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    name = name.split(".")[0].strip("_")
    for prefix in ("i", "r"):  # __iadd__, __radd__
        if name[1:] in ("add", "sub", "mul", "div", "truediv", "matmul") and name[0] == prefix:
            name = name[1:]
    return _SAME.get(name, name)


def function_kind(name: str, source: Sequence[int], out: Sequence[int]) -> str:
    """Return the module class equivalent to a function, or the function's name if no class is.

    Parameters
    ----------
    name : str
        As `function_name` returns it.
    source, out : sequence of int
        Shapes of first input and output, with the batch axis.

    Examples
    --------
    >>> function_kind("max_pool2d", (1, 8, 4, 4), (1, 8, 2, 2)), function_kind("view", (1, 8, 2, 2), (1, 32))
    ('MaxPool2d', 'Flatten')
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


def function_arguments(
    func: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, Any]:
    """Return the arguments of a call by name, as far as PyTorch knows the names."""
    try:
        bound = inspect.signature(func).bind(*args, **kwargs)
        bound.apply_defaults()
        if "kwargs" not in bound.arguments:  # not a dispatcher by a flag, whose signature is *args, **kwargs
            return dict(bound.arguments)
    except (TypeError, ValueError):  # a function written in C++ has no signature
        pass
    schema = _schema(func, len(args))
    defaults = {a.name: a.default_value for a in schema if a.has_default_value()}
    positional = [a for a in schema if not a.kwarg_only]
    if positional and len(args) > len(positional) and _takes_list(positional[-1]):  # x.permute(0, 2, 1)
        args = (*args[: len(positional) - 1], tuple(args[len(positional) - 1 :]))
    return defaults | dict(zip((a.name for a in schema), args, strict=False)) | dict(kwargs)


def _schema(func: object, count: int) -> Sequence[Any]:
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


def _takes_list(argument: torch.Argument) -> bool:
    return isinstance(argument.type, torch.ListType)


def function_settings(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings among the arguments of a call: kernel_size, stride, padding, p, …."""
    settings = {k: v for k, v in arguments.items() if k not in ("self", "input", "weight", "bias")}
    if kind.startswith("Conv"):
        settings["kernel_size"] = tuple(arguments["weight"].shape[2:])
    return _plain(kind, settings)


def module_settings(module: nn.Module) -> dict[str, Any]:
    """Return the settings of a module: public attributes, and BatchNorm's running mean and variance as arrays.

    Examples
    --------
    >>> module_settings(nn.MaxPool2d(2))["stride"]
    (2, 2)
    """
    public = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    buffers = {k: getattr(module, k) for k in _TENSOR_SETTINGS if getattr(module, k, None) is not None}
    return _plain(type(module).__name__, public | buffers)


def _plain(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and strings; sizes of two-dimensional layers as pairs; a pool's default stride is its window."""
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


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(v) for v in value)
    return isinstance(value, (bool, int, float, str))

"""Calls of layers and functions, and the tensors in their arguments."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn, no_grad

from netcore.models.exported_model import ExportedLayer
from netcore.models.op_names import attention_weights, function_arguments, function_name, module_settings


@dataclass
class OpCall:
    """One call of a layer or function, before it becomes a `TracedOp`."""

    name: str
    kind: str
    args: object
    output: object
    path: str
    settings: Mapping[str, Any]
    weight: Tensor | None
    bias: Tensor | None
    used: Iterable[Tensor]
    attention: Tensor | None = None  # (B, H, T, S)


@dataclass
class LayerRecord:
    """Tensors that the operators of one call of an exported layer use."""

    weight: Tensor | None = None
    bias: Tensor | None = None
    attention: Tensor | None = None
    tensors: list[Tensor] = field(default_factory=list)

    def record(
        self,
        func: Callable[..., object],
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
        given: Iterable[Tensor],
        out: object,
    ) -> None:
        """Record weight, bias or attention weights of one operator."""
        name = function_name(func)
        self.tensors += given
        arguments = function_arguments(func, args, kwargs)
        if name == "scaled_dot_product_attention":
            self.attention = attention_weights(arguments)
        elif name == "softmax":
            self.attention = as_tensor(out)
        elif "weight" in arguments:
            self.weight, self.bias = as_tensor(arguments["weight"]), as_tensor(arguments.get("bias"))


def layer_call(
    module: nn.Module,
    args: tuple[object, ...],
    kwargs: dict[str, object],
    output: object,
    path: str,
    with_attention: bool,
) -> OpCall:
    """Describe the call of a layer of `torch.nn`; its attention weights, of each head, only if wanted."""
    kind = type(module).__name__.removeprefix("Parametrized")
    is_attention = isinstance(module, nn.MultiheadAttention) and with_attention
    return OpCall(
        name=path or kind.lower(),
        kind=kind,
        args=(args, kwargs),
        output=output,
        path=path,
        settings=module_settings(module),
        weight=as_tensor(getattr(module, "weight", None)),
        bias=as_tensor(getattr(module, "bias", None)),
        used=[*module.parameters(), *tensors_in((args, kwargs))],
        attention=_attention_of(module, args, kwargs) if is_attention else None,
    )


def _attention_of(module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> Tensor:
    """Attention weights of each head, (B, H, T, S): computed again, since fused attention does not return them."""
    arguments: dict[str, Any] = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    with no_grad():
        weights: Tensor = module.forward(**arguments | {"need_weights": True, "average_attn_weights": False})[1]
    return weights


def exported_call(layer: ExportedLayer, record: LayerRecord, args: tuple[object, ...], output: object) -> OpCall:
    """Describe the call of a layer of an exported network by what its operators used."""
    heads = layer.settings.get("num_heads")
    attention = record.attention
    if attention is not None and attention.ndim == 3 and heads:
        attention = attention.unflatten(0, (-1, heads))  # (B * H, T, S) -> (B, H, T, S)
    return OpCall(
        name=layer.path,
        kind=layer.kind,
        args=args,
        output=output,
        path=layer.path,
        settings=layer.settings,
        weight=record.weight,
        bias=record.bias,
        used=record.tensors,
        attention=attention if layer.kind == "MultiheadAttention" else None,
    )


def as_tensor(value: object) -> Tensor | None:
    """Return a tensor unchanged, None for any other value."""
    return value if isinstance(value, Tensor) else None


def tensors_in(value: object) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from tensors_in(v)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def replace_tensor(value: object, old: Tensor, new: Tensor) -> object:
    """Return the output of a call, `old` replaced by `new` in it."""
    if value is old:
        return new
    if isinstance(value, dict):
        return {key: replace_tensor(v, old, new) for key, v in value.items()}
    if not isinstance(value, (tuple, list)):
        return value
    parts = [replace_tensor(v, old, new) for v in value]
    make = getattr(type(value), "_make", type(value))  # a named tuple, or a plain one
    return make(parts)

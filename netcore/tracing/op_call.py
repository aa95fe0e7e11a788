"""Calls of layers and functions, and the tensors in their arguments."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from netcore.models.op_names import attention_weights, function_arguments, function_name


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

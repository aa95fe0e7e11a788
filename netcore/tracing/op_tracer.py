"""See each call to PyTorch while a module runs, functional ones included, and make graph nodes of them.

A layer of `torch.nn` is one node, whatever it calls inside. Nothing is traced symbolically, so control flow that
depends on the data is followed as it happens.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn, no_grad
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from netcore.core.trace import LayerTrace
from netcore.models.exported_model import StoredLayer
from netcore.models.op_names import (
    attention_weights,
    function_arguments,
    function_kind,
    function_name,
    function_settings,
    is_layer,
    module_settings,
    output_names,
)

# These change nothing that could be seen: the value keeps the name of what they were given.
_TRANSPARENT = (
    "contiguous",
    "clone",
    "to",
    "float",
    "detach",
    "requires_grad",
    "data",
    "type_as",
    "alias",
    "lift_fresh_copy",
    "to_copy",
)


@dataclass
class TracedOp:
    """One node as it was seen, with the batch; `layer` makes it final once gradients and batch axes are known."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: np.ndarray
    module: str
    settings: Mapping[str, Any]
    weight: Tensor | None = None
    bias: Tensor | None = None
    grad: Tensor | None = None
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    parameter_sizes: dict[str, int] = field(default_factory=dict)
    module_class: str = ""

    def values(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and values of every output, with the batch."""
        yield self.name, self.output
        yield from self.outputs.items()

    def layer(
        self, names: Mapping[int, str], grads: Mapping[int, Tensor], axes: Mapping[str, int | None]
    ) -> LayerTrace:
        """Turn into plain arrays without the batch.

        Parameters
        ----------
        names, grads : names and gradients of the parameters by their ids.
        axes : batch axis by name of the output, see `netcore.tracing.batch_axes.batch_axes`.
        """
        axis = axes.get(self.name)
        return LayerTrace(
            name=self.name,
            kind=self.kind,
            inputs=self.inputs,
            output=without_axis(self.output, axis),
            weight=_optional(self.weight),
            bias=_optional(self.bias),
            grad_output=None if self.grad is None else without_axis(to_numpy(self.grad), axis),
            grad_weight=_optional(grads.get(id(self.weight))),
            grad_bias=_optional(grads.get(id(self.bias))),
            settings=self.settings,
            module=self.module,
            weight_name=names.get(id(self.weight), ""),
            parameter_sizes=self.parameter_sizes,
            outputs={name: without_axis(value, axes.get(name)) for name, value in self.outputs.items()},
            module_class=self.module_class,
            batch_axis=axis,
        )


class OpTracer(TorchFunctionMode):
    """Makes `nodes` of the calls that the image's values go through, while `watching`.

    Parameters
    ----------
    module : nn.Module
        The network.
    x : Tensor
        What it is given, (1, C, H, W).
    names : names of the parameters by the ids of the tensors that the network computes with.
    shapes_only : bool
        Keep no values: outputs are arrays of the right shape, without memory of their own.
    mask : places to set to 0 in the first output of a node, bool tensors by the node's name.
    """

    def __init__(
        self,
        module: nn.Module,
        x: Tensor,
        names: Mapping[int, str] | None = None,
        shapes_only: bool = False,
        mask: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.nodes: list[TracedOp] = []
        self._module = module
        self._paths = {id(m): name for name, m in module.named_modules()}
        self.classes = module_classes(module)
        self._stack: list[str] = []  # paths of the modules being run
        self._layer: nn.Module | None = None  # the layer of torch.nn being run: what it calls inside is its own affair
        self._names: dict[int, str] = {id(x): "input"}  # which node a tensor came from
        self._alive: list[Tensor] = [x]  # keeps the ids in `_names` from being used again
        self._used: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._parameters: dict[int, tuple[str, ...]] = {}  # of which parameters alone a tensor was computed
        self._inside = _Inside()
        self._values = not shapes_only
        self._mask = mask or {}
        self._name_parameters(module, names or {})

    def _name_parameters(self, module: nn.Module, names: Mapping[int, str]) -> None:
        known = {id(p): name for name, p in module.named_parameters()}
        for name, parameter in module.named_parameters():
            self._sizes[name] = parameter.numel()
        self._parameters = {key: (name,) for key, name in (known | dict(names)).items()}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch all modules and calls; outputs are copied at once, so that in-place functions cannot change them."""
        handles = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, with_kwargs=True),
        ]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def saw(self, tensor: Tensor) -> bool:
        """Whether `tensor` came out of a node."""
        return self.name_of(tensor) != "input"

    def name_of(self, tensor: Tensor) -> str:
        """Name of the output that a tensor is; ``"input"`` if it came out of no node."""
        return self._names.get(id(tensor), "input")

    def _enter(self, module: nn.Module, args: Any) -> None:
        if self._layer is None:
            stored = module.path if isinstance(module, StoredLayer) else self._paths.get(id(module), "")
            self._stack.append(stored)
            if isinstance(module, StoredLayer) or is_layer(module):
                self._layer, self._inside = module, _Inside()

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        if self._layer is None:
            self._stack.pop()
        elif self._layer is module:
            path = self._stack.pop()
            if any(id(t) in self._names for t in _tensors((args, kwargs))):
                if isinstance(module, StoredLayer):
                    output = self._add_stored(module, args, output)
                else:
                    output = self._add_layer(module, args, kwargs, output, path)
            self._layer = None  # only now: what is called to make the node is no part of the network
        return output

    def _add_layer(self, module: nn.Module, args: Any, kwargs: Any, output: Any, path: str) -> Any:
        kind = type(module).__name__.removeprefix("Parametrized")
        weight, bias = _tensor(getattr(module, "weight", None)), _tensor(getattr(module, "bias", None))
        attention = self._attention_of(module, args, kwargs)
        return self._add(
            path or kind.lower(), kind, (args, kwargs), output, path, module_settings(module), weight, bias,
            [*module.parameters(), *_tensors((args, kwargs))], attention,
        )  # fmt: skip

    def _add_stored(self, layer: StoredLayer, args: Any, output: Any) -> Any:
        inside = self._inside
        heads = layer.settings.get("num_heads")
        attention = inside.attention
        if attention is not None and attention.ndim == 3 and heads:  # (B * H, T, S)
            attention = attention.unflatten(0, (-1, heads))
        return self._add(
            layer.path, layer.kind, args, output, layer.path, layer.settings, inside.weight, inside.bias,
            inside.tensors, attention if layer.kind == "MultiheadAttention" else None,
        )  # fmt: skip

    def _attention_of(self, module: nn.Module, args: Any, kwargs: Any) -> Tensor | None:
        """Attention weights of each head, (B, H, T, S): computed again, since fused attention does not give them."""
        if not isinstance(module, nn.MultiheadAttention) or not self._values:
            return None
        arguments = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        with no_grad():
            return module.forward(**arguments | {"need_weights": True, "average_attn_weights": False})[1]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._layer is not None and not isinstance(self._layer, StoredLayer):
            return func(*args, **kwargs)
        given = list(_tensors((args, kwargs)))
        source = next((t for t in given if id(t) in self._names), None)
        shape = source.shape if source is not None else ()
        out = func(*args, **kwargs)
        if self._layer is not None:
            self._inside.saw(func, args, kwargs, given, out)
            return out
        if source is None:
            if names := self._names_of(given):
                for tensor in _tensors(out):
                    self._parameters[id(tensor)] = names
                    self._alive.append(tensor)
            return out
        name = function_name(func)
        found = [t for t in _tensors(out) if t.is_floating_point()]
        if name in _TRANSPARENT or not found:
            for tensor in _tensors(out):
                self._remember(tensor, self._names[id(source)])
            return out
        arguments = function_arguments(func, args, kwargs)
        kind = function_kind(name, shape, found[0].shape)
        weight, bias = _tensor(arguments.get("weight")), _tensor(arguments.get("bias"))
        path = self._stack[-1] if self._stack else ""
        title = f"{path}.{name}" if path else name
        if stored := getattr(self._module, "_now", None):  # a stored graph knows what it computes
            title, path, kind = stored[0], stored[1], stored[2] or kind
        attention = attention_weights(arguments) if name == "scaled_dot_product_attention" and self._values else None
        settings = function_settings(kind, arguments)
        return self._add(title, kind, (args, kwargs), out, path, settings, weight, bias, given, attention)

    def _add(
        self, name: str, kind: str, args: Any, output: Any, path: str, settings: Any, weight: Any, bias: Any,
        used: Iterable[Tensor], attention: Tensor | None = None,
    ) -> Any:  # fmt: skip
        """Add a node, and return the output with the masked units set to 0."""
        inputs = tuple(dict.fromkeys(self._names[id(t)] for t in _tensors(args) if id(t) in self._names))
        found = [t for t in _tensors(output) if t.is_floating_point()]
        if not found:
            return output
        first, *others = found
        name = self._unique(name)
        if name in self._mask:
            in_place = self._layer is None and any(first is t for t in used)  # its result need not be used
            masked = (first.masked_fill_ if in_place else first.masked_fill)(self._mask[name], 0)
            output, first = _replace(output, first, masked), masked
        node = TracedOp(
            name, kind, inputs, self._array(first), path, settings, weight, bias,
            parameter_sizes={n: self._sizes[n] for n in self._names_of(used)},
            module_class=self.classes.get(path, ""),
        )  # fmt: skip
        if first.requires_grad:  # a hook sees the value as it is now, also where it is overwritten later
            first.register_hook(lambda grad: setattr(node, "grad", grad))
        self.nodes.append(node)
        self._remember(first, node.name)
        for tensor, word in zip(others, output_names(kind, len(others)), strict=True):
            title = self._unique(f"{node.name}.{word}")
            node.outputs[title] = self._array(tensor)
            self._remember(tensor, title)
        if attention is not None:
            node.outputs[self._unique(f"{node.name}.attention")] = self._array(attention)
        return output

    def _names_of(self, tensors: Iterable[Tensor]) -> tuple[str, ...]:
        """Names of the parameters among `tensors`, and of those that they were computed from."""
        found = (n for t in tensors for n in self._parameters.get(id(t), ()))
        return tuple(n for n in dict.fromkeys(found) if n in self._sizes)

    def _array(self, tensor: Tensor) -> np.ndarray:
        return to_numpy(tensor) if self._values else np.broadcast_to(np.float32(0), tuple(tensor.shape))

    def _unique(self, name: str) -> str:
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return self._unique(f"{name}_{count}") if count else name

    def _remember(self, tensor: Tensor, name: str) -> None:
        self._names[id(tensor)] = name
        self._alive.append(tensor)


class _Inside:
    """What the operators of one call of a stored layer use."""

    def __init__(self) -> None:
        self.weight: Tensor | None = None
        self.bias: Tensor | None = None
        self.attention: Tensor | None = None
        self.tensors: list[Tensor] = []

    def saw(self, func: Any, args: Any, kwargs: Any, given: Iterable[Tensor], out: Any) -> None:
        name = function_name(func)
        self.tensors += given
        arguments = function_arguments(func, args, kwargs)
        if name == "scaled_dot_product_attention":
            self.attention = attention_weights(arguments)
        elif name == "softmax":
            self.attention = out
        elif "weight" in arguments:
            self.weight, self.bias = _tensor(arguments["weight"]), _tensor(arguments.get("bias"))


def module_classes(module: nn.Module) -> dict[str, str]:
    """Class name of every module by its path; of a stored network, as its author wrote it."""
    stored = getattr(module, "module_classes", None)
    if isinstance(stored, Mapping):
        return dict(stored)
    return {path: type(m).__name__.removeprefix("Parametrized") for path, m in module.named_modules()}


def without_axis(values: np.ndarray, axis: int | None) -> np.ndarray:
    """Remove an axis of size 1; None removes none."""
    return values if axis is None else values.squeeze(axis)


def to_numpy(tensor: Tensor) -> np.ndarray:
    """A copy: float32, C-contiguous."""
    return np.array(tensor.detach().float().cpu().numpy(), order="C")


def _optional(tensor: Tensor | None) -> np.ndarray | None:
    return None if tensor is None else to_numpy(tensor)


def _tensor(value: Any) -> Tensor | None:
    return value if isinstance(value, Tensor) else None


def _replace(value: Any, old: Tensor, new: Tensor) -> Any:
    """Return the output of a call, `old` replaced by `new` in it."""
    if value is old:
        return new
    if isinstance(value, dict):
        return type(value)((key, _replace(v, old, new)) for key, v in value.items())
    if not isinstance(value, (tuple, list)):
        return value
    parts = [_replace(v, old, new) for v in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _tensors(v)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))

"""See each call to PyTorch while a module runs, functional ones included, and make graph nodes of them.

A layer of `torch.nn` is one node, whatever it calls inside. Nothing is traced symbolically, so control flow that
depends on the data is followed as it happens.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from netcore.learn.kinds import function_arguments, function_kind, function_name, function_settings, module_settings
from netcore.trace import LayerTrace

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
class Node:
    """One node as it was seen; `layer` makes it final once the gradients are known."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: np.ndarray
    module: str
    settings: Mapping[str, Any]
    weight: Tensor | None = None
    bias: Tensor | None = None
    grad: Tensor | None = None

    def layer(self, names: Mapping[int, str], grads: Mapping[int, Tensor]) -> LayerTrace:
        """Turn into plain arrays; `names` and `grads` have names and gradients of the parameters by their ids."""
        return LayerTrace(
            name=self.name,
            kind=self.kind,
            inputs=self.inputs,
            output=self.output,
            weight=_optional(self.weight),
            bias=_optional(self.bias),
            grad_output=None if self.grad is None else to_numpy(_unbatched(self.grad)),
            grad_weight=_optional(grads.get(id(self.weight))),
            grad_bias=_optional(grads.get(id(self.bias))),
            settings=self.settings,
            module=self.module,
            weight_name=names.get(id(self.weight), ""),
        )


class Watcher(TorchFunctionMode):
    """Makes `nodes` of the calls that the image's values go through, while `watching`.

    Parameters
    ----------
    module : nn.Module
        The network.
    x : Tensor
        What it is given, (1, C, H, W).
    """

    def __init__(self, module: nn.Module, x: Tensor) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self._module = module
        self._paths = {id(m): name for name, m in module.named_modules()}
        self._stack: list[str] = []  # paths of the modules being run
        self._layer: nn.Module | None = None  # the layer of torch.nn being run: what it calls inside is its own affair
        self._names: dict[int, str] = {id(x): "input"}  # which node a tensor came from
        self._alive: list[Tensor] = [x]  # keeps the ids in `_names` from being used again
        self._used: dict[str, int] = {}

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
        return self._names.get(id(tensor), "input") != "input"

    def _enter(self, module: nn.Module, args: Any) -> None:
        if self._layer is None:
            self._stack.append(self._paths.get(id(module), ""))
            if _is_layer(module):
                self._layer = module

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self._layer is None:
            self._stack.pop()
        elif self._layer is module:
            path = self._stack.pop()
            kind = type(module).__name__.removeprefix("Parametrized")
            weight, bias = _tensor(getattr(module, "weight", None)), _tensor(getattr(module, "bias", None))
            if any(id(t) in self._names for t in _tensors((args, kwargs))):
                title = path or kind.lower()
                self._add(title, kind, (args, kwargs), output, path, module_settings(module), weight, bias)
            self._layer = None  # only now: what is called to make the node is no part of the network

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._layer is not None:
            return func(*args, **kwargs)
        source = next((t for t in _tensors((args, kwargs)) if id(t) in self._names), None)
        shape = source.shape if source is not None else ()
        out = func(*args, **kwargs)
        if source is None:
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
        self._add(title, kind, (args, kwargs), out, path, function_settings(kind, arguments), weight, bias)
        return out

    def _add(
        self, name: str, kind: str, args: Any, output: Any, path: str, settings: Any, weight: Any, bias: Any
    ) -> None:
        inputs = tuple(dict.fromkeys(self._names[id(t)] for t in _tensors(args) if id(t) in self._names))
        for tensor in _tensors(output):
            if not tensor.is_floating_point():
                continue
            node = Node(self._unique(name), kind, inputs, to_numpy(_unbatched(tensor)), path, settings, weight, bias)
            if tensor.requires_grad:  # a hook sees the value as it is now, also where it is overwritten later
                tensor.register_hook(lambda grad, node=node: setattr(node, "grad", grad))
            self.nodes.append(node)
            self._remember(tensor, node.name)

    def _unique(self, name: str) -> str:
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return self._unique(f"{name}_{count}") if count else name

    def _remember(self, tensor: Tensor, name: str) -> None:
        self._names[id(tensor)] = name
        self._alive.append(tensor)


def _is_layer(module: nn.Module) -> bool:
    """Whether a module is one node: PyTorch's own, those apart that are made of others."""
    own = type(module).__module__.startswith("torch.nn.")
    parts = [name for name, _ in module.named_children() if name != "parametrizations"]
    whole = not parts or isinstance(module, nn.MultiheadAttention)
    return own and whole and not isinstance(module, nn.Sequential)


def to_numpy(tensor: Tensor) -> np.ndarray:
    """A copy: float32, C-contiguous."""
    return np.array(tensor.detach().float().cpu().numpy(), order="C")


def _optional(tensor: Tensor | None) -> np.ndarray | None:
    return None if tensor is None else to_numpy(tensor)


def _tensor(value: Any) -> Tensor | None:
    return value if isinstance(value, Tensor) else None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _tensors(v)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _unbatched(tensor: Tensor) -> Tensor:
    return tensor[0] if tensor.ndim and tensor.shape[0] == 1 else tensor

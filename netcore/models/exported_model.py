"""Compute a network from its stored graph: PyTorch's own operators by name, no code of the network's author."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netcore.core.errors import NetcoreError

FUNCTIONS = ("getitem", "add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "pow")  # of Python's, on sizes


DROPOUTS = (torch.ops.aten.dropout.default, torch.ops.aten.feature_dropout.default)


class ExportedLayer(nn.Module):
    """One call of a layer of `torch.nn` that the graph holds as several operators; a trace has it as one node.

    Parameters
    ----------
    entry : mapping
        Of ``layers`` in the graph: module, kind, settings, numbers of the first and the last node, and of the outputs.
    """

    def __init__(self, entry: Mapping[str, Any]) -> None:
        super().__init__()
        self.path, self.kind = str(entry["module"]), str(entry["kind"])
        self.nodes = range(int(entry["first"]), int(entry["last"]) + 1)
        self.outputs = tuple(int(k) for k in entry["outputs"])
        self.settings = {k: tuple(v) if isinstance(v, list) else v for k, v in entry["settings"].items()}

    def forward(self, compute: Callable[[], tuple[Any, ...]], *inputs: Any) -> tuple[Any, ...]:
        """Compute the outputs; `inputs` are there for those who watch."""
        return compute()


class ExportedModel(nn.Module):
    """A network whose forward is a list of operators.

    Parameters
    ----------
    graph : dict
        As `netcore.models.export.export_graph` wrote it; without ``modules`` and ``layers`` in version 1.
    constants : dict of arrays
    """

    def __init__(self, graph: Mapping[str, Any], constants: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        # The node being computed, for traces: name, path of the module it belongs to, that module's class or "".
        self.current_call = ("", "", "")
        self._drops = nn.ModuleList()
        try:
            self._owners = {k: self._register(k, v) for k, v in graph["state"].items()}
            self._constants = {k: torch.from_numpy(v) for k, v in constants.items()}
            self._nodes = [self._read(node) for node in graph["nodes"]]
            self._output = _decoded(graph["output"])
            self.module_classes = dict(graph.get("modules", {}))
            self._layers = {layer.nodes.start: layer for layer in map(ExportedLayer, graph.get("layers", ()))}
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise NetcoreError(f"the stored network is damaged ({type(error).__name__}: {error})") from error

    def _register(self, name: str, entry: Mapping[str, Any]) -> tuple[nn.Module, str]:
        """Make the parameter or buffer `name`, and the modules on the way to it."""
        *path, leaf = name.split(".")
        owner: nn.Module = self
        for part in path:
            if part not in owner._modules:
                owner.add_module(part, nn.Module())
            owner = owner._modules[part]
        value = torch.zeros(entry["shape"], dtype=_torch(entry["dtype"]))
        if entry["parameter"]:
            owner.register_parameter(leaf, nn.Parameter(value, requires_grad=value.is_floating_point()))
        else:
            owner.register_buffer(leaf, value)
        return owner, leaf

    def _read(self, node: Mapping[str, Any]) -> tuple[Any, ...]:
        """A node of the graph as function, arguments, and what traces call it."""
        function, args = resolve_operator(node["op"]), _decoded(node["args"])
        if function in DROPOUTS:  # drops while a module of its own is in training mode, as in other networks
            args[2] = _Ref("drop", len(self._drops))
            self._drops.append(nn.Dropout(args[1]))
        kwargs = {k: _decoded(v) for k, v in node["kwargs"].items()}
        return function, args, kwargs, (node.get("name", ""), node.get("module", ""), node.get("kind", ""))

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to scores (B, K)."""
        values: list[Any] = []

        def look(ref: "_Ref") -> Any:
            if ref.kind == "node":
                return values[ref.key]
            if ref.kind == "state":
                owner, leaf = self._owners[ref.key]
                return getattr(owner, leaf)
            if ref.kind == "drop":
                return self._drops[ref.key].training
            if ref.kind == "device":  # where the network runs now, not where it was stored
                return x.device
            return x if ref.kind == "input" else self._constants[ref.key].to(x.device)

        def compute(number: int) -> None:
            function, args, kwargs, self.current_call = self._nodes[number]
            values.append(function(*_filled(args, look), **_filled(kwargs, look)))

        def compute_layer(layer: ExportedLayer) -> tuple[Any, ...]:
            for number in layer.nodes:
                compute(number)
            return tuple(values[k] for k in layer.outputs)

        while len(values) < len(self._nodes):
            number = len(values)
            layer = self._layers.get(number)
            if layer is None:
                compute(number)
            else:
                inputs = [look(ref) for k in layer.nodes for ref in _refs(self._nodes[k][1:3], number)]
                layer(lambda layer=layer: compute_layer(layer), *inputs)
        return look(self._output)


class _Ref:
    """What only the computation knows: ``node`` k, ``state`` name, ``constant`` name, ``input`` or ``device``."""

    def __init__(self, kind: str, key: Any) -> None:
        self.kind, self.key = kind, key


def resolve_operator(name: str) -> Callable[..., Any]:
    """Find an operator: ``aten.relu.default`` is PyTorch's, ``operator.mul`` Python's on sizes.

    Raises
    ------
    NetcoreError
        If there is none, or it could touch files.
    """
    space, _, rest = name.partition(".")
    if space == "operator" and rest in FUNCTIONS:
        return getattr(operator, rest)
    packet, _, overload = rest.partition(".")
    found = getattr(getattr(torch.ops.aten, packet, None), overload, None) if space == "aten" and overload else None
    if not isinstance(found, torch._ops.OpOverload) or any(a.name == "filename" for a in found._schema.arguments):
        raise NetcoreError(f"the stored network calls '{name}', which this PyTorch does not have")
    return found


def _decoded(value: Any) -> Any:
    """JSON to arguments; what only the computation knows becomes a `_Ref`."""
    if isinstance(value, list):
        return [_decoded(v) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in ("node", "state", "constant", "input", "device"):
        return _Ref(kind, content)
    return {"torch": _torch, "number": float}[kind](content)


def _filled(value: Any, look: Callable[[_Ref], Any]) -> Any:
    if isinstance(value, _Ref):
        return look(value)
    if isinstance(value, list):
        return [_filled(v, look) for v in value]
    if isinstance(value, dict):
        return {k: _filled(v, look) for k, v in value.items()}
    return value


def _refs(value: Any, before: int) -> Iterator[_Ref]:
    """Those of the arguments that are the input, or nodes before number `before`."""
    if isinstance(value, _Ref):
        if value.kind == "input" or (value.kind == "node" and value.key < before):
            yield value
    elif isinstance(value, (list, tuple, dict)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from _refs(v, before)


def _torch(name: str) -> Any:
    """A dtype, layout or memory format of PyTorch by name."""
    found = getattr(torch, name, None)
    if not isinstance(found, (torch.dtype, torch.layout, torch.memory_format)):
        raise NetcoreError(f"the stored network needs '{name}', which this PyTorch does not have")
    return found

"""Compute a network from its exported graph of PyTorch operators."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netcore.core.errors import NetcoreError
from netcore.models.architecture import MAX_PARAMETERS
from netcore.models.operators import resolve_operator

MAX_NODES = 20_000
MAX_SECONDS = 600.0  # of one pass
DROPOUTS = (torch.ops.aten.dropout.default, torch.ops.aten.feature_dropout.default)


class ExportedLayer(nn.Module):
    """One call of a layer of `torch.nn` that the graph stores as several operators.

    A trace has it as one operation.

    Parameters
    ----------
    entry : mapping
        Entry of "layers" in the graph: module, kind, settings, numbers of the first and last node and of the outputs.
    """

    def __init__(self, entry: Mapping[str, Any]) -> None:
        super().__init__()
        self.path, self.kind = str(entry["module"]), str(entry["kind"])
        self.nodes = range(int(entry["first"]), int(entry["last"]) + 1)
        self.outputs = tuple(int(k) for k in entry["outputs"])
        self.settings = {k: tuple(v) if isinstance(v, list) else v for k, v in entry["settings"].items()}

    def forward(self, compute: Callable[[], tuple[object, ...]], *inputs: object) -> tuple[object, ...]:
        """Compute the outputs; `inputs` are there for forward hooks."""
        return compute()


class ExportedModel(nn.Module):
    """A network whose forward is a list of operators.

    Parameters
    ----------
    graph : mapping
        As `netcore.models.export.export_graph` returns it; version 1 has no "modules" and "layers".
    constants : mapping of ndarray
    device : str
        Of parameters, buffers and constants.
    state : mapping of Tensor, optional
        Parameters and buffers by name, whose memory the network shares. Default: zeros.
    allocate : bool
        Whether the zeros take memory. If not, values must be assigned, not copied to them.

    Attributes
    ----------
    current_call : tuple of str
        The node being computed: its name, the path of its module, and that module's class or "". Read by
        `netcore.tracing.op_tracer`.
    module_classes : dict of str
        Class of every module by its path.
    """

    def __init__(
        self,
        graph: Mapping[str, Any],
        constants: Mapping[str, NDArray[Any]],
        device: str = "cpu",
        state: Mapping[str, Tensor] | None = None,
        allocate: bool = True,
    ) -> None:
        super().__init__()
        self._given, self._allocate = state or {}, allocate
        self.current_call = ("", "", "")
        self._drops = nn.ModuleList()
        try:
            _check_limits(graph)
            self._owners = {k: self._register(k, v, device) for k, v in graph["state"].items()}
            self._given = {}
            self._constants = {k: torch.from_numpy(v).to(device) for k, v in constants.items()}
            self._nodes = [self._read_node(node) for node in graph["nodes"]]
            self._output = _decode(graph["output"])
            self.module_classes = {str(k): str(v) for k, v in graph.get("modules", {}).items()}
            self._layers = {layer.nodes.start: layer for layer in map(ExportedLayer, graph.get("layers", ()))}
            self._check_references()
            self._done_after = self._last_readers()
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
            line = " ".join(str(error).split())[:200]
            raise NetcoreError(f"the stored network is damaged ({type(error).__name__}: {line})") from error

    def _register(self, name: str, entry: Mapping[str, Any], device: str) -> tuple[nn.Module, str]:
        """Make the parameter or buffer `name`, and the modules that its path names."""
        *path, leaf = name.split(".")
        owner: nn.Module = self
        for part in path:
            if part not in owner._modules:
                owner.add_module(part, nn.Module())
            owner = owner.get_submodule(part)
        given = self._given.get(name)
        if given is None:
            shape = entry["shape"] if self._allocate else ()
            zeros = torch.zeros(shape, dtype=_torch_constant(entry["dtype"]), device=device)
            value = zeros.expand(entry["shape"])
        else:
            value = given.detach().to(device, _torch_constant(entry["dtype"])).view(entry["shape"])
        if entry["parameter"]:
            owner.register_parameter(leaf, nn.Parameter(value, requires_grad=value.is_floating_point()))
        else:
            owner.register_buffer(leaf, value)
        return owner, leaf

    def _read_node(self, node: Mapping[str, Any]) -> "_Node":
        function, args = resolve_operator(node["op"]), _decode(node["args"])
        if function in DROPOUTS:  # active if a module of its own is in training mode, as in other networks
            args[2] = _Ref("drop", len(self._drops))
            self._drops.append(nn.Dropout(args[1]))
        kwargs = {k: _decode(v) for k, v in node["kwargs"].items()}
        return _Node(function, args, kwargs, (node.get("name", ""), node.get("module", ""), node.get("kind", "")))

    def _check_references(self) -> None:
        """Raise ValueError at a reference to what does not exist, or a layer that is not a range of nodes."""
        for number, value in enumerate([*([n.args, n.kwargs] for n in self._nodes), self._output]):
            known = {"node": range(number), "state": self._owners, "constant": self._constants}
            for ref in _all_refs(value):
                if ref.kind in known and (type(ref.key) is bool or ref.key not in known[ref.kind]):
                    raise ValueError(f"node {number} reads {ref.kind} {ref.key!r}, which does not exist")
        for layer in self._layers.values():
            inside = layer.nodes
            if not (inside and inside.start >= 0 and inside.stop <= len(self._nodes)):
                raise ValueError(f"layer '{layer.path}' has no nodes")
            if not set(layer.outputs) <= set(inside):
                raise ValueError(f"layer '{layer.path}' has outputs of other layers")

    def _last_readers(self) -> dict[int, list[int]]:
        """Return, by the number of a node, the nodes whose values nothing reads after it."""
        last = {
            ref.key: number
            for number, node in enumerate(self._nodes)
            for ref in _all_refs([node.args, node.kwargs])
            if ref.kind == "node"
        }
        last |= {k: max(last.get(k, k), layer.nodes.stop) for layer in self._layers.values() for k in layer.outputs}
        read_at_end = {ref.key for ref in _all_refs(self._output) if ref.kind == "node"}
        found: dict[int, list[int]] = {}
        for node, reader in last.items():
            if node not in read_at_end:
                found.setdefault(reader, []).append(node)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Compute the scores (B, K) of images (B, C, H, W)."""
        values: list[Any] = []
        look_up = partial(self._look_up, x, values)
        last = time.monotonic() + MAX_SECONDS

        def compute(number: int) -> None:
            node = self._nodes[number]
            self.current_call = node.call
            if time.monotonic() > last:
                raise NetcoreError(
                    f"one pass of the stored network takes longer than {MAX_SECONDS:g} s: use fewer images"
                )
            values.append(self.compute_node(node.function, _fill(node.args, look_up), _fill(node.kwargs, look_up)))
            for done in self._done_after.get(number, ()):
                values[done] = None  # its memory is free for what follows

        def compute_layer(layer: ExportedLayer) -> tuple[object, ...]:
            for number in layer.nodes:
                compute(number)
            return tuple(values[k] for k in layer.outputs)

        while len(values) < len(self._nodes):
            number = len(values)
            layer = self._layers.get(number)
            if layer is None:
                compute(number)
            else:
                nodes = [self._nodes[k] for k in layer.nodes]
                inputs = [look_up(ref) for node in nodes for ref in _outer_refs([node.args, node.kwargs], number)]
                layer(partial(compute_layer, layer), *inputs)
        return look_up(self._output)

    def compute_node(self, function: Callable[..., object], args: list[Any], kwargs: dict[str, Any]) -> object:
        """Call the operator of one node."""
        return function(*args, **kwargs)

    def _look_up(self, x: Tensor, values: list[Any], ref: "_Ref") -> Any:  # noqa: ANN401 (tensors, sizes, lists of both)
        match ref.kind:
            case "input":
                return x
            case "node":
                return values[ref.key]
            case "state":
                owner, leaf = self._owners[ref.key]
                return getattr(owner, leaf)
            case "drop":
                return self._drops[ref.key].training
            case "device":  # where the network runs now, not where it was exported
                return x.device
        return self._constants[ref.key].to(x.device)


@dataclass(frozen=True)
class _Ref:
    """A value known only during the computation."""

    kind: str  # input, node, state, constant, device or drop
    key: Any  # number of a node or dropout, name of a parameter or constant


@dataclass(frozen=True)
class _Node:
    """One operator with its arguments, and what traces call it."""

    function: Callable[..., object]
    args: list[Any]
    kwargs: dict[str, Any]
    call: tuple[str, str, str]


def _decode(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Convert JSON to arguments, with a `_Ref` for each value that only the computation knows."""
    if isinstance(value, list):
        return [_decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in ("node", "state", "constant", "input", "device"):
        return _Ref(kind, content)
    return float(content) if kind == "number" else _torch_constant({"torch": content}[kind])


def _fill(value: Any, look_up: Callable[[_Ref], Any]) -> Any:  # noqa: ANN401 (arguments of any operator)
    """Replace each `_Ref` by its value."""
    if isinstance(value, _Ref):
        return look_up(value)
    if isinstance(value, list):
        return [_fill(v, look_up) for v in value]
    if isinstance(value, dict):
        return {k: _fill(v, look_up) for k, v in value.items()}
    return value


def _outer_refs(value: object, before: int) -> Iterator[_Ref]:
    """Yield references to the input or to nodes before number `before`."""
    for ref in _all_refs(value):
        if ref.kind == "input" or (ref.kind == "node" and ref.key < before):
            yield ref


def _all_refs(value: object) -> Iterator[_Ref]:
    if isinstance(value, _Ref):
        yield value
    elif isinstance(value, (list, dict)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from _all_refs(v)


def _check_limits(graph: Mapping[str, Any]) -> None:
    """Raise ValueError if a graph is larger than any classifier, before memory is taken for it."""
    if len(graph["nodes"]) > MAX_NODES:
        raise ValueError(f"it has {len(graph['nodes']):,} nodes, more than {MAX_NODES:,}")
    shapes = [entry["shape"] for entry in graph["state"].values()]
    if not all(isinstance(size, int) and size >= 0 for shape in shapes for size in shape):
        raise ValueError("a shape is not a list of sizes")
    total = sum(math.prod(shape) for shape in shapes)
    if total > MAX_PARAMETERS:
        raise ValueError(f"it has {total:,} parameters, more than {MAX_PARAMETERS:,}")


def _torch_constant(name: str) -> Any:  # noqa: ANN401 (a dtype, layout or memory format)
    """Find a dtype, layout or memory format of PyTorch by name."""
    found = getattr(torch, str(name), None)
    if not isinstance(found, (torch.dtype, torch.layout, torch.memory_format)):
        raise NetcoreError(f"the stored network needs '{name}', which this PyTorch does not have")
    return found

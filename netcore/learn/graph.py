"""A network's graph as plain JSON, so that a run can be traced without the code that made it, and nothing is unpickled.

`torch.export` follows the network once for images of one size and batches of any; what it finds are PyTorch's own
operators, which are stored by name with their arguments. `netcore.learn.stored` computes such a graph.
"""

import copy
import io
import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export.graph_signature import InputKind

from netcore.errors import NetcoreError
from netcore.learn.kinds import function_name
from netcore.learn.stored import FUNCTIONS, StoredNetwork, operator_of

Graph = dict[str, Any]
_SCOPES = {"wrap_with_set_grad_enabled": "torch.no_grad()", "wrap_with_autocast": "torch.autocast()"}


def store_graph(module: nn.Module, shape: tuple[int, int, int]) -> tuple[Graph, dict[str, np.ndarray]]:
    """Write down a classifier's graph, and prove that computing it gives what the module gives.

    Parameters
    ----------
    module : nn.Module
        Not changed.
    shape : (C, H, W)
        Of one image.

    Returns
    -------
    graph : dict
        JSON: ``state`` (parameters and buffers by name), ``nodes`` in order, ``output``.
    constants : dict of arrays
        Tensors that the graph needs and the module's `state_dict` does not have.

    Raises
    ------
    NetcoreError
        If the network's control flow depends on the image's values, it gives several outputs, or does not give the
        same scores when computed from its graph.
    """
    module = plain_copy(module)
    name = type(module).__name__
    try:
        with _quiet():
            program = torch.export.export(
                module, (torch.zeros(2, *shape),), dynamic_shapes=({0: torch.export.Dim.AUTO},), strict=False
            )
    except Exception as error:  # anyone's module, and the exporter's many ways to give up
        if "data-dependent" in str(error) or "DataDependent" in type(error).__name__:
            raise NetcoreError(
                f"{name} decides by the image's values what to compute; a run can only hold a fixed graph"
            ) from error
        raise NetcoreError(f"the graph of {name} cannot be stored ({_line(error)})") from error
    graph, constants = _Writer(module, program).written()
    _prove(module, StoredNetwork(graph, constants), shape)
    return graph, constants


def plain_copy(module: nn.Module) -> nn.Module:
    """A copy on the CPU, in float32 and evaluation mode; wrappers for several devices or compilation are taken off."""
    module = unwrapped(module)
    try:
        module = copy.deepcopy(module)
    except Exception as error:  # a module can hold what cannot be copied, a lock say
        raise NetcoreError(f"{type(module).__name__} cannot be copied ({_line(error)})") from error
    return module.cpu().float().eval()


def unwrapped(module: nn.Module) -> nn.Module:
    """The network within `torch.compile` or `DataParallel`."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = module.module
        if inner is None:
            return module
        module = inner


class _Writer:
    """Turns an exported program into JSON."""

    def __init__(self, module: nn.Module, program: torch.export.ExportedProgram) -> None:
        self.module, self.program = module, program
        self.name = type(module).__name__
        self.constants: dict[str, np.ndarray] = {}
        self.values: dict[str, Any] = {}  # name of an fx node -> how it is referred to
        self.nodes: list[dict[str, Any]] = []

    def written(self) -> tuple[Graph, dict[str, np.ndarray]]:
        self._inputs()
        calls = [node for node in self.program.graph.nodes if node.op == "call_function"]
        outputs = Counter(_call_of(node)[0] for node in calls if _gives_tensors(node))
        for node in calls:
            self._node(node, outputs)
        strange = [n.op for n in self.program.graph.nodes if n.op not in ("placeholder", "call_function", "output")]
        scores = next(n for n in self.program.graph.nodes if n.op == "output").args[0]
        if strange:
            raise NetcoreError(f"the graph of {self.name} cannot be stored: it has a node '{strange[0]}'")
        if len(scores) != 1 or not isinstance(scores[0], torch.fx.Node):
            raise NetcoreError(f"{self.name} must give one tensor of scores, it gives {len(scores)} values")
        parameters = {k for k, _ in self.module.named_parameters(remove_duplicate=False)}
        state = {
            k: {"shape": list(v.shape), "dtype": str(v.dtype).removeprefix("torch."), "parameter": k in parameters}
            for k, v in self.module.state_dict().items()
        }
        return {"state": state, "nodes": self.nodes, "output": self.values[scores[0].name]}, self.constants

    def _inputs(self) -> None:
        state = self.module.state_dict()
        for spec in self.program.graph_signature.input_specs:
            name = spec.arg.name
            if spec.kind == InputKind.USER_INPUT:
                self.values[name] = {"input": 0}
            elif spec.target in state:
                self.values[name] = {"state": spec.target}
            else:
                self.constants[spec.target] = self.program.constants[spec.target].detach().numpy()
                self.values[name] = {"constant": spec.target}

    def _node(self, node: torch.fx.Node, outputs: Counter[str]) -> None:
        op = _operator_name(node.target)
        if op.startswith("aten._assert"):  # of the exporter: what holds for the shape it saw
            return
        try:
            operator_of(op)
        except NetcoreError:
            raise NetcoreError(
                f"{self.name} has {_SCOPES.get(op, op)} in its forward, which a run cannot hold"
            ) from None
        call, path, kind = _call_of(node)
        entry = {"op": op, "args": self._json(list(node.args)), "kwargs": self._json(dict(node.kwargs))}
        if _gives_tensors(node):
            whole = kind and outputs[call] == 1  # the call of a layer that is one operator
            title = function_name(node.target)
            entry["name"] = path if whole else f"{path}.{title}".lstrip(".")
            entry["module"] = path
            if whole:
                entry["kind"] = kind
        self.values[node.name] = {"node": len(self.nodes)}
        self.nodes.append(entry)

    def _json(self, value: Any) -> Any:
        if isinstance(value, torch.fx.Node):
            return self.values[value.name]
        if isinstance(value, (list, tuple)):
            return [self._json(v) for v in value]
        if isinstance(value, dict):
            return {k: self._json(v) for k, v in value.items()}
        if isinstance(value, float) and not np.isfinite(value):
            return {"number": str(value)}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, torch.device):
            return {"device": 0}
        if isinstance(value, (torch.dtype, torch.memory_format, torch.layout)):
            return {"torch": str(value).removeprefix("torch.")}
        raise NetcoreError(f"{self.name} passes a {type(value).__name__} to an operator, which a run cannot hold")


def _operator_name(target: Any) -> str:
    """``aten.relu.default``, or ``operator.mul`` where sizes are computed."""
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    name = getattr(target, "__name__", str(target))
    return f"operator.{name}" if name in FUNCTIONS else str(name)


def _gives_tensors(node: torch.fx.Node) -> bool:
    """Whether a node is an operator whose values can be shown: not a size, nor a part of a tuple."""
    return isinstance(node.target, torch._ops.OpOverload) and isinstance(node.meta.get("val"), (Tensor, tuple, list))


def _call_of(node: torch.fx.Node) -> tuple[str, str, str]:
    """Which call of which module a node belongs to: (unique key, path, class where it is a layer of `torch.nn`)."""
    stack = list((node.meta.get("nn_module_stack") or {}).items())
    if not stack or stack[-1][0].startswith("_empty"):
        return "", "", ""
    key, (path, kind) = stack[-1]
    title = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    return key, path, title.rpartition(".")[2].removeprefix("Parametrized") if title.startswith("torch.nn.") else ""


def _prove(module: nn.Module, stored: StoredNetwork, shape: tuple[int, int, int]) -> None:
    stored.load_state_dict(module.state_dict())
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for batch in (images[:1], images):
            try:
                expected, found = module(batch), stored.eval()(batch)
                same = torch.allclose(expected, found, rtol=1e-4, atol=1e-5 * max(1.0, expected.abs().max().item()))
            except Exception as error:
                raise NetcoreError(
                    f"{type(module).__name__} must take batches of any number of images ({_line(error)})"
                ) from error
            if not same:
                raise NetcoreError(
                    f"{type(module).__name__} gives other scores each time, or other ones than its graph: a run cannot "
                    "hold it"
                )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's long reports off the screen; what matters of them is in its exception."""
    logging.disable(logging.CRITICAL)
    try:
        nowhere = io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _line(error: Exception) -> str:
    lines = str(error).strip().split("\n")
    return f"{type(error).__name__}: {lines[0][:200]}"

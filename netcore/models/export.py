"""A network's graph as plain JSON, so that a run can be traced without the code that made it, and nothing is unpickled.

`torch.export` follows the network once for images of one size and batches of any; what it finds are PyTorch's own
operators, which are stored by name with their arguments. `netcore.models.exported_model` computes such a graph.
"""

import copy
import io
import json
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

from netcore.core.errors import NetcoreError
from netcore.models.exported_model import FUNCTIONS, ExportedModel, resolve_operator
from netcore.models.op_names import function_name, is_layer, module_settings

Graph = dict[str, Any]
_SCOPES = {"wrap_with_set_grad_enabled": "torch.no_grad()", "wrap_with_autocast": "torch.autocast()"}


def export_graph(module: nn.Module, shape: tuple[int, int, int]) -> tuple[Graph, dict[str, np.ndarray]]:
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
        JSON: ``version``, ``state`` (parameters and buffers by name), ``modules`` (class by path), ``nodes`` in order
        (of which module, of which class, in which of its calls), ``layers`` (calls of layers of `torch.nn` that are
        several nodes), ``output``.
    constants : dict of arrays
        Tensors that the graph needs and the module's `state_dict` does not have.

    Raises
    ------
    NetcoreError
        If the network's control flow depends on the image's values, it gives several outputs, or does not give the
        same scores when computed from its graph.
    """
    module = cpu_copy(module)
    name = type(module).__name__
    try:
        with _quiet():
            program = torch.export.export(
                module, (torch.zeros(2, *shape),), dynamic_shapes=({0: torch.export.Dim.AUTO},), strict=False
            )
    except Exception as error:  # anyone's module, and the exporter's many ways to give up
        if "data-dependent" in str(error) or "DataDependent" in type(error).__name__:
            raise NetcoreError(
                f"{name} has control flow that depends on the image; only a fixed graph can be stored"
            ) from error
        raise NetcoreError(f"the graph of {name} cannot be stored ({_line(error)})") from error
    graph, constants = _Writer(module, program).written()
    _prove(module, ExportedModel(graph, constants), shape)
    return graph, constants


def cpu_copy(module: nn.Module) -> nn.Module:
    """A copy on the CPU, in float32 and evaluation mode; wrappers for several devices or compilation are taken off."""
    module = unwrap(module)
    try:
        module = copy.deepcopy(module)
    except Exception as error:  # a module can hold what cannot be copied, a lock say
        raise NetcoreError(f"{type(module).__name__} cannot be copied ({_line(error)})") from error
    return module.cpu().float().eval()


def unwrap(module: nn.Module) -> nn.Module:
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
        self.paths = dict(module.named_modules(remove_duplicate=False))
        self.counts: Counter[str] = Counter()  # calls of a module so far, by its path
        self.constants: dict[str, np.ndarray] = {}
        self.values: dict[str, Any] = {}  # name of an fx node -> how it is referred to
        self.nodes: list[dict[str, Any]] = []
        self.calls: dict[str, int] = {}  # key of the exporter's for a call -> which call of its module
        self.members: dict[str, list[int]] = {}  # key of a call of a layer -> its nodes

    def written(self) -> tuple[Graph, dict[str, np.ndarray]]:
        self._inputs()
        calls = [node for node in self.program.graph.nodes if node.op == "call_function"]
        outputs = Counter(self._call_of(node)[0] for node in calls if _gives_tensors(node))
        for node in calls:
            self._node(node, outputs)
        strange = [n.op for n in self.program.graph.nodes if n.op not in ("placeholder", "call_function", "output")]
        scores = next(n for n in self.program.graph.nodes if n.op == "output").args[0]
        if strange:
            raise NetcoreError(f"the graph of {self.name} cannot be stored: it has a node '{strange[0]}'")
        if len(scores) != 1 or not isinstance(scores[0], torch.fx.Node):
            raise NetcoreError(
                f"{self.name} must return one tensor of logits, got {len(scores)} values: wrap it in a module whose "
                "forward returns the logits"
            )
        parameters = {k for k, _ in self.module.named_parameters(remove_duplicate=False)}
        state = {
            k: {"shape": list(v.shape), "dtype": str(v.dtype).removeprefix("torch."), "parameter": k in parameters}
            for k, v in self.module.state_dict().items()
        }
        output = self.values[scores[0].name]
        graph = {
            "version": 2,
            "state": state,
            "modules": {k: _class_of(m) for k, m in self.module.named_modules()},
            "nodes": self.nodes,
            "layers": self._layers(output),
            "output": output,
        }
        return graph, self.constants

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
            resolve_operator(op)
        except NetcoreError:
            raise NetcoreError(
                f"{self.name} has {_SCOPES.get(op, op)} in its forward, which cannot be stored in a run"
            ) from None
        call, path, kind = self._call_of(node)
        entry = {"op": op, "args": self._json(list(node.args)), "kwargs": self._json(dict(node.kwargs))}
        if _gives_tensors(node):
            whole = kind and outputs[call] == 1  # the call of a layer that is one operator
            title = function_name(node.target)
            entry["name"] = path if whole else f"{path}.{title}".lstrip(".")
            entry |= {
                "module": path,
                "class": _class_of(self.module.get_submodule(path)),
                "call": self._number(call, path),
            }
            if whole:
                entry["kind"] = kind
            elif kind:
                self.members.setdefault(call, []).append(len(self.nodes))
        elif call in self.members:  # a part of a tuple
            self.members[call].append(len(self.nodes))
        self.values[node.name] = {"node": len(self.nodes)}
        self.nodes.append(entry)

    def _call_of(self, node: torch.fx.Node) -> tuple[str, str, str]:
        """Which call of which module a node belongs to: (unique key, path, class where it is a layer of `torch.nn`)."""
        found = ("", "", "")
        for key, (path, _) in (node.meta.get("nn_module_stack") or {}).items():
            path = path.partition("@")[0]
            if key.startswith("_empty") or path not in self.paths:
                continue
            module = self.paths[path]
            if is_layer(module):  # whatever it is made of: its call is one
                return key, path, _class_of(module)
            found = (key, path, "")
        return found

    def _number(self, call: str, path: str) -> int:
        if call not in self.calls:
            self.calls[call] = self.counts[path]
            self.counts[path] += 1
        return self.calls[call]

    def _layers(self, output: Any) -> list[dict[str, Any]]:
        """Give one entry for each call of a layer that is several nodes, if they follow each other."""
        found = []
        for members in self.members.values():
            first, last = members[0], members[-1]
            between = {k for k in range(first, last + 1) if "module" in self.nodes[k]}
            if not between <= set(members):
                continue
            entry = self.nodes[first]
            settings = {k: v for k, v in module_settings(self.paths[entry["module"]]).items() if _is_json(v)}
            outputs = self._outputs(first, last, output)
            place = {"module": entry["module"], "kind": entry["class"], "first": first, "last": last}
            found.append(place | {"outputs": outputs, "settings": settings})
        return found

    def _outputs(self, first: int, last: int, output: Any) -> list[int]:
        """Numbers of the nodes whose values leave a layer, the module's own first output first."""
        inside = range(first, last + 1)
        users = [*self.nodes[:first], *self.nodes[last + 1 :], {"args": output, "kwargs": {}}]
        used = sorted({k for n in users for k in _references([n["args"], n["kwargs"]]) if k in inside})
        tuples = {self.nodes[k]["args"][0]["node"] for k in used if self.nodes[k]["op"] == "operator.getitem"}
        if len(tuples) == 1:  # a recurrent layer's operator: (output, last states…)
            return sorted(tuples)
        return used[::-1]  # attention computes its weights before its output

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
        raise NetcoreError(
            f"{self.name} passes a {type(value).__name__} to an operator, which cannot be stored in a run"
        )


def _operator_name(target: Any) -> str:
    """``aten.relu.default``, or ``operator.mul`` where sizes are computed."""
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    name = getattr(target, "__name__", str(target))
    return f"operator.{name}" if name in FUNCTIONS else str(name)


def _gives_tensors(node: torch.fx.Node) -> bool:
    """Whether a node is an operator whose values can be shown: not a size, nor a part of a tuple."""
    return isinstance(node.target, torch._ops.OpOverload) and isinstance(node.meta.get("val"), (Tensor, tuple, list))


def _class_of(module: nn.Module) -> str:
    return type(module).__name__.removeprefix("Parametrized")


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _references(value: Any) -> Iterator[int]:
    """Numbers of the nodes that arguments refer to."""
    if isinstance(value, dict):
        if isinstance(value.get("node"), int):
            yield value["node"]
        value = list(value.values())
    if isinstance(value, list):
        for v in value:
            yield from _references(v)


def _prove(module: nn.Module, stored: ExportedModel, shape: tuple[int, int, int]) -> None:
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
                    f"{type(module).__name__} is not deterministic, or differs from its exported graph: it cannot be "
                    "stored in a run"
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

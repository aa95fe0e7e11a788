"""Convert a program of `torch.export` to a graph in JSON."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export.graph_signature import InputKind

from netcore.core.errors import NetcoreError
from netcore.models.op_names import function_name, is_layer, module_settings
from netcore.models.operators import FUNCTIONS, resolve_operator

Graph = dict[str, Any]
_SCOPES = {"wrap_with_set_grad_enabled": "torch.no_grad()", "wrap_with_autocast": "torch.autocast()"}


class GraphWriter:
    """Convert an exported program to JSON.

    Parameters
    ----------
    module : nn.Module
    program : ExportedProgram
        Of this module.
    """

    def __init__(self, module: nn.Module, program: torch.export.ExportedProgram) -> None:
        self.module, self.program = module, program
        self.name = type(module).__name__
        self.paths = dict(module.named_modules(remove_duplicate=False))
        self.constants: dict[str, NDArray[Any]] = {}
        self.nodes: list[dict[str, Any]] = []
        self._values: dict[str, dict[str, Any]] = {}  # reference by name of the fx node
        self._call_counts: Counter[str] = Counter()  # calls of a module so far, by its path
        self._call_numbers: dict[str, int] = {}  # which call of its module, by the exporter's key
        self._members: dict[str, list[int]] = {}  # nodes of one call of a layer, by the same key

    def write(self) -> tuple[Graph, dict[str, NDArray[Any]]]:
        """Return graph and constants, see `netcore.models.export.export_graph`."""
        self._write_inputs()
        calls = [node for node in self.program.graph.nodes if node.op == "call_function"]
        outputs = Counter(self._call_of(node)[0] for node in calls if _has_tensors(node))
        for node in calls:
            self._write_node(node, outputs)
        output = self._values[self._output_node().name]
        parameters = {k for k, _ in self.module.named_parameters(remove_duplicate=False)}
        graph = {
            "version": 2,
            "state": {
                k: {"shape": list(v.shape), "dtype": str(v.dtype).removeprefix("torch."), "parameter": k in parameters}
                for k, v in self.module.state_dict().items()
            },
            "modules": {k: _class_of(m) for k, m in self.module.named_modules()},
            "nodes": self.nodes,
            "layers": self._layers(output),
            "output": output,
        }
        return graph, self.constants

    def _output_node(self) -> torch.fx.Node:
        ops = [n.op for n in self.program.graph.nodes if n.op not in ("placeholder", "call_function", "output")]
        if ops:
            raise NetcoreError(f"the graph of {self.name} cannot be stored: it has a node '{ops[0]}'")
        scores = next(n for n in self.program.graph.nodes if n.op == "output").args[0]
        if len(scores) != 1 or not isinstance(scores[0], torch.fx.Node):
            raise NetcoreError(
                f"{self.name} must return one tensor of logits, got {len(scores)} values: wrap it in a module whose "
                "forward returns the logits"
            )
        return scores[0]

    def _write_inputs(self) -> None:
        state = self.module.state_dict()
        for spec in self.program.graph_signature.input_specs:
            name = spec.arg.name
            if spec.kind == InputKind.USER_INPUT:
                self._values[name] = {"input": 0}
            elif spec.target in state:
                self._values[name] = {"state": spec.target}
            else:
                assert spec.target is not None  # of every input that is not the user's
                self.constants[spec.target] = self.program.constants[spec.target].detach().numpy()
                self._values[name] = {"constant": spec.target}

    def _write_node(self, node: torch.fx.Node, outputs: Counter[str]) -> None:
        op = _operator_name(node.target)
        if op.startswith("aten._assert"):  # the exporter's checks of the shape that it saw
            return
        try:
            resolve_operator(op)
        except NetcoreError:
            raise NetcoreError(
                f"{self.name} has {_SCOPES.get(op, op)} in its forward, which cannot be stored in a run"
            ) from None
        call, path, kind = self._call_of(node)
        entry = {"op": op, "args": self._to_json(list(node.args)), "kwargs": self._to_json(dict(node.kwargs))}
        if _has_tensors(node):
            is_whole_layer = kind and outputs[call] == 1
            entry["name"] = path if is_whole_layer else f"{path}.{function_name(node.target)}".lstrip(".")
            entry |= {
                "module": path,
                "class": _class_of(self.module.get_submodule(path)),
                "call": self._call_number(call, path),
            }
            if is_whole_layer:
                entry["kind"] = kind
            elif kind:
                self._members.setdefault(call, []).append(len(self.nodes))
        elif call in self._members:  # an element of a tuple
            self._members[call].append(len(self.nodes))
        self._values[node.name] = {"node": len(self.nodes)}
        self.nodes.append(entry)

    def _call_of(self, node: torch.fx.Node) -> tuple[str, str, str]:
        """Unique key of the module call that a node belongs to, path, and class if it is a layer of `torch.nn`."""
        found = ("", "", "")
        for key, (path, _) in (node.meta.get("nn_module_stack") or {}).items():
            path = path.partition("@")[0]
            if key.startswith("_empty") or path not in self.paths:
                continue
            module = self.paths[path]
            if is_layer(module):
                return key, path, _class_of(module)
            found = (key, path, "")
        return found

    def _call_number(self, call: str, path: str) -> int:
        if call not in self._call_numbers:
            self._call_numbers[call] = self._call_counts[path]
            self._call_counts[path] += 1
        return self._call_numbers[call]

    def _layers(self, output: dict[str, Any]) -> list[dict[str, Any]]:
        """One entry per call of a layer that is several nodes, if these follow each other."""
        found = []
        for members in self._members.values():
            first, last = members[0], members[-1]
            between = {k for k in range(first, last + 1) if "module" in self.nodes[k]}
            if not between <= set(members):
                continue
            entry = self.nodes[first]
            settings = {k: v for k, v in module_settings(self.paths[entry["module"]]).items() if _is_json(v)}
            outputs = self._layer_outputs(first, last, output)
            place = {"module": entry["module"], "kind": entry["class"], "first": first, "last": last}
            found.append(place | {"outputs": outputs, "settings": settings})
        return found

    def _layer_outputs(self, first: int, last: int, output: dict[str, Any]) -> list[int]:
        """Numbers of the nodes whose values leave a layer, the module's own first output first."""
        inside = range(first, last + 1)
        users = [*self.nodes[:first], *self.nodes[last + 1 :], {"args": output, "kwargs": {}}]
        used = sorted({k for n in users for k in _references([n["args"], n["kwargs"]]) if k in inside})
        tuples = {self.nodes[k]["args"][0]["node"] for k in used if self.nodes[k]["op"] == "operator.getitem"}
        if len(tuples) == 1:  # a recurrent layer's operator: (output, last states…)
            return sorted(tuples)
        return used[::-1]  # attention computes its weights before its output

    def _to_json(self, value: object) -> Any:  # noqa: ANN401
        if isinstance(value, torch.fx.Node):
            return self._values[value.name]
        if isinstance(value, (list, tuple)):
            return [self._to_json(v) for v in value]
        if isinstance(value, dict):
            return {k: self._to_json(v) for k, v in value.items()}
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


def _operator_name(target: object) -> str:
    """Name of an operator: "aten.relu.default", or "operator.mul" for Python's on sizes."""
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    name = getattr(target, "__name__", str(target))
    return f"operator.{name}" if name in FUNCTIONS else str(name)


def _has_tensors(node: torch.fx.Node) -> bool:
    """Whether a node is an operator whose values can be shown: not a size, nor an element of a tuple."""
    return isinstance(node.target, torch._ops.OpOverload) and isinstance(node.meta.get("val"), (Tensor, tuple, list))


def _class_of(module: nn.Module) -> str:
    return type(module).__name__.removeprefix("Parametrized")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _references(value: object) -> Iterator[int]:
    """Yield the numbers of the nodes that arguments refer to."""
    if isinstance(value, dict):
        if isinstance(value.get("node"), int):
            yield value["node"]
        value = list(value.values())
    if isinstance(value, list):
        for v in value:
            yield from _references(v)

"""Describe a network as a program that a page computes without PyTorch.

A program is JSON: the nodes in order, each with its operation, inputs, shape and the names of its parameters.
`static/lab/network.js` computes it. An operation that it does not have is refused by name.
"""

import numpy as np

from netcore.analysis.unit_edits import unit_ends
from netcore.core.errors import NetcoreError
from netcore.core.run import Run, Snapshot
from netcore.core.trace import LayerTrace, Trace
from netcore.web.program_nodes import Node, Program, make_node

__all__ = ["Node", "Program", "network_program", "program_of_trace"]


def network_program(run: Run, snapshot: Snapshot) -> Program:
    """Describe the network of a run with the weights of a snapshot.

    Raises
    ------
    NetcoreError
        If the network has an operation that pages cannot compute; the message contains its name.
    """
    from netcore.tracing.tracer import trace

    return program_of_trace(trace(run, snapshot, np.zeros(run.input_shape, np.uint8)))


def program_of_trace(trace: Trace) -> Program:
    """Describe a traced network as a program."""
    program = Program(output_kind=trace.output_kind)
    shapes: dict[str, tuple[int, ...]] = {"input": trace.input.shape} | {v.name: v.output.shape for v in trace.layers}
    for layer in _needed_layers(trace):
        program.nodes.append(make_node(layer, shapes, program))
    _join_shuffles(program)
    program.output = program.nodes[-1]["name"]
    _add_ends(program)
    return program


def _needed_layers(trace: Trace) -> list[LayerTrace]:
    """Operations that lead to the logits."""
    inputs = {layer.name: layer.inputs for layer in trace.layers}
    wanted, stack = set[str](), [_output_layer(trace).name]
    while stack:
        name = stack.pop()
        if name in wanted or name not in inputs:
            continue
        wanted.add(name)
        stack += inputs[name]
    return [layer for layer in trace.layers if layer.name in wanted]


def _output_layer(trace: Trace) -> LayerTrace:
    """Operation whose output is the network's: the last one that has its values."""
    logits = np.exp(trace.logits) if trace.output_kind == "probabilities" else trace.logits
    for layer in reversed(trace.layers):
        if layer.output.shape == logits.shape and np.allclose(layer.output, logits, rtol=1e-4, atol=1e-6):
            return layer
    raise NetcoreError("the lab cannot find the operation that gives the logits: films and figures have this network")


def _join_shuffles(program: Program) -> None:
    """Replace view, transpose, reshape by one regrouping of channels."""
    nodes = program.nodes
    for i, node in enumerate(nodes):
        if node["op"] != "transpose":
            continue
        before = next((n for n in nodes if n["name"] == node["inputs"][0]), None)
        after = [n for n in nodes if node["name"] in n["inputs"]]
        ends = [len(n["shape"]) for n in after] == [3] and all(n["op"] == "identity" for n in after)
        if before is None or before["op"] != "identity" or not ends:
            raise NetcoreError(f"the lab cannot compute transpose of node '{node['name']}': use another run")
        nodes[i] = node | {"op": "shuffle", "groups": before["shape"][0]}
        before["shape"] = after[0]["shape"]
        nodes[i]["shape"] = after[0]["shape"]


def _add_ends(program: Program) -> None:
    """Name the node after which a unit of a layer is complete: its normalization and activation included."""
    rows = [{"name": n["name"], "kind": n["kind"], "inputs": n["inputs"]} for n in program.nodes]
    for name, end in unit_ends(rows).items():
        next(n for n in program.nodes if n["name"] == name)["end"] = end

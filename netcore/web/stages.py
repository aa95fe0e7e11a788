"""Describe the layers of a network for a page."""

from typing import Any

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.formatting import format_count
from netcore.core.trace import Trace
from netcore.web.program import Node, Program

Stage = dict[str, Any]
WINDOWS = ("conv", "maxpool", "avgpool")
UNIT_RANGE = ("sigmoid", "hardsigmoid")  # activations between 0 and 1, drawn on that scale


def network_stages(trace: Trace, program: Program) -> list[Stage]:
    """Return the stages of a network: the image, then each layer that computes values.

    Parameters
    ----------
    trace : Trace
        Of any image.
    program : Program
        Of the same network.

    Returns
    -------
    list of dict
        name, title, short, size, text; output (a node) and nodes; inputs (outputs of other stages); main (node of the
        weights), window (node of a convolution or pooling), mask (node where a unit is switched off); unit, kind.
    """
    graph = graph_of_trace(trace)
    nodes = {node["name"]: node for node in program.nodes}
    for block in graph:
        for op in block.operations:
            if op.node in nodes:
                nodes[op.node]["title"] = op.title
    reshaped = {block.output: block.inputs[0] for block in graph if block.is_reshape}
    shown = [block for block in graph if not block.is_reshape]
    return [_input_stage(trace), *(_stage(block, graph, nodes, reshaped) for block in shown)]


def _input_stage(trace: Trace) -> Stage:
    channels, height, width = trace.input.shape
    is_unit = float(trace.input.min(initial=0)) >= 0
    return {
        "name": "input",
        "title": "input image",
        "short": "input",
        "size": f"{height}×{width}" if channels == 1 else f"{channels}×{height}×{width}",
        "text": f"The image as the network gets it: {channels * height * width:,} numbers.",
        "output": "input",
        "nodes": ["input"],
        "inputs": [],
        "unit": "channel",
        "kind": "input",
        "isInput": True,
        "range": 1 if is_unit else None,
        "isSigned": not is_unit,
    }


def _stage(block: Block, graph: Graph, nodes: dict[str, Node], reshaped: dict[str, str]) -> Stage:
    names = [op.node for op in block.operations if op.node in nodes]
    main = next((n for n in names if nodes[n]["op"] in ("conv", "linear")), None)
    window = next((n for n in names if nodes[n]["op"] in WINDOWS), None)
    last = nodes[block.output]
    is_output = block is graph.output
    in_range = last["op"] == "softmax" or last.get("function") in UNIT_RANGE
    inputs = [reshaped.get(name, name) for name in block.inputs]
    return {
        "name": block.name,
        "title": block.title,
        "short": block.short,
        "size": _size(block),
        "text": _words(block, graph, nodes, main, is_output),
        "output": block.output,
        "nodes": names,
        "inputs": inputs,
        "main": main,
        "window": window,
        "mask": nodes[main].get("end", main) if main else block.output,
        "unit": "neuron" if block.is_vector and block.kind == "dense" else "map" if not block.is_vector else "value",
        "kind": block.kind,
        "isOutput": is_output,
        "range": 1 if in_range else None,
        "isSigned": True,
        "description": block.description,
    }


def _size(block: Block) -> str:
    if block.is_vector:
        return format_count(block.unit_count, block.unit_word)
    count, height, width = block.map_shape
    return f"{format_count(count, 'map')} {height}×{width}"


def _words(block: Block, graph: Graph, nodes: dict[str, Node], main: str | None, is_output: bool) -> str:
    """One or two sentences about what a layer computes."""
    weights = graph.parameters(block)
    count = f" It has {weights:,} parameters." if weights else ""
    if block.kind == "convolution" and main:
        height, width = nodes[main]["kernel"]
        source = "the image" if "input" in block.inputs else "the maps before"
        kernels = format_count(block.unit_count, "kernel")
        return f"{kernels} of {height}×{width} slide over {source}; a map is strong where its kernel matches.{count}"
    if block.kind == "pooling":
        height, width = nodes[block.output].get("kernel", (0, 0))
        word = "largest" if nodes[block.output]["op"] == "maxpool" else "mean"
        return f"Of each window of {height}×{width} only the {word} value is kept: the maps become smaller."
    if is_output:
        return f"One sum per class; the softmax turns the {block.unit_count} sums into probabilities.{count}"
    if block.kind == "dense":
        return f"Each neuron adds all values before it, each times a weight, and its bias.{count}"
    if block.kind == "residual":
        return f"Two paths are added, value by value.{count}"
    if block.kind == "parallel":
        return f"The maps of several paths, one after another.{count}"
    return f"{block.description}.{count}"

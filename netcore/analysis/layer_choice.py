"""The layer that a film on one kind of layer shows."""

from collections.abc import Callable

from netcore.analysis.blocks import Block
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.operations import Operation
from netcore.core.errors import RequirementError, unknown_name
from netcore.core.trace import Trace

FIRST = "first"  # the layer that is taken if none is named
PLAIN = frozenset(["dense", "activation", "shape", "vector", "norm"])  # roles in a network of dense layers


def find_layer(trace: Trace, name: str, suits: Callable[[Operation], bool], noun: str) -> tuple[Block, str]:
    """Find the first layer of a kind, or the one of a name.

    Parameters
    ----------
    trace : Trace
    name : str
        Name, title or short title of a layer, or a node in it; ``"first"`` for the first.
    suits : callable
        Whether an operation can be shown.
    noun : str
        What the layer is called: ``"convolution"``.

    Returns
    -------
    (Block, str)
        The layer and the name of its node.

    Raises
    ------
    RequirementError
        If the network has no such layer.
    NetcoreError
        If none has the name.
    """
    graph = graph_of_trace(trace)
    found = [(block, op) for block in graph for op in block.operations if suits(op)]
    if not found:
        roles = {op.role for op in graph.operations}
        other = "cnn-forward-propagation" if "convolution" in roles else "model-graph"
        other = "forward-propagation" if roles <= PLAIN else other
        raise RequirementError(f"this film needs a {noun} layer, the network has none that it can show: use {other}")
    if name == FIRST:
        return found[0][0], found[0][1].node
    names: dict[str, tuple[Block, str]] = {}
    for block, op in found:
        for key in (block.title, block.short, block.name, block.output, op.node):
            names.setdefault(key, (block, op.node))
    if name not in names:
        raise unknown_name(f"{noun} layer", name, {op.node for _, op in found})
    return names[name]

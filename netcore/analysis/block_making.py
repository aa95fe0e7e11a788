"""Blocks made of operations, and several blocks joined into one."""

from collections.abc import Sequence

from netcore.analysis.block import Block
from netcore.analysis.layer_names import is_sequence, name_block
from netcore.analysis.layers import find_shortcut, main_operation
from netcore.analysis.operations import Operation


def shared_module(block: Block, depth: int) -> str:
    """Path of the module that holds a block, `depth` names deep."""
    paths = [layer.main.module.split(".")[:depth] for layer in block.children or (block,)]
    shared = 0
    while len({tuple(path[: shared + 1]) for path in paths}) == 1 and shared < min(map(len, paths)):
        shared += 1
    return ".".join(paths[0][:shared])


def make_block(operations: Sequence[Operation], network: Sequence[Operation]) -> Block:
    """One layer, or one operation."""
    main = main_operation(operations)
    kind = {"concatenation": "parallel", "sum": "parallel", "convolution": "convolution"}.get(main.role, main.role)
    shortcut = None
    if main.role == "sum":
        shortcut = find_shortcut(network, main)
        kind = "parallel" if shortcut is None else "residual"
    if any(op.kind == "Softmax" for op in operations[:-1]) and main.role == "product":
        kind = "attention"
    last = operations[-1]
    if kind == "convolution" and "row" not in last.axes and len(last.shape) > 1:
        kind = "embedding"
    if kind in ("shape", "elementwise", "activation", "reduce"):
        kind = "group"
    title, short = name_block(kind, operations, main)
    return Block(
        main.node, title, short, kind, tuple(operations), _inputs(operations), _output(operations, network), shortcut
    )


def join_blocks(run: Sequence[Block], network: Sequence[Operation]) -> Block:
    """Several blocks as one."""
    if len(run) == 1:
        return run[0]
    operations = tuple(op for block in run for op in block.operations)
    last = run[-1]
    kind, shortcut = "group", None
    leading = _inputs(operations)
    sequence = is_sequence(run)
    if any(block.kind == "attention" for block in run):
        kind = "attention"
    elif sequence:
        pass
    elif last.kind == "residual" and _spans(run, network):
        kind, shortcut = "residual", last.shortcut
    elif last.kind == "parallel":
        kind = "parallel"
    if all(block.kind in ("pooling", "parallel", "group", "product") for block in run):
        kind = "pooling" if any(block.kind == "pooling" for block in run) else kind
    title, short = name_block(kind, operations, last.main, run)
    output = last.output
    return Block(last.name, title, short, kind, operations, leading, output, shortcut, tuple(run))


def _spans(run: Sequence[Block], network: Sequence[Operation]) -> bool:
    """Whether the shortcut of the last sum begins where the run begins."""
    inside = {name for block in run for op in block.operations for name in op.outputs}
    sum_ = run[-1].main
    direct = set(sum_.inputs) - inside
    if direct:
        return True
    return bool(run[-1].shortcut) and any(set(op.inputs) - inside for op in run[-1].shortcut or ())


def _inputs(operations: Sequence[Operation]) -> tuple[str, ...]:
    own = {name for op in operations for name in op.outputs}
    return tuple(dict.fromkeys(name for op in operations for name in op.inputs if name not in own))


def _output(operations: Sequence[Operation], network: Sequence[Operation]) -> str:
    """The output that other operations read; the last one of the network's end."""
    own = {op.node for op in operations}
    readers = {name for op in network if op.node not in own for name in op.inputs}
    return next((name for op in reversed(operations) for name in op.outputs if name in readers), operations[-1].node)

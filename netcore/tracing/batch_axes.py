"""Axis of the batch in each output of a network."""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from netcore.models.op_names import keeps_batch_first
from netcore.tracing.inputs import eval_mode
from netcore.tracing.op_tracer import OpTracer, TracedOp

_axes: WeakKeyDictionary[nn.Module, dict[Any, dict[str, int | None]]] = WeakKeyDictionary()


def batch_axes(module: nn.Module, x: Tensor, nodes: Sequence[TracedOp]) -> dict[str, int | None]:
    """Find the batch axis of every output by comparing shapes with those of a batch of two.

    The second pass is made only if an operation could have moved the axis, and once per module, image size and path
    through the network.

    Parameters
    ----------
    module : nn.Module
    x : Tensor, shape (1, C, H, W)
    nodes : nodes of the pass of `x`.

    Returns
    -------
    dict
        Axis by name of the output; None if there is no axis of the batch alone.
    """
    shapes = _shapes(nodes)
    guess = {name: 0 if shape[:1] == (1,) else None for name, shape in shapes.items()}
    if all(keeps_batch_first(n.kind) and len(n.output.shape) > 1 and len(n.output) == 1 for n in nodes):
        return guess
    known = _axes.setdefault(module, {})
    key = (tuple(x.shape), tuple(shapes.items()))
    if key not in known:
        known[key] = guess | _compared(shapes, _shapes_of_two(module, x))
    return known[key]


def _shapes(nodes: Sequence[TracedOp]) -> dict[str, tuple[int, ...]]:
    return {name: value.shape for node in nodes for name, value in node.values()}


def _shapes_of_two(module: nn.Module, x: Tensor) -> dict[str, tuple[int, ...]]:
    """Shapes of all outputs for a batch of two; none if the module takes no such batch."""
    tracer = OpTracer(module, x := torch.cat([x, x]), shapes_only=True)
    try:
        with eval_mode(module), torch.no_grad(), tracer.watching():
            module(x)
    except Exception:  # the module is anyone's: whatever it raises
        return {}
    return _shapes(tracer.nodes)


def _compared(one: Mapping[str, tuple[int, ...]], two: Mapping[str, tuple[int, ...]]) -> dict[str, int | None]:
    """Axis that a batch of two makes twice as long, None if it is not the batch alone."""
    axes: dict[str, int | None] = {}
    for name in one.keys() & two.keys():
        pairs = list(zip(one[name], two[name], strict=False))
        changed = [axis for axis, (a, b) in enumerate(pairs) if a != b]
        alone = len(one[name]) == len(two[name]) and len(changed) == 1 and pairs[changed[0]] == (1, 2)
        axes[name] = changed[0] if alone else None
    return axes

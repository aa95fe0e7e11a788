"""Find the batch axis of every output of a network."""

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from netcore.models.op_names import keeps_batch_first
from netcore.tracing.inputs import eval_mode
from netcore.tracing.op_tracer import OpTracer
from netcore.tracing.traced_op import TracedOp

_Shape = tuple[int, ...]
_Key = tuple[_Shape, tuple[tuple[str, _Shape], ...]]  # image size, and the path through the network

_cache: WeakKeyDictionary[nn.Module, dict[_Key, dict[str, int | None]]] = WeakKeyDictionary()


def batch_axes(module: nn.Module, x: Tensor, ops: Sequence[TracedOp]) -> dict[str, int | None]:
    """Find the batch axis of every output by comparing shapes with those of a batch of two.

    The second pass is made only if an operation could have moved the axis, and once per module, image size and path
    through the network.

    Parameters
    ----------
    module : nn.Module
    x : Tensor, shape (1, C, H, W)
    ops : sequence of TracedOp
        Operations of the pass of `x`.

    Returns
    -------
    dict
        Axis by name of the output; None if there is no axis of the batch alone.
    """
    shapes = _shapes(ops)
    guess = {name: 0 if shape[:1] == (1,) else None for name, shape in shapes.items()}
    if all(keeps_batch_first(op.kind) and len(op.output.shape) > 1 and len(op.output) == 1 for op in ops):
        return guess
    known = _cache.setdefault(module, {})
    key = (tuple(x.shape), tuple(shapes.items()))
    if key not in known:
        known[key] = guess | _compare_shapes(shapes, _shapes_of_two(module, x))
    return known[key]


def _shapes(ops: Sequence[TracedOp]) -> dict[str, _Shape]:
    return {name: value.shape for op in ops for name, value in op.named_outputs()}


def _shapes_of_two(module: nn.Module, x: Tensor) -> dict[str, _Shape]:
    """Shapes of all outputs for a batch of two; empty if the module takes no such batch."""
    tracer = OpTracer(module, x := torch.cat([x, x]), shapes_only=True)
    try:
        with eval_mode(module), torch.no_grad(), tracer.recording():
            module(x)
    except Exception:  # user code: any exception is possible
        return {}
    return _shapes(tracer.ops)


def _compare_shapes(one: Mapping[str, _Shape], two: Mapping[str, _Shape]) -> dict[str, int | None]:
    """Axis that a batch of two makes twice as long, None if it is not the batch alone."""
    axes: dict[str, int | None] = {}
    for name in one.keys() & two.keys():
        pairs = list(zip(one[name], two[name], strict=False))
        changed = [axis for axis, (a, b) in enumerate(pairs) if a != b]
        alone = len(one[name]) == len(two[name]) and len(changed) == 1 and pairs[changed[0]] == (1, 2)
        axes[name] = changed[0] if alone else None
    return axes

"""Names of the axes of each operation's output."""

from collections.abc import Mapping, Sequence
from itertools import combinations, permutations
from math import prod
from typing import Any

Axes = tuple[str, ...]
Shape = tuple[int, ...]
IMAGE: Axes = ("channel", "row", "column")
PERMUTATIONS = ("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "T", "mT", "t")
SPLITS = {"channel": "group", "feature": "head", "row": "window", "column": "window", "token": "window"}


def output_axes(
    kind: str,
    settings: Mapping[str, Any],
    sources: Sequence[tuple[Axes, Shape]],
    shape: Shape,
    batch: tuple[int | None, int | None] = (0, 0),
) -> Axes:
    """Name the axes of an output.

    Parameters
    ----------
    kind, settings : of the operation.
    sources : axes and shape of each input, without the batch.
    shape : of the output, without the batch.
    batch : axis of the batch in the first input and in the output, None if they have none.
    """
    alike = [source for source in sources if source[1] == shape] or sources
    axes, before = next((source for source in alike if source[0][:1] == ("channel",)), alike[0])
    if kind.startswith(("LSTM", "GRU", "RNN")):
        return ("time", "feature") if len(shape) == 2 else ("feature",) * (len(shape) == 1) or axes
    if kind in PERMUTATIONS and sorted(shape) == sorted(before):
        order = _order(kind, settings, batch, len(shape)) or _guess_order(axes, before, shape)
        return tuple(axes[i] for i in order)
    if kind in ("Linear", "matmul", "mm", "einsum") and len(shape) == len(before):
        return _after_linear(axes)
    if "Pool" in kind and len(shape) == len(before) == 3 and shape[1:] == (1, 1):
        return "feature", "row", "column"
    if axes[:1] == ("feature",) and len(shape) == len(before):
        return axes
    if len(shape) == 3 and (kind.endswith("2d") or axes == IMAGE) and "Flatten" not in kind and len(before) == 3:
        return axes if shape == before else IMAGE
    if len(shape) == len(before):
        return axes
    if prod(shape) == prod(before):
        return _reshaped(axes, before, shape)
    if len(shape) < len(before):
        return _reduced(axes, before, shape, settings)
    return ("axis",) * (len(shape) - len(axes)) + axes


def tidy_axes(axes: Axes) -> Axes:
    """Call channels features once there are no rows and columns beside them."""
    if "row" in axes or "column" in axes:
        return axes
    return tuple("feature" if axis == "channel" else axis for axis in axes)


def _after_linear(axes: Axes) -> Axes:
    last = "channel" if axes[-1] == "channel" else "feature"
    if axes[:-1] == ("row",):
        return "token", last
    return (*axes[:-1], last)


def _order(kind: str, settings: Mapping[str, Any], batch: tuple[int | None, int | None], ndim: int) -> list[int] | None:
    """For each axis of the output, the axis of the input that it is; None if the settings do not say."""
    if None in batch:
        return None
    full = ndim + 1
    dims = settings.get("dims")
    if isinstance(dims, (tuple, list)) and len(dims) == full:
        order = [int(d) % full for d in dims]
    elif isinstance(settings.get("dim0"), int) and isinstance(settings.get("dim1"), int):
        order = list(range(full))
        a, b = settings["dim0"] % full, settings["dim1"] % full
        order[a], order[b] = order[b], order[a]
    else:
        return None
    before, after = batch
    kept = [i for position, i in enumerate(order) if position != after]
    if before in kept:
        return None
    return [i - (i > before) for i in kept]  # type: ignore[operator]


def _guess_order(axes: Axes, before: Shape, shape: Shape) -> Sequence[int]:
    """Permutation that fits the shapes; channels move between first and last axis if that fits."""
    last = len(shape) - 1
    likely = [(*range(1, last + 1), 0)] if axes[:1] == ("channel",) else [(last, *range(last))]
    candidates = [*likely, *reversed(list(permutations(range(len(shape)))))]
    return next(order for order in candidates if tuple(before[i] for i in order) == shape)


def _reshaped(axes: Axes, before: Shape, shape: Shape) -> Axes:
    """Axes after `view`: each group of axes becomes a group with the same number of values."""
    if len(shape) == 1:
        return ("feature",)
    out: list[str] = []
    i = j = 0
    while i < len(before) or j < len(shape):
        a, b = i, j
        i, j = min(i + 1, len(before)), min(j + 1, len(shape))
        while prod(before[a:i]) != prod(shape[b:j]):
            if prod(before[a:i]) < prod(shape[b:j]):
                i += 1
            else:
                j += 1
        out += _regrouped(axes[a:i], before[a:i], j - b)
    return tuple(out)


def _regrouped(axes: Axes, sizes: Shape, count: int) -> list[str]:
    if count == 0:
        return []
    wide = [axis for axis, size in zip(axes, sizes, strict=True) if size > 1] or list(axes)
    if len(wide) == count:
        return wide
    merged = _merged(wide)
    return [*[SPLITS.get(merged, "axis")] * (count - 1), merged]


def _merged(axes: Sequence[str]) -> str:
    if not axes:
        return "axis"
    if len(set(axes)) == 1:
        return axes[0]
    if set(axes) <= {"group", "channel"}:
        return "channel"
    if set(axes) <= {"window", "row"}:
        return "row" if axes[-1] == "row" else "window"
    if set(axes) <= {"window", "column", "row", "token"}:
        return "token"
    return "feature"


def _reduced(axes: Axes, before: Shape, shape: Shape, settings: Mapping[str, Any]) -> Axes:
    """Axes left after a selection or a reduction: spatial axes, time and tokens go first."""
    leaving = ("row", "column", "token", "time", "layer", "window")
    options = [c for c in combinations(range(len(before)), len(shape)) if tuple(before[i] for i in c) == shape]
    if not options:
        return ("feature",) if len(shape) == 1 else axes[-len(shape) :]
    best = min(options, key=lambda kept: sum(axes[i] in leaving for i in kept))
    return tuple(axes[i] for i in best)

"""Maps that are followed through a network, and values computed in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from netcore.analysis.cnn_stages import Stage
from netcore.analysis.convolution import output_terms
from netcore.analysis.examples import Place, WindowExample, choose_example, example_places, visible_units
from netcore.analysis.operations import Window
from netcore.core.trace import LayerTrace, Trace

TOP_PARTS = 3  # partial sums among which the followed map must be
TOP_HELD = 6  # likewise, of an output whose window holds the followed value
LARGE = 0.5  # of the map's largest value, from which such an output is taken
MAX_PARTIAL = 3  # maps that the example of partial sums is taken from
MIN_INNER = 4  # side of a map from which its rim is left out
MAX_TILES = 64  # maps that are all shown; of more
MANY_TILES = 48  # this many are


@dataclass(frozen=True)
class FollowedMaps:
    """One map of every stage, and one value of it.

    Attributes
    ----------
    units : tuple of int
        Number of the map, stage by stage.
    places : tuple of (int, int) or None
        Row and column of the value that is followed; None where it is not.
    first, partial : WindowExample or None
        The values computed in numbers, of the first convolution and of the first that reads maps.
    """

    units: tuple[int, ...]
    places: tuple[tuple[int, int] | None, ...]
    first: WindowExample
    partial: WindowExample | None


def follow_maps(trace: Trace, stages: Sequence[Stage]) -> FollowedMaps:
    """Choose maps that show the image, and values whose printed numbers add up.

    Parameters
    ----------
    trace : Trace
    stages : sequence of Stage
        As `cnn_stages` gives them.
    """
    units: list[int] = []
    places: list[tuple[int, int] | None] = []
    first = partial = None
    for i, stage in enumerate(stages):
        if stage.kind == "first":
            first = _first_example(trace, stages, i)
            unit, place = first.place[0], (first.place[1], first.place[2])
        elif stage.kind == "partial":
            partial = _partial_example(trace, stages, i, units[-1], places[-1])
            unit, place = partial.place[0], (partial.place[1], partial.place[2])
        elif stage.kind == "before":
            unit, place = 0, None
        else:
            unit, place = _inherit(stage, units[-1], places[-1])
        units.append(unit)
        places.append(place)
    assert first is not None
    return FollowedMaps(tuple(units), tuple(places), first, partial)


def shown_tiles(values: NDArray[np.floating], followed: int, limit: int = MAX_TILES) -> NDArray[np.int_]:
    """Return the maps that are shown, the followed one first: all, or those that vary most.

    Parameters
    ----------
    values : ndarray, shape (C, H, W)
    followed : int
    limit : int
        All are shown up to this number; of more, three quarters of it.
    """
    others = np.delete(np.arange(len(values)), followed)
    if len(values) > limit:
        spread = values[others].std((1, 2))
        others = np.sort(others[np.argsort(-spread, kind="stable")[: max(limit * 3 // 4 - 1, 1)]])
    return np.concatenate([[followed], others])


def pooled_place(window: Window, place: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return the output value of a pooling whose window holds a place; the first of several."""
    row, column = (
        int(np.clip((p + pad) // step, 0, n - 1))
        for p, pad, step, n in zip(place, window.padding, window.stride, size, strict=True)
    )
    return row, column


def pool_window(window: Window, place: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns that an output value of a pooling is made from, those inside the map.

    Parameters
    ----------
    window : Window
    place : (int, int)
        Row and column of the output value.
    size : (int, int)
        Rows and columns of the map that is pooled.
    """
    out = []
    for p, pad, step, kernel, n in zip(place, window.padding, window.stride, window.kernel, size, strict=True):
        start = p * step - pad
        out.append(slice(max(start, 0), min(start + kernel, n)))
    return out[0], out[1]


def _first_example(trace: Trace, stages: Sequence[Stage], i: int) -> WindowExample:
    stage = stages[i]
    layer = trace[stage.output]
    after = _same_size(stages, i)
    seen = stages[after].values
    allowed = (seen > 0) & (stage.values > 0)
    following = stages[after + 1] if after + 1 < len(stages) else None
    if following is not None and following.kind == "pooling" and "Max" in following.block.main.kind:
        assert following.block.window is not None
        allowed &= _winners(seen, following.block.window)
    units = visible_units(layer, stage.reads, seen)
    places = example_places(stage.reads, units, stage.values, allowed)
    kernel = layer.weight
    assert kernel is not None
    return choose_example(layer, stage.reads, places, factors=len(stage.reads) == 1)


def holding_windows(window: Window, place: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the output values (rows, columns) whose window holds a place.

    Parameters
    ----------
    window : Window
    place : (int, int)
        Row and column of a value that is read.
    size : (int, int)
        Rows and columns of the output.
    """
    lines = []
    for p, pad, step, reach, n in zip(place, window.padding, window.stride, window.reach, size, strict=True):
        start = np.arange(n) * step - pad
        lines.append((start <= p) & (p < start + reach))
    return lines[0][:, None] & lines[1]


def _partial_example(
    trace: Trace, stages: Sequence[Stage], i: int, followed: int, at: tuple[int, int] | None
) -> WindowExample:
    """A value to which the followed map adds much, its window over the followed value where there is such a one."""
    stage = stages[i]
    layer = trace[stage.output]
    seen = stages[_same_size(stages, i)].values
    units = visible_units(layer, stage.reads, seen, sides=False)
    window = stage.block.window
    holding = np.zeros(stage.size, bool) if at is None or window is None else holding_windows(window, at, stage.size)
    held: list[Place] = []
    best: list[Place] = []
    others: list[Place] = []
    for unit in units:
        values = np.where(seen[unit] > 0, stage.values[unit], -np.inf)
        if min(values.shape) > MIN_INNER:  # not where the window covers padding
            values[[0, -1]] = values[:, [0, -1]] = -np.inf
        values = values if np.isfinite(values).any() else stage.values[unit]
        over = np.where(holding, values, -np.inf)
        place = _largest(unit, over)
        large = np.isfinite(over.max()) and seen[place] >= LARGE * seen[unit].max()
        if large and _is_among(layer, stage, place, followed, TOP_HELD):
            held.append(place)
        place = _largest(unit, values)
        (best if _is_among(layer, stage, place, followed, TOP_PARTS) else others).append(place)
    return choose_example(layer, stage.reads, held[:1] or best[:MAX_PARTIAL] or others, factors=False)


def _largest(unit: int, values: NDArray[np.floating]) -> Place:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(unit), int(row), int(column)


def _is_among(layer: LayerTrace, stage: Stage, place: Place, followed: int, count: int) -> bool:
    """Whether a map is among those that add or take away most at a place."""
    terms = output_terms(layer, stage.reads, *place)
    return followed in terms.channels[np.argsort(-np.abs(terms.partial_sums), kind="stable")[:count]]


def _same_size(stages: Sequence[Stage], i: int) -> int:
    """Index of the last stage after `i` that changes the same maps in place."""
    while i + 1 < len(stages) and stages[i + 1].kind in ("norm", "activation"):
        i += 1
    return i


def _winners(maps: NDArray[np.floating], window: Window) -> NDArray[np.bool_]:
    """Places that are the largest in every window that holds them."""
    size = tuple(k if k == s else 2 * k - 1 for k, s in zip(window.kernel, window.stride, strict=True))
    if window.kernel == window.stride and window.padding == (0, 0):
        (kh, kw), (h, w) = window.kernel, maps.shape[1:]
        cut = maps[:, : h // kh * kh, : w // kw * kw]
        most = cut.reshape(len(maps), h // kh, kh, w // kw, kw).max((2, 4))
        found = np.zeros(maps.shape, bool)
        found[:, : h // kh * kh, : w // kw * kw] = np.repeat(np.repeat(most, kh, 1), kw, 2) == cut
        return found
    largest: NDArray[np.bool_] = ndimage.maximum_filter(maps, (1, *size), mode="constant", cval=-np.inf) == maps
    return largest


def _inherit(stage: Stage, unit: int, place: tuple[int, int] | None) -> tuple[int, tuple[int, int] | None]:
    """Map and place that a stage makes of those before it."""
    same = stage.reads.shape[0] == stage.channels
    if stage.kind in ("norm", "activation") or (stage.block.kind == "residual" and stage.block.shortcut == () and same):
        keeps = stage.reads.shape == stage.values.shape
        return (unit if same else 0), (place if keeps else None)
    if stage.block.kind == "pooling" and not stage.block.children and same:
        window = stage.block.window
        return unit, (pooled_place(window, place, stage.size) if window and place else None)
    return int(stage.values.std((1, 2)).argmax()), None


def residual_parts(trace: Trace, stage: Stage, unit: int) -> tuple[float, float] | None:
    """Return what a residual block and its shortcut give at the largest value of one map; None if not known.

    Parameters
    ----------
    trace : Trace
    stage : Stage
        Of a residual block.
    unit : int
        Number of the map.
    """
    sums = [op for op in stage.block.operations if op.role == "sum"]
    op = sums[-1] if sums else None
    if op is None or len(op.inputs) != 2 or op.axes[:1] != ("channel",):
        return None
    shortcut = {o.node for o in stage.block.shortcut or ()} | set(stage.block.inputs)
    values = {name: trace.value(name) for name in op.inputs}
    second = [name for name in op.inputs if name in shortcut]
    if len(second) != 1 or any(v.shape != op.shape for v in values.values()):
        return None
    first = next(name for name in op.inputs if name != second[0])
    row, column = stage.strongest(unit)
    return float(values[first][unit, row, column]), float(values[second[0]][unit, row, column])

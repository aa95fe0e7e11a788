"""The stages of a convolutional network as a film tells them, read out of a trace: pure NumPy, nothing is drawn here.

A stage is what happens to the maps between two pictures of them: a convolution with its normalisation and activation,
a pooling, a whole block with a skip connection. Stages lie between those nodes that every path through the network
passes, so that what branches inside is one block. Where a network has more than fit, neighbours are joined.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from netcore.analysis.network import Dense, dense_stages
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_count
from netcore.core.trace import LayerTrace, Trace

SHAPE_ONLY = (
    "Identity",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Flatten",
    "view",
    "reshape",
    "squeeze",
    "getitem",
    "permute",
)
SHORT_TITLES = {"BatchNorm2d": "BN", "BatchNorm1d": "BN", "InstanceNorm2d": "InstanceNorm", "LayerNorm": "LN"}
POOLS = {"MaxPool2d": "Max-pool", "AvgPool2d": "Average-pool"}


@dataclass(frozen=True)
class Step:
    """One operation inside a stage: what it is called, and the values after it."""

    name: str
    output: np.ndarray


@dataclass(frozen=True)
class Stage:
    """What happens to the maps between two pictures of them.

    kind : ``"conv"``, ``"pool"``, ``"block"`` (several operations in one) or ``"column"`` (maps become a vector).
    name : ``"Conv 3×3"``, ``"Residual block"``, …
    source : (C, H, W), what it was given.
    steps : the operations that change the values, in order; the last one's output is the stage's.
    parameters : number of weights and biases.
    window : (kernel, stride, padding) by rows, or None.
    weight : of its one convolution, (O, I, k, k), or None.
    convolutions : how many there are inside.
    """

    kind: str
    name: str
    source: np.ndarray
    steps: tuple[Step, ...]
    parameters: int = 0
    window: tuple[int, int, int] | None = None
    weight: np.ndarray | None = None
    convolutions: int = 0

    @property
    def output(self) -> np.ndarray:
        """(C, H, W), or (features,) of a column."""
        return self.steps[-1].output

    @property
    def then(self) -> tuple[str, ...]:
        """What follows the first operation: ``("BN", "ReLU")``."""
        return tuple(step.name for step in self.steps[1:])

    @property
    def title(self) -> str:
        """``Conv 3×3 → BN → ReLU``."""
        return " → ".join((self.name, *self.then))

    @property
    def keeps_maps(self) -> bool:
        """Whether each map is made of the map in the same place alone."""
        alone = self.weight is not None and self.weight.shape[1] == 1 and self.source.shape[0] == len(self.weight) > 1
        return (self.kind == "pool" and self.source.shape[0] == self.output.shape[0]) or alone


@dataclass(frozen=True)
class Way:
    """The whole way of an image: stages of maps, the column that they become, dense layers.

    summary : how many convolutions are shown as how many blocks, empty if the numbers are equal.
    """

    maps: tuple[Stage, ...]
    column: Stage
    dense: tuple[Dense, ...]
    summary: str
    parameters: int


def way(trace: Trace, limit: int = 8) -> Way:
    """Read the stages of a trace, at most `limit` of maps.

    Raises
    ------
    Refused
        If there is no convolution, or the maps do not become one vector that dense layers (or none) take to the scores.
    """
    found: list[Stage] = []
    vector: LayerTrace | None = None
    before = trace.input
    for segment in _segments(trace):
        last = segment[-1]
        if before.ndim == 3 and last.output.ndim == 1:
            found.append(_column(segment, before))
            vector = last
            break
        if last.output.ndim != 3:
            shape = "×".join(map(str, last.output.shape))
            raise RequirementError(
                f"this film needs feature maps (C×H×W), but the output of '{last.name}' ({last.kind}) is {shape}"
            )
        stage = _stage(segment, before)
        if stage is not None:
            found.append(stage)
        elif found and last.kind not in SHAPE_ONLY:
            found[-1] = _extended(found[-1], segment)
        before = last.output
    if vector is None or not any(s.convolutions for s in found):
        raise RequirementError("this film needs a convolutional network whose feature maps become one vector")
    *maps, column = found
    if len(maps) > 1 and maps[-1].kind == "pool" and maps[-1].output.shape[1:] == (1, 1):
        pooled = maps.pop()  # one number a map: that is how they become a column
        column = replace(column, name=pooled.name, source=pooled.source)
    total = sum(s.convolutions for s in maps)
    fitted = _fit(maps, limit)
    shown = sum(s.convolutions > 0 for s in fitted)
    summary = f"{total} convolutions, shown as {len(fitted)} blocks" if shown < total else ""
    return Way(tuple(fitted), column, _dense(trace, vector), summary, _parameters(trace.layers))


def select_maps(stages: tuple[Stage, ...], count: int) -> list[np.ndarray]:
    """Which maps to show of each stage: those with the highest mean activation (magnitude), the highest first.

    Where each map is made of one map alone, as in pooling, the same ones are followed.
    """
    out: list[np.ndarray] = []
    for stage in stages:
        if out and stage.keeps_maps:
            out.append(out[-1])
            continue
        mean = np.abs(stage.output).mean(axis=(1, 2))
        out.append(np.argsort(-mean, kind="stable")[:count])
    return out


def flattened_sources(column: Stage, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where entries of the column come from: map (N,), and pixel (N,) counted along the rows, -1 for the whole map."""
    channels, h, w = column.source.shape
    if len(column.output) == channels * h * w:
        return np.divmod(chosen, h * w)
    return (chosen if len(column.output) == channels else np.full(len(chosen), -1)), np.full(len(chosen), -1)


# ---- from nodes to stages


def _segments(trace: Trace) -> list[list[LayerTrace]]:
    """Nodes between those that every path from image to scores passes; the last one of each is such a node."""
    needed = {trace.layers[-1].name}
    for layer in reversed(trace.layers):
        if layer.name in needed:
            needed.update(layer.inputs)
    layers = [layer for layer in trace.layers if layer.name in needed and layer.inputs]
    last_use = {name: i for i, layer in enumerate(layers) for name in layer.inputs}
    out, segment, reach = [], [], last_use.get("input", 0)
    for i, layer in enumerate(layers):
        segment.append(layer)
        if reach <= i:  # no edge leads past this node
            out.append(segment)
            segment = []
        reach = max(reach, last_use.get(layer.name, i + 1))
    return out


def _stage(segment: list[LayerTrace], source: np.ndarray) -> Stage | None:
    """A stage of its own, or None for what only belongs to the one before (normalisation, activation, dropout)."""
    last, parameters = segment[-1], _parameters(segment)
    convolutions = sum(layer.kind.startswith("Conv") for layer in segment)
    if len(segment) > 1:
        pools = any("Pool" in layer.kind for layer in segment)
        if not (convolutions or pools):
            return None
        name = {"add": "Residual block", "cat": "Parallel block"}.get(last.kind, "Block")
        name = name if convolutions else "Pooling"
        kind = "block" if convolutions else "pool"
        return Stage(kind, name, source, (Step(name, last.output),), parameters, convolutions=convolutions)
    if convolutions:
        name = _conv_name(last)
        window = _window(last) if last.weight is not None else None
        return Stage("conv", name, source, (Step(name, last.output),), parameters, window, last.weight, 1)
    if "Pool" in last.kind:
        window = None if "Adaptive" in last.kind else _window(last)
        name = POOLS.get(last.kind.removeprefix("Adaptive"), "Pool")
        if window:
            name += f" {window[0]}×{window[0]}"
        elif last.output.shape[1:] == (1, 1):
            name = "Global average" if "Avg" in last.kind else "Global maximum"
        return Stage("pool", name, source, (Step(name, last.output),), 0, window)
    return None


def _extended(stage: Stage, segment: list[LayerTrace]) -> Stage:
    """The stage with a normalisation or activation after it."""
    last = segment[-1]
    steps = (*stage.steps, Step(_word(last.kind), last.output))
    return replace(stage, steps=steps, parameters=stage.parameters + _parameters(segment))


def _column(segment: list[LayerTrace], source: np.ndarray) -> Stage:
    last = segment[-1]
    whole = last.output.size == source.size
    pooling = [layer.kind for layer in segment if "Pool" in layer.kind]
    name = "Flatten" if whole else "Global average" if any("Avg" in kind for kind in pooling) else "Global pooling"
    return Stage("column", name, source, (Step(name, last.output),), _parameters(segment))


def _conv_name(layer: LayerTrace) -> str:
    weight = layer.weight
    size = "" if weight is None else f" {weight.shape[-2]}×{weight.shape[-1]}"
    if weight is not None and weight.shape[1] == 1 and _first(layer.settings.get("groups", 1)) > 1:
        return f"Depthwise conv{size}"
    return f"{'Transposed conv' if 'Transpose' in layer.kind else 'Conv'}{size}"


def _window(layer: LayerTrace) -> tuple[int, int, int] | None:
    """Rows of the window, of its step and of the padding."""
    if "Transpose" in layer.kind:
        return None
    settings = layer.settings
    kernel = layer.weight.shape[-2] if layer.weight is not None else _first(settings.get("kernel_size", 1))
    stride = _first(settings.get("stride") or (1 if layer.weight is not None else kernel))
    padding = settings.get("padding", 0)
    if isinstance(padding, str):
        padding = (kernel - 1) // 2 if padding == "same" else 0
    return int(kernel), int(stride), int(_first(padding))


def _first(value: int | tuple[int, ...] | list[int]) -> int:
    return int(value[0] if isinstance(value, (tuple, list)) and len(value) else value or 0)


def _word(kind: str) -> str:
    return SHORT_TITLES.get(kind, kind.removesuffix("2d").removesuffix("1d"))


def _parameters(layers: tuple[LayerTrace, ...] | list[LayerTrace]) -> int:
    """Weights and biases; a module that is used twice counts once."""
    seen: dict[object, int] = {}
    for layer in layers:
        own = layer.module if layer.kind[:1].isupper() and layer.name.startswith(layer.module or "?") else layer.name
        seen[own] = layer.parameters
    return sum(seen.values())


def _dense(trace: Trace, vector: LayerTrace) -> tuple[Dense, ...]:
    index = [layer.name for layer in trace.layers].index(vector.name)
    rest = trace.layers[index:]
    if not any(layer.kind == "Linear" for layer in rest):
        return ()
    return dense_stages(replace(trace, layers=rest))


# ---- fewer stages


def _fit(stages: list[Stage], limit: int) -> list[Stage]:
    """Join neighbours until at most `limit` stages are left: alike ones first, then pooling with what it pools."""
    out = list(stages)
    if len(out) > limit:
        out = _join(out, lambda a, b: a.title == b.title and a.output.shape == b.output.shape)
    if len(out) > limit:
        out = _join(out, lambda a, b: b.kind == "pool" and a.kind != "pool")
    while len(out) > limit:
        load = [(a.output.shape[1:] != b.output.shape[1:], a.convolutions + b.convolutions) for a, b in pairwise(out)]
        i = load.index(min(load))
        out[i : i + 2] = [_joined(out[i : i + 2])]
    return out


def _join(stages: list[Stage], alike) -> list[Stage]:  # type: ignore[no-untyped-def]
    runs: list[list[Stage]] = []
    for stage in stages:
        if runs and alike(runs[-1][-1], stage):
            runs[-1].append(stage)
        else:
            runs.append([stage])
    return [_joined(run) for run in runs]


def _joined(run: list[Stage]) -> Stage:
    if len(run) == 1:
        return run[0]
    names = [stage.name for stage in run]
    total = sum(stage.convolutions for stage in run)
    output = run[-1].output
    then = run[0].then if len({stage.then for stage in run}) == 1 else ()
    if len(set(names)) == 1:
        name = f"{len(run)} × {names[0]}"
    elif len(run) == 2 and run[1].kind == "pool" and run[0].convolutions:
        name, then = names[0], (names[1],)
    else:
        name = format_count(total, "convolution")
    steps = (Step(name, output), *(Step(word, output) for word in then))
    return Stage("block", name, run[0].source, steps, sum(s.parameters for s in run), convolutions=total)

"""A network as columns, image to classes, and what each unit adds to each of the next; nothing is drawn here."""

from dataclasses import dataclass

import numpy as np

from netcore.analysis.stages import stages
from netcore.core.trace import LayerTrace, Trace


@dataclass(frozen=True)
class Column:
    """One column: units that are neurons, or maps.

    name : of its layer; ``"input"`` for the image.
    pooled : name of the pooling that goes with it, else empty.
    node : whose output is shown.
    first : the node that weighs what comes in; empty for the image.
    size : number of units.
    maps : whether a unit is a map (h, w) and not a number.
    """

    name: str
    node: str
    first: str
    size: int
    maps: bool
    pooled: str = ""

    @property
    def output_name(self) -> str:
        """Name of the layer that gives the values shown."""
        return self.pooled or self.name

    def values(self, trace: Trace) -> np.ndarray:
        """Outputs of the units, (N,) or (N, h, w); the image as one map (1, h, w), or its brightness in [0, 1]."""
        if self.first:
            out = trace.value(self.node)
            return out if self.maps else out.ravel()
        return trace.pixels.mean(0)[None] / 255 if self.maps else trace.pixels.ravel() / 255

    def activity(self, trace: Trace) -> np.ndarray:
        """How active each unit is, (N,): magnitude of a neuron, standard deviation over a map."""
        values = self.values(trace)
        return values.std((1, 2)) if self.maps else np.abs(values)


def columns(trace: Trace, most: int = 6) -> list[Column]:
    """The image, at most ``most - 2`` hidden layers and the scores.

    Pooling goes with the layer before it. Of more layers the first and the last ones are taken, so that most columns
    follow one another.
    """
    found: list[Column] = []
    for stage in stages(trace, None):
        shape = trace.value(stage.node).shape
        maps = len(shape) == 3 and shape[1] * shape[2] > 1
        if stage.kinds == ("Flatten",):
            continue
        size = shape[0] if maps else int(np.prod(shape))
        if "Pool" in stage.kinds[0] and found and trace[stage.nodes[0]].inputs[0] == found[-1].node:
            found[-1] = Column(found[-1].name, stage.node, found[-1].first, size, maps, stage.name)
        else:
            found.append(Column(stage.name, stage.node, stage.nodes[0], size, maps))
    *hidden, last = found
    if len(hidden) > most - 2:
        hidden = [hidden[0], *hidden[3 - most :]] if most > 3 else hidden[: most - 2]
    after = trace[([*hidden, last])[0].first]
    flat = after.kind == "Linear" and after.weight is not None and after.weight.shape[1] == trace.input.size
    image = Column("input", "input", "", trace.input.size if flat else 1, not flat)
    return [image, *hidden, last]


def contributions(
    trace: Trace, before: Column, after: Column, sources: np.ndarray, targets: np.ndarray
) -> np.ndarray | None:
    """What each source adds to each target: weight × activation, summed over the positions of maps. (T, S).

    None where `after` does not weigh just what `before` gives (there is something between them), or not in a way that
    is known here (dense layers and convolutions).
    """
    layer = trace[after.first]
    x, given = trace.input_of(layer), trace.value(before.node)
    if layer.weight is None or x.size != given.size or not np.array_equal(x.ravel(), given.ravel()):
        return None
    if layer.kind == "Linear" and x.ndim == 1:
        parts = layer.weight[targets] * x
        if not before.maps:
            return parts[:, sources]
        return parts.reshape(len(targets), before.size, -1).sum(2)[:, sources]
    if layer.kind == "Conv2d" and x.ndim == 3 and layer.settings.get("padding_mode", "zeros") == "zeros":
        parts = conv_contributions(layer, x)
        return (parts[targets] if before.first else parts[targets].sum(1, keepdims=True))[:, sources]
    return None


def conv_contributions(layer: LayerTrace, x: np.ndarray) -> np.ndarray:
    """What each map of x (I, H, W) adds to each of a convolution's (O, I), summed over the output's positions.

    A tap of the kernel meets a fixed set of positions, so the sum over positions is tap × sum of what it meets.
    """
    weight, settings = layer.weight, layer.settings
    assert weight is not None
    out, inner, *kernel = weight.shape
    stride, dilation = _pair(settings.get("stride", 1)), _pair(settings.get("dilation", 1))
    padded = np.pad(x, [(0, 0), *_padding(settings.get("padding", 0), kernel, dilation)]).astype(float)
    met = np.empty((len(x), *kernel))
    for tap in np.ndindex(*kernel):
        rows, columns = (
            slice(
                tap[a] * dilation[a], tap[a] * dilation[a] + stride[a] * (layer.output.shape[1 + a] - 1) + 1, stride[a]
            )
            for a in (0, 1)
        )
        met[:, *tap] = padded[:, rows, columns].sum((1, 2))
    groups = len(x) // inner
    parts = np.zeros((out, len(x)))
    for g in range(groups):
        o, i = (slice(g * n // groups, (g + 1) * n // groups) for n in (out, len(x)))
        parts[o, i] = np.einsum("oiyx,iyx->oi", weight[o], met[i])
    return parts


def _pair(value: object) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    return int(pair[0]), int(pair[-1])


def _padding(value: object, kernel: list[int], dilation: tuple[int, int]) -> list[tuple[int, int]]:
    if value == "same":
        sums = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [(s // 2, s - s // 2) for s in sums]
    return [(p, p) for p in ((0, 0) if value == "valid" else _pair(value))]

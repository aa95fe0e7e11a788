"""Windows of one pooling, and what is kept of them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.kernel_examples import choose_unit
from netcore.analysis.kernel_features import measure_features
from netcore.analysis.layer_choice import find_layer
from netcore.analysis.operations import Operation
from netcore.core.trace import LayerTrace, Trace

TOLERANCE = 1e-5  # of the largest magnitude, by which a value may differ from PyTorch's
SMALL = 0.1  # largest value of a map from which two decimals are enough
Span = tuple[int, int]  # first row or column, and the one after the last


@dataclass(frozen=True)
class PoolingExample:
    """One pooling of maps.

    Attributes
    ----------
    block : Block
    before : tuple of str
        Titles of the functions between the convolution and the pooling, in order; else of what the pooling reads.
    x, y : ndarray, shapes (C, H, W), (C, h, w)
        Maps before and after; a global pooling gives (C, 1, 1).
    is_max : bool
        Whether the largest value is kept; else the mean.
    rows, columns : tuple of (int, int)
        Rows and columns of the windows, those inside the map: as many as `y` has.
    unit : int
        Number of the map that is shown.
    place : (int, int)
        Row and column of the window that is shown.
    stride : int
        Columns from one window to the next, 0 if there is one only.
    source : str
        Name of the node that is pooled.
    node : str
    """

    block: Block
    before: tuple[str, ...]
    x: NDArray[np.floating]
    y: NDArray[np.floating]
    is_max: bool
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    unit: int
    place: tuple[int, int]
    stride: int
    source: str
    node: str

    @property
    def is_global(self) -> bool:
        """Whether the window is the whole map."""
        return self.y[0].size == 1 and self.size == self.x.shape[1:]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the window that is shown."""
        (a, b), (c, d) = self.spans(self.place)
        return b - a, d - c

    @property
    def decimals(self) -> int:
        """Digits after the decimal point with which values of the map are printed."""
        largest = float(np.abs(self.x[self.unit]).max(initial=0.0))
        return 2 if largest >= SMALL or not largest else min(int(np.ceil(-np.log10(largest))) + 1, 6)

    @property
    def overlaps(self) -> bool:
        """Whether some value is in two windows."""
        return any(a[1] > b[0] for spans in (self.rows, self.columns) for a, b in itertools.pairwise(spans))

    def spans(self, place: tuple[int, int]) -> tuple[Span, Span]:
        """Rows and columns of a window."""
        return self.rows[place[0]], self.columns[place[1]]

    def values(self, place: tuple[int, int]) -> NDArray[np.floating]:
        """Values (rows, columns) of a window of the map that is shown."""
        (a, b), (c, d) = self.spans(place)
        return self.x[self.unit, a:b, c:d]

    def winners(self) -> NDArray[np.int_]:
        """Row and column (h × w, 2) of the largest value of each window."""
        out = []
        for place in np.ndindex(*self.y.shape[1:]):
            values, ((a, _), (c, _)) = self.values((place[0], place[1])), self.spans((place[0], place[1]))
            row, column = divmod(int(values.argmax()), values.shape[1])
            out.append((a + row, c + column))
        return np.array(out)

    def spread(self) -> NDArray[np.float64]:
        """The map (H, W) as it is known after pooling: each value replaced by what its window keeps."""
        out = np.zeros(self.x.shape[1:])
        for r, (a, b) in enumerate(self.rows):
            for c, (d, e) in enumerate(self.columns):
                out[a:b, d:e] = self.y[self.unit, r, c]
        return out


def pooling_example(trace: Trace, name: str, images: NDArray[np.uint8] | None) -> PoolingExample:
    """Choose a map that shows the image, and a window whose values differ.

    Parameters
    ----------
    trace : Trace
    name : str
        Of the layer, see `netcore.analysis.layer_choice.find_layer`.
    images : ndarray of uint8, shape (N, C, H, W), or None
        Over which it is measured what kernels answer to.
    """
    block, node = find_layer(trace, name, lambda op: _read(trace, op) is not None, "pooling")
    op = next(op for op in block.operations if op.node == node)
    found = _read(trace, op)
    assert found is not None
    rows, columns = found
    x, y = _maps(trace, op)
    unit, before = _choose_map(trace, op, images)
    if not x[unit].any():
        unit = int(x.std((1, 2)).argmax())
    sliding = op.window is not None and "Adaptive" not in op.kind
    step = columns[1][0] - columns[0][0] if len(columns) > 1 else 0
    if op.window is not None and sliding and step:
        step = op.window.stride[1]  # the first window may be cut at the edge
    example = PoolingExample(
        block, before, x, y, _is_max(op), rows, columns, unit, (0, 0), step, trace[node].inputs[0], node
    )  # fmt: skip
    return PoolingExample(**{**vars(example), "place": _choose_window(example)})


def _maps(trace: Trace, op: Operation) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    layer = trace[op.node]
    y = layer.output
    return trace.input_of(layer), y.reshape(len(y), *(y.shape[1:] or (1, 1)))


def _is_max(op: Operation) -> bool:
    return "Max" in op.kind or op.kind in ("amax", "max")


def _read(trace: Trace, op: Operation) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    """Windows of a pooling whose values they give, None for other operations."""
    if not ("Pool" in op.kind or op.kind in ("mean", "amax")) or op.input_axes != ("channel", "row", "column"):
        return None
    x, y = _maps(trace, op)
    if x.ndim != 3 or y.ndim != 3 or len(x) != len(y) or x[0].size < 2:
        return None
    spans = _spans(op, x.shape[1:], y.shape[1:])
    if spans is None:
        return None
    rows, columns = spans
    keep = np.max if _is_max(op) else np.mean
    made = np.stack([[keep(x[:, a:b, c:d], axis=(1, 2)) for c, d in columns] for a, b in rows])
    return spans if np.allclose(made.transpose(2, 0, 1), y, rtol=TOLERANCE, atol=TOLERANCE) else None


def _spans(op: Operation, size: Sequence[int], out: Sequence[int]) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    window = op.window
    found: list[tuple[Span, ...]] = []
    for a in (0, 1):
        n, m = size[a], out[a]
        if window is None or "Adaptive" in op.kind:
            found.append(tuple((k * n // m, -(-(k + 1) * n // m)) for k in range(m)))
        elif window.dilation != (1, 1):
            return None
        else:
            starts = [k * window.stride[a] - window.padding[a] for k in range(m)]
            found.append(tuple((max(s, 0), min(s + window.kernel[a], n)) for s in starts))
    if any(a >= b for spans in found for a, b in spans):
        return None
    return found[0], found[1]


def _choose_map(trace: Trace, op: Operation, images: NDArray[np.uint8] | None) -> tuple[int, tuple[str, ...]]:
    """The map that a film on the convolution before shows too, and the functions before the pooling."""
    operations = {o.node: o for block in graph_of_trace(trace) for o in block.operations}
    x, _ = _maps(trace, op)
    name = op.inputs[0]
    titles: tuple[str, ...] = ()
    while name in operations and operations[name].role in ("norm", "activation", "shape"):
        if operations[name].role != "shape":
            titles = (operations[name].title, *titles)
        name = operations[name].inputs[0]
    titles = titles or ((operations[name].title,) if name in operations else ())
    layer: LayerTrace | None = trace[name] if name in operations and operations[name].kind == "Conv2d" else None
    if layer is not None and layer.weight is not None and layer.output.shape[0] == len(x):
        return choose_unit(trace, layer, measure_features(trace, layer, images)), titles
    return int(x.std((1, 2)).argmax()), titles


def _choose_window(example: PoolingExample) -> tuple[int, int]:
    """A window whose printed values differ and, for a mean, agree with the printed mean; one follows to the right."""
    (h, w), d = example.y.shape[1:], example.decimals

    def is_distinct(place: tuple[int, int]) -> bool:
        printed = np.sort(np.round(example.values(place).astype(float), d), axis=None)
        return bool((np.diff(printed) > 0).all()) and bool(printed[-1] > 0)

    def rank(place: tuple[int, int]) -> tuple[bool, int, float]:
        values = example.values(place).astype(float)
        printed = np.round(values, d)
        distinct = is_distinct(place) + is_distinct((place[0], min(place[1] + 1, w - 1)))
        agrees = example.is_max or abs(round(float(printed.mean()), d) - round(float(values.mean()), d)) < 1e-9
        return not agrees, -distinct, -float(values.std())

    places = [(r, c) for r in range(h) for c in range(max(w - 1, 1))]
    return min(places, key=rank)

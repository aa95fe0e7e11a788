"""Gradients of feature maps and kernels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.backpropagation import print_product
from netcore.analysis.blocks import Block, Graph
from netcore.analysis.convolution import inputs_under_tap
from netcore.analysis.operations import Operation
from netcore.analysis.regions import evenly_spaced
from netcore.core.trace import LayerTrace, Trace

TOLERANCE = 1e-4  # of the largest value: what single precision may cause
MAX_WINDOW = 16  # values of a pooling window that can be shown
WINDOWS = 200  # of the largest gradients, that are tried
CANDIDATES = 12  # windows of large products, of which the first is taken whose printed product is right


@dataclass(frozen=True)
class MapDeltas:
    """Derivatives of the loss by what a convolution gives, before normalization and activation.

    block : Block
    values : ndarray, shape (C, H, W)
    """

    block: Block
    values: NDArray[np.floating]

    @property
    def mean_size(self) -> float:
        """Mean magnitude."""
        return float(np.abs(self.values).mean())


def find_map_deltas(trace: Trace, graph: Graph, limit: int) -> list[MapDeltas]:
    """Read the deltas of convolutions, the last first; evenly spaced ones if there are more than `limit`."""
    found = []
    for block in graph:
        node = _node(trace, block.main.node)
        if block.kind == "convolution" and node is not None and node.grad_output is not None and node.output.ndim == 3:
            found.append(MapDeltas(block, node.grad_output))
    return evenly_spaced(found, limit)[::-1]


def _node(trace: Trace, name: str) -> LayerTrace | None:
    return next((layer for layer in trace.layers if layer.name == name), None)


def gradient_of(trace: Trace, name: str) -> NDArray[np.floating] | None:
    """Return the derivative of the loss by a node's output; None where it is not known."""
    if name == "input":
        return trace.grad_input
    node = _node(trace, name)
    return None if node is None else node.grad_output


# ---- pooling


@dataclass(frozen=True)
class PooledGradient:
    """One window of a pooling: its values, and how the gradient of its result is shared among them.

    title : str, of the pooling.
    is_max : bool
    values, gradients : ndarray, shape (rows, columns)
    given : float, gradient of the pooled value.
    unit, row, column : int, place of the pooled value.
    """

    title: str
    is_max: bool
    values: NDArray[np.floating]
    gradients: NDArray[np.floating]
    given: float
    unit: int
    row: int
    column: int


def find_pooled_gradient(trace: Trace, graph: Graph) -> PooledGradient | None:
    """Find the window with the largest gradient of the last max or average pooling; None if there is none.

    Windows must not overlap, and nothing else may read what is pooled; that of a maximum must have one largest value.
    """
    for op in reversed(graph.operations):
        node, window = _node(trace, op.node), op.window
        if node is None or window is None or op.kind not in ("MaxPool2d", "AvgPool2d") or node.grad_output is None:
            continue
        before = gradient_of(trace, op.inputs[0])
        plain = window.stride == window.kernel and window.padding == (0, 0) and window.dilation == (1, 1)
        if before is None or not plain or np.prod(window.kernel) > MAX_WINDOW:
            continue
        (h, w), x = window.kernel, trace.value(op.inputs[0])
        for k in np.argsort(-np.abs(node.grad_output), axis=None, kind="stable")[:WINDOWS]:
            unit, row, column = (int(i) for i in np.unravel_index(int(k), node.grad_output.shape))
            part = unit, slice(row * h, row * h + h), slice(column * w, column * w + w)
            given, gradients, values = float(node.grad_output[unit, row, column]), before[part], x[part]
            clear = op.kind != "MaxPool2d" or (values == values.max()).sum() == 1
            if given and clear and abs(gradients.sum() - given) <= TOLERANCE * abs(given):
                return PooledGradient(op.title, op.kind == "MaxPool2d", values, gradients, given, unit, row, column)
    return None


# ---- residual blocks


@dataclass(frozen=True)
class TwoWays:
    """The gradient by what a residual block receives, as the sum of two ways back.

    title : str, of the block.
    through_block, through_shortcut, total : ndarray, shape (C, H, W)
    is_projected : bool, whether the shortcut has a convolution.
    """

    title: str
    through_block: NDArray[np.floating]
    through_shortcut: NDArray[np.floating]
    total: NDArray[np.floating]
    is_projected: bool

    @property
    def place(self) -> tuple[int, int, int]:
        """Map, row and column at which the smaller of both ways is the largest."""
        smaller = np.minimum(np.abs(self.through_block), np.abs(self.through_shortcut))
        unit, row, column = np.unravel_index(int(smaller.argmax()), smaller.shape)
        return int(unit), int(row), int(column)


def find_two_ways(trace: Trace, graph: Graph) -> TwoWays | None:
    """Find the last residual block whose two ways are known; None if there is none.

    The shortcut must be an identity, or one convolution with or without a normalization, and nothing but the block and
    its shortcut may read what both receive.
    """
    readers: dict[str, int] = {}
    for op in graph.operations:
        for name in op.inputs:
            readers[name] = readers.get(name, 0) + 1
    for block in reversed(graph.blocks):
        if block.kind != "residual" or block.shortcut is None:
            continue
        names = list(block.main.inputs)
        if block.shortcut:
            origin, way = block.shortcut[0].inputs[0], _projected_gradient(trace, block.shortcut)
        else:
            behind = [_sources(graph, name) for name in names]
            origin = names[0] if names[0] in behind[1] else names[1]
            way = gradient_of(trace, block.main.node)
        total = gradient_of(trace, origin)
        if way is not None and total is not None and total.ndim == 3 and readers[origin] == 2:
            return TwoWays(_region_title(graph, block), total - way, way, total, bool(block.shortcut))
    return None


def _region_title(graph: Graph, block: Block) -> str:
    """Title of the residual block that a sum ends."""
    regions = graph.fold("region").blocks
    return next((r.title for r in regions if r.kind == "residual" and r.output == block.output), "residual block")


def _sources(graph: Graph, name: str) -> set[str]:
    """All that an output depends on."""
    producer = {out: op for op in graph.operations for out in op.outputs}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        op = producer.get(waiting.pop())
        for source in op.inputs if op else ():
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _projected_gradient(trace: Trace, shortcut: Sequence[Operation]) -> NDArray[np.floating] | None:
    node = _node(trace, shortcut[0].node)
    if node is None or node.kind != "Conv2d" or node.grad_output is None or node.weight is None:
        return None
    return input_gradient(node, trace.input_of(node).shape)


def input_gradient(layer: LayerTrace, shape: tuple[int, ...]) -> NDArray[np.floating] | None:
    """Compute the derivative by a convolution's input (C, H, W) from its deltas; None with groups or other padding."""
    assert layer.weight is not None
    assert layer.grad_output is not None
    settings, (_, _, kh, kw) = layer.settings, layer.weight.shape
    sizes = [settings.get(name) or 1 for name in ("stride", "dilation")]
    (sy, sx), (dy, dx) = (tuple(v) if isinstance(v, (tuple, list)) else (v, v) for v in sizes)
    padding = settings.get("padding") or 0
    plain = (settings.get("groups") or 1) == 1 and settings.get("padding_mode", "zeros") == "zeros"
    if isinstance(padding, str) or not plain:
        return None
    py, px = padding if isinstance(padding, (tuple, list)) else (padding, padding)
    _, oh, ow = layer.grad_output.shape
    out = np.zeros((shape[0], shape[1] + 2 * py, shape[2] + 2 * px))
    for y in range(kh):
        for x in range(kw):
            rows, columns = (slice(t, t + s * (n - 1) + 1, s) for t, s, n in ((y * dy, sy, oh), (x * dx, sx, ow)))
            out[:, rows, columns] += np.tensordot(layer.weight[:, :, y, x].astype(float), layer.grad_output, (0, 0))
    return out[:, py : py + shape[1], px : px + shape[2]]


# ---- kernels


@dataclass(frozen=True)
class KernelGradient:
    """The gradient of one kernel weight as a sum over all windows.

    block : Block, the convolution.
    unit, channel : int, the kernel leads from an input map to a map.
    tap : (int, int), row and column of the weight in the kernel.
    deltas, inputs : ndarray, shape (H, W), delta of each window, and the value under the weight.
    kernel : ndarray, gradients of all weights of the kernel.
    place : (int, int), window whose product is shown.
    texts : texts of its delta, input and product.
    """

    block: Block
    unit: int
    channel: int
    tap: tuple[int, int]
    deltas: NDArray[np.floating]
    inputs: NDArray[np.floating]
    kernel: NDArray[np.floating]
    place: tuple[int, int]
    texts: tuple[str, str, str]

    @property
    def products(self) -> NDArray[np.float64]:
        """Delta × input of each window: (H, W)."""
        out: NDArray[np.float64] = self.deltas.astype(float) * self.inputs
        return out

    @property
    def gradient(self) -> float:
        """Their sum."""
        return float(self.products.sum())


def find_kernel_gradient(trace: Trace, deltas: MapDeltas) -> KernelGradient | None:
    """Choose the weight with the largest gradient of a convolution; None if its sum over windows is not known."""
    layer = _node(trace, deltas.block.main.node)
    if layer is None or layer.kind != "Conv2d" or layer.grad_weight is None or layer.weight is None:
        return None
    if layer.settings.get("padding_mode", "zeros") != "zeros":
        return None
    at = np.unravel_index(int(np.abs(layer.grad_weight).argmax()), layer.grad_weight.shape)
    unit, inner, y, x = (int(i) for i in at)
    values, w = trace.input_of(layer), deltas.values.shape[2]
    channel = unit * (layer.settings.get("groups") or 1) // len(layer.weight) * layer.weight.shape[1] + inner
    inputs = inputs_under_tap(layer, values, channel, (y, x))
    products = deltas.values[unit] * inputs
    if abs(products.sum() - layer.grad_weight[at]) > TOLERANCE * abs(float(layer.grad_weight[at])):
        return None
    order = np.argsort(-np.abs(products), axis=None, kind="stable")[:CANDIDATES]
    places = [(int(k) // w, int(k) % w) for k in order]
    places = [p for p in places if abs(products[p]) >= 0.5 * abs(products[places[0]])]
    best, texts = print_product([(float(deltas.values[unit][p]), float(inputs[p])) for p in places])
    kernel = layer.grad_weight[unit, inner]
    return KernelGradient(deltas.block, unit, channel, (y, x), deltas.values[unit], inputs, kernel, places[best], texts)

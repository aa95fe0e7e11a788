"""Sum of one unit, as printed numbers that add up."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.convolution import output_terms
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.formatting import format_decimal, format_sum
from netcore.core.trace import LayerTrace, Trace

TOLERANCE = 1e-5  # of the largest output, by which a sum may differ from PyTorch's value
MOST = 4  # digits after the decimal point of a value just under 1
FEW = 4  # input maps of a kernel that are all shown
TERMS = ("blue", "orange")  # positive and negative products


@dataclass(frozen=True)
class UnitSum:
    """What one unit computes on one image.

    Attributes
    ----------
    unit : int
    weights, products : ndarray, shape (h, w)
        Pictures: a neuron's are the mean and the sum over colours, a kernel's the few input maps one below the other,
        or of many maps the one with the largest sum.
    rows, columns : ndarray of int
        Place in what the layer reads.
    terms : tuple of (str, float)
        Name and value of what is added up: products by sign or input map, and the bias if there is one.
    total : float
        Sum that PyTorch computed.
    after : tuple of (str, float)
        Name of each function of the layer, and the unit's value after it.
    channel : int
        Number of the input map that is shown, -1 if all are.
    source : ndarray, shape (H, W)
        That input map, empty if all are shown.
    """

    unit: int
    weights: NDArray[np.floating]
    products: NDArray[np.float64]
    rows: NDArray[np.int_]
    columns: NDArray[np.int_]
    terms: tuple[tuple[str, float], ...]
    total: float
    after: tuple[tuple[str, float], ...]
    channel: int = -1
    source: NDArray[np.floating] = field(default_factory=lambda: np.empty((0, 0)))

    def printed(self) -> list[tuple[str, str]]:
        """Return names and texts of terms, sum and functions; the printed terms add up to the printed sum."""
        texts, total = format_sum([value for _, value in self.terms])
        decimals = len(total.partition(".")[2])

        def text_of(value: float) -> str:
            if np.isclose(value, self.total, rtol=1e-6, atol=0):  # as a ReLU leaves it
                return total
            whole = min(abs(value), 1) < 1 and round(abs(value), decimals) == 1  # 0.998 is not 1.00
            digits = MOST if whole else decimals
            return format_decimal(round(value * 10**digits), digits)

        lines = [(name, text) for (name, _), text in zip(self.terms, texts, strict=True)]
        return [*lines, ("sum", total), *((name, text_of(value)) for name, value in self.after)]


def explained_layer(trace: Trace, name: str) -> LayerTrace | None:
    """Return the node of a layer with weights whose sums its known weights explain, else None."""
    layer = next((n for n in trace.layers if name in (n.name, n.weight_name.removesuffix(".weight"))), None)
    if layer is None or layer.weight is None or layer.kind not in ("Linear", "Conv2d"):
        return None
    x = trace.input_of(layer)
    if layer.kind == "Linear":
        explained = x.ndim == 1 and layer.output.ndim == 1 and x.size == trace.input.size
        return layer if explained and np.array_equal(x, trace.input.ravel()) else None
    if x.ndim != 3 or layer.output.ndim != 3:
        return None
    places = [(0, 0, 0), (len(layer.output) - 1, *(n // 2 for n in layer.output.shape[1:]))]
    limit = TOLERANCE * max(1.0, float(np.abs(layer.output).max()))
    fits = all(abs(output_terms(layer, x, *at).total - layer.output[at]) < limit for at in places)
    return layer if fits else None


def strongest_unit(layer: LayerTrace, among: ArrayLike) -> tuple[int, ...]:
    """Return unit, row and column (the unit alone for a neuron) of the largest sum of some units."""
    units = np.asarray(among)
    values = layer.output[units]
    first, *place = (int(k) for k in np.unravel_index(int(values.argmax()), values.shape))
    return int(units[first]), *place


def unit_sum(trace: Trace, layer: LayerTrace, at: Sequence[int], among: ArrayLike | None = None) -> UnitSum:
    """Read the terms of one sum.

    Parameters
    ----------
    trace : Trace
    layer : LayerTrace
        Of kind ``Linear`` on the image or ``Conv2d``, see `explained_layer`.
    at : (unit,) or (unit, row, column)
    among : array_like of int, optional
        Input maps of which one may be shown; default: all.
    """
    place, after = tuple(at), _functions(trace, layer, tuple(at))
    total = float(layer.output[place])
    if layer.kind == "Linear":
        assert layer.weight is not None
        shape = trace.input.shape
        own = layer.weight[place[0]].astype(float).reshape(shape)
        products = (own * trace.input).sum(0)  # (h, w)
        terms = (*_by_sign(products), *_bias(layer, place[0]))
        rows, columns = np.arange(shape[1]), np.arange(shape[2])
        return UnitSum(place[0], own.mean(0), products, rows, columns, terms, total, after)
    return _kernel_sum(trace.input_of(layer), layer, place, after, among)


def _kernel_sum(
    x: NDArray[np.floating],
    layer: LayerTrace,
    at: tuple[int, ...],
    after: tuple[tuple[str, float], ...],
    among: ArrayLike | None,
) -> UnitSum:
    read, total = output_terms(layer, x, at[0], at[1], at[2]), float(layer.output[at])
    if len(read.channels) <= FEW:
        weights, products = np.concatenate(list(read.weights)), np.concatenate(list(read.products))
        terms = (*_by_sign(products), *_bias(layer, at[0]))
        return UnitSum(at[0], weights, products, read.rows, read.columns, terms, total, after)
    allowed = np.ones(len(read.channels), bool) if among is None else np.isin(read.channels, among)
    k = int(np.where(allowed, np.abs(read.partial_sums), -1).argmax())
    products, channel = read.products[k], int(read.channels[k])
    rest = float(np.delete(read.partial_sums, k).sum())
    named = [("this map", float(products.sum())), (f"{len(read.channels) - 1:,} others", rest)]
    terms = (*named, *_bias(layer, at[0]))
    return UnitSum(at[0], read.weights[k], products, read.rows, read.columns, terms, total, after, channel, x[channel])


def _by_sign(products: NDArray[np.float64]) -> list[tuple[str, float]]:
    parts = float(products[products > 0].sum()), float(products[products < 0].sum())
    return list(zip(TERMS, parts, strict=True))


def _bias(layer: LayerTrace, unit: int) -> list[tuple[str, float]]:
    return [] if layer.bias is None else [("bias", float(layer.bias[unit]))]


def _functions(trace: Trace, layer: LayerTrace, at: tuple[int, ...]) -> tuple[tuple[str, float], ...]:
    block = next((b for b in graph_of_trace(trace) if layer.name in [op.node for op in b.operations]), None)
    if block is None or block.children:
        return ()
    steps = list(block.steps)
    start = next((k for k, (_, node) in enumerate(steps) if node == layer.name), len(steps))
    values = [(term, trace.value(node)) for term, node in steps[start + 1 :]]
    return tuple((term, float(v[at])) for term, v in values if v.shape == layer.output.shape)

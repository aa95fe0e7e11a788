"""Worked examples: the numbers of one pass, for the lesson's sums."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.core.trace import LayerTrace, Trace

SHOWN_TERMS = 4


@dataclass(frozen=True)
class WorkedSum:
    """Weight times input, added up for one unit.

    Attributes
    ----------
    layer : LayerTrace
        The layer of the unit.
    unit : int
        Number of the neuron or map.
    place : tuple of int or None
        Row and column in the map.
    terms : tuple of (name, weight, input)
        The strongest products, by size.
    count : int
        Number of all products.
    rest : float
        Sum of the products that are not in `terms`.
    bias : float
        0 if the layer has none.
    total : float
        Value that PyTorch computed.
    """

    layer: LayerTrace
    unit: int
    place: tuple[int, int] | None
    terms: tuple[tuple[str, float, float], ...]
    count: int
    rest: float
    bias: float
    total: float


def dense_sum(trace: Trace, layer: LayerTrace, unit: int) -> WorkedSum:
    """Work out the sum of one neuron of a dense layer."""
    assert layer.weight is not None
    x = trace.input_of(layer).ravel().astype(np.float64)
    weight = layer.weight[unit].astype(np.float64)
    strongest = np.argsort(-np.abs(weight * x), kind="stable")[:SHOWN_TERMS]
    terms = tuple((str(i + 1), float(weight[i]), float(x[i])) for i in strongest)
    return _worked(layer, unit, None, terms, weight * x)


def convolution_sum(trace: Trace, layer: LayerTrace, unit: int, place: tuple[int, int]) -> WorkedSum:
    """Work out the sum of a convolution at one place of a map."""
    assert layer.weight is not None
    window = convolution_window(trace, layer, unit, place)
    kernel = layer.weight[unit].astype(np.float64)
    products = kernel * window
    strongest = np.argsort(-np.abs(products).ravel(), kind="stable")[:SHOWN_TERMS]
    places = [np.unravel_index(i, kernel.shape) for i in strongest]
    terms = tuple((",".join(str(int(v) + 1) for v in p), float(kernel[p]), float(window[p])) for p in places)
    return _worked(layer, unit, place, terms, products.ravel())


def convolution_window(trace: Trace, layer: LayerTrace, unit: int, place: tuple[int, int]) -> NDArray[np.float64]:
    """Return what a kernel reads at one place, shape (channels, rows, columns); 0 outside the image."""
    assert layer.weight is not None
    x = trace.input_of(layer).astype(np.float64)
    channels, height, width = layer.weight.shape[1:]
    (sy, sx), (dy, dx) = _pair(layer, "stride", 1), _pair(layer, "dilation", 1)
    py, px = ((dy * (height - 1)) // 2, (dx * (width - 1)) // 2)
    if layer.settings.get("padding") != "same":
        py, px = _pair(layer, "padding", 0)
    groups = int(layer.settings.get("groups", 1))
    first = unit // (layer.weight.shape[0] // groups) * channels
    reach = ((py, py + dy * height), (px, px + dx * width))
    padded = np.pad(x[first : first + channels], ((0, 0), *reach))
    top, left = place[0] * sy, place[1] * sx
    return padded[:, top : top + dy * height : dy, left : left + dx * width : dx]


def _pair(layer: LayerTrace, key: str, default: int) -> tuple[int, int]:
    value = layer.settings.get(key, default)
    if isinstance(value, str):
        return 0, 0
    return (int(value[0]), int(value[1])) if isinstance(value, (tuple, list)) else (int(value), int(value))


def _worked(
    layer: LayerTrace,
    unit: int,
    place: tuple[int, int] | None,
    terms: tuple[tuple[str, float, float], ...],
    products: NDArray[np.float64],
) -> WorkedSum:
    rest = float(products.sum() - sum(w * x for _, w, x in terms))
    bias = 0.0 if layer.bias is None else float(layer.bias[unit])
    index = (unit, *place) if place else (unit,)
    return WorkedSum(layer, unit, place, terms, len(products), rest, bias, float(layer.output[index]))

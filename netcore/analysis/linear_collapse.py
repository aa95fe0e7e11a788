"""Dense layers without their activation functions: one layer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.activations import Function
from netcore.analysis.answer_path import hidden_functions, replay
from netcore.analysis.cnn_blocks import cnn_blocks
from netcore.analysis.dense_layers import DenseLayer, mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.errors import RequirementError
from netcore.core.trace import Trace

SLOPE_STEP = 1e-4  # of the central difference
FLAT_SLOPE = 0.02  # below it a function is nearly flat


def dense_part(trace: Trace) -> tuple[tuple[DenseLayer, ...], list[Function]]:
    """Return the dense layers of a network, or those after its feature maps, and the functions between them.

    Raises
    ------
    RequirementError
        If there are not two dense layers with a known elementwise function after the first.
    """
    try:
        layers = mlp_layers(trace, graph_of_trace(trace))
    except RequirementError:
        layers = cnn_blocks(trace).dense
    functions = [function for function in hidden_functions(trace, layers) if function is not None]
    if len(layers) < 2 or len(functions) < len(layers) - 1 or not layers[0].functions:
        raise RequirementError(
            "this film needs two dense layers or more with elementwise activation functions: use prediction-pipeline"
        )
    return layers, functions


def collapse_layers(layers: Sequence[DenseLayer]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Multiply the layers out, functions left away: weight (K, I) and bias (K,) of one layer."""
    weight, bias = layers[0].weight.astype(np.float64), layers[0].bias.astype(np.float64)
    for layer in layers[1:]:
        w = layer.weight.astype(np.float64)
        weight, bias = w @ weight, w @ bias + layer.bias
    return weight, bias


def scores_without_functions(layers: Sequence[DenseLayer], sums: ArrayLike) -> NDArray[np.float64]:
    """Compute scores (N, K) from the first layer's sums (N, O), functions left away."""
    return replay(layers, [lambda z: z] * len(layers), np.asarray(sums, np.float64), 1)


def slope(function: Function, z: ArrayLike) -> NDArray[np.float64]:
    """Return the derivative of a function, by central differences."""
    at = np.asarray(z, np.float64)
    return np.asarray((function(at + SLOPE_STEP) - function(at - SLOPE_STEP)) / (2 * SLOPE_STEP))


def score_gradient(
    layers: Sequence[DenseLayer], functions: Sequence[Function], sums: ArrayLike, label: int
) -> NDArray[np.float64]:
    """Return the derivative of a class's score by the inputs of the first layer: (I,).

    Parameters
    ----------
    layers, functions : sequence
        As `dense_part` gives them.
    sums : array_like, shape (O,)
        Pre-activations of the first layer for the image.
    label : int
        Class.
    """
    slopes, z = [], np.asarray(sums, np.float64)
    for layer, function in zip(layers[1:], functions, strict=True):
        slopes.append(slope(function, z))
        z = layer.weight.astype(np.float64) @ function(z) + layer.bias
    gradient = layers[-1].weight[label].astype(np.float64)
    for layer, factor in zip(layers[-2::-1], slopes[::-1], strict=True):
        gradient = (gradient * factor) @ layer.weight.astype(np.float64)
    return gradient


def flat_ranges(function: Function, low: float, high: float) -> list[tuple[float, float]]:
    """Return where a function is nearly flat, within a range."""
    z = np.linspace(low, high, 2001)
    flat = np.abs(slope(function, z)) < FLAT_SLOPE
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    return [(float(z[a]), float(z[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 2]


def count_opposite(a: ArrayLike, b: ArrayLike) -> int:
    """Count the places at which two arrays have opposite signs."""
    return int((np.sign(a) * np.sign(b) < 0).sum())


def most_opposite(a: ArrayLike, b: ArrayLike) -> tuple[int, ...] | None:
    """Return the place at which two arrays are opposite most, each in units of its own maximum; None if nowhere."""
    x, y = (np.asarray(v, np.float64) / max(float(np.abs(v).max()), 1e-300) for v in (a, b))
    both = np.where(x * y < 0, np.minimum(np.abs(x), np.abs(y)), 0.0)
    if not both.any():
        return None
    return tuple(int(n) for n in np.unravel_index(int(both.argmax()), both.shape))

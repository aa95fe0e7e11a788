"""Activation functions in NumPy, by kind of node."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, expit

from netcore.core.trace import LayerTrace

Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., 2017
UNCHANGED = frozenset(["Identity", "Dropout", "Dropout1d", "Flatten", "AlphaDropout", "FeatureAlphaDropout"])


def activation_function(layer: LayerTrace) -> Function | None:
    """Return the elementwise function of a node, None if it is not one that is known here.

    Parameters
    ----------
    layer : LayerTrace
        Dropout and reshaping count as the identity, as in evaluation mode.
    """
    kind, settings = layer.kind, layer.settings
    if kind in UNCHANGED:
        return lambda z: z
    if kind == "GELU" and settings.get("approximate") == "tanh":
        return lambda z: 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
    make = _FUNCTIONS.get(kind)
    return None if make is None else make(settings)


def compose_activations(layers: list[LayerTrace]) -> Function | None:
    """Return the functions of several nodes as one, None if one of them is not known."""
    functions = [activation_function(layer) for layer in layers]
    known = [function for function in functions if function is not None]
    if len(known) < len(functions):
        return None

    def apply(z: ArrayLike) -> NDArray[np.float64]:
        value = np.asarray(z, dtype=np.float64)
        for function in known:
            value = function(value)
        return value

    return apply


def _number(settings: Mapping[str, Any], name: str, default: float) -> float:
    value = settings.get(name, default)
    return float(default if value is None else value)


def _leaky(settings: Mapping[str, Any]) -> Function:
    slope = _number(settings, "negative_slope", 0.01)
    return lambda z: np.where(z >= 0, z, slope * z)


def _elu(settings: Mapping[str, Any]) -> Function:
    alpha = _number(settings, "alpha", 1.0)
    return lambda z: np.where(z >= 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _softplus(settings: Mapping[str, Any]) -> Function:
    beta = _number(settings, "beta", 1.0)
    return lambda z: np.logaddexp(0, beta * z) / beta


_FUNCTIONS: dict[str, Callable[[Mapping[str, Any]], Function]] = {
    "Sigmoid": lambda _: expit,
    "Tanh": lambda _: np.tanh,
    "ReLU": lambda _: lambda z: np.maximum(z, 0),
    "ReLU6": lambda _: lambda z: np.clip(z, 0, 6),
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "SELU": lambda _: lambda z: SELU_SCALE * np.where(z >= 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
    "GELU": lambda _: lambda z: 0.5 * z * (1 + erf(z / np.sqrt(2))),
    "SiLU": lambda _: lambda z: z * expit(z),
    "Mish": lambda _: lambda z: z * np.tanh(np.logaddexp(0, z)),
    "Softplus": _softplus,
    "Softsign": lambda _: lambda z: z / (1 + np.abs(z)),
    "LogSigmoid": lambda _: lambda z: -np.logaddexp(0, -z),
    "Hardswish": lambda _: lambda z: z * np.clip(z + 3, 0, 6) / 6,
    "Hardsigmoid": lambda _: lambda z: np.clip(z / 6 + 0.5, 0, 1),
}

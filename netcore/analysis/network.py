"""The dense layers of a network as a film tells them, read out of a trace: nothing here is drawn, nothing invented."""

from dataclasses import dataclass

import numpy as np

from netcore.core.errors import RequirementError
from netcore.core.trace import LayerTrace, Trace

RESHAPES = ("Flatten", "Identity", "Dropout", "Dropout1d", "Dropout2d", "view", "reshape", "squeeze", "unsqueeze")
SILENT = ("Identity", "Dropout", "Dropout1d", "Flatten")  # do nothing to the numbers when a trained network answers
SYMBOLS = {"Sigmoid": "sigma", "Tanh": "tanh", "Softmax": '"softmax"', "BatchNorm1d": '"BN"', "LayerNorm": '"LN"'}


@dataclass(frozen=True)
class Dense:
    """One dense layer and the functions after it, up to the next dense layer.

    number : int, from 1.
    inputs : (I,), activations that it receives.
    weight : (O, I); bias : (O,), zeros where the layer has none.
    z : (O,), pre-activations, ``weight @ inputs + bias``.
    functions : kinds of the functions that turn `z` into `output`, in order (``("BatchNorm1d", "ReLU")``).
    output : (O,), activations.
    """

    number: int
    name: str
    inputs: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    z: np.ndarray
    functions: tuple[str, ...]
    output: np.ndarray

    def contributions(self, targets: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """What each source adds to each target's sum, weight × activation: (T, S)."""
        return self.weight[np.ix_(targets, sources)] * self.inputs[sources]

    @property
    def sum_formula(self) -> str:
        """``z = W a + b`` in Typst's mathematics, the sizes beneath."""
        n, (out, into) = self.number, (f"{size:,}" for size in self.weight.shape)
        parts = [f'underbrace(z^(({n})), "{out}")', "=", f'underbrace(W^(({n})), "{out}×{into}")']
        parts += ["thin", f'underbrace(a^(({n - 1})), "{into}")', "+", f'underbrace(b^(({n})), "{out}")']
        return " ".join(parts)

    @property
    def activation_formula(self) -> str:
        """``a = sigma(z)`` in Typst's mathematics."""
        inner = f"z^(({self.number}))"
        for kind in self.functions:
            inner = f"{_symbol(kind)}({inner})"
        return f"a^(({self.number})) = {inner}"


def dense_stages(trace: Trace) -> tuple[Dense, ...]:
    """Read the dense layers of a trace, from the first one on; they must follow one another in a plain chain.

    Raises
    ------
    Refused
        If there is no dense layer, or after the first one something comes that a chain of dense layers does not have.
    """
    layers = list(trace.layers)
    first = next((i for i, layer in enumerate(layers) if layer.kind == "Linear"), None)
    if first is None:
        raise RequirementError("the network must have a dense layer, got none")
    stages: list[Dense] = []
    chain: list[LayerTrace] = []
    for layer, before in zip([*layers[first:], None], [None, *layers[first:]], strict=True):
        if chain and (layer is None or layer.kind == "Linear"):
            stages.append(_stage(trace, len(stages) + 1, chain))
            chain = []
        if layer is None:
            break
        plain = before is None or layer.inputs == (before.name,)
        if not plain or (layer.kind != "Linear" and layer.weight is not None and layer.output.ndim != 1):
            raise RequirementError(f"expected a sequence of dense layers, but '{layer.name}' is a {layer.kind}")
        chain.append(layer)
    return tuple(stages)


def mlp_stages(trace: Trace) -> tuple[Dense, ...]:
    """Dense layers of a network that consists of nothing else: the image, flattened, is what the first one receives.

    Raises
    ------
    Refused
        If something but reshaping comes before the first dense layer.
    """
    for layer in trace.layers:
        if layer.kind == "Linear":
            break
        if layer.kind not in RESHAPES:
            raise RequirementError(f"this film needs a network of dense layers alone, got a {layer.kind}")
    return dense_stages(trace)


def _symbol(kind: str) -> str:
    return SYMBOLS.get(kind, f'"{kind}"')


def _stage(trace: Trace, number: int, chain: list[LayerTrace]) -> Dense:
    linear, after = chain[0], chain[1:]
    weight = linear.weight
    bias = linear.bias if linear.bias is not None else np.zeros(len(weight), np.float32)
    functions = tuple(layer.kind for layer in after if layer.kind not in SILENT)
    return Dense(
        number, linear.name, trace.input_of(linear).ravel(), weight, bias, linear.output.ravel(), functions,
        chain[-1].output.ravel(),
    )  # fmt: skip

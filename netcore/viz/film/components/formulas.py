"""Typst formulas of a layer."""

from collections.abc import Sequence

from netcore.analysis.dense_layers import DenseLayer

SYMBOLS = {"Sigmoid": "sigma", "Tanh": "tanh"}


def sum_formula(layer: DenseLayer) -> str:
    """``z = W a + b`` in Typst's mathematics, the sizes beneath."""
    n, (out, into) = layer.number, (f"{size:,}" for size in layer.weight.shape)
    parts = [f'underbrace(z^(({n})), "{out}")', "=", f'underbrace(W^(({n})), "{out}×{into}")']
    parts += ["thin", f'underbrace(a^(({n - 1})), "{into}")', "+", f'underbrace(b^(({n})), "{out}")']
    return " ".join(parts)


def activation_formula(layer: DenseLayer) -> str:
    """``a = sigma(z)`` in Typst's mathematics."""
    inner = f"z^(({layer.number}))"
    for function in layer.functions:
        inner = f"{_symbol(function)}({inner})"
    return f"a^(({layer.number})) = {inner}"


def hidden_layer_formula(layers: Sequence[DenseLayer]) -> str | None:
    """Formula of every hidden layer in Typst's mathematics; None if there is none or they differ."""
    kinds = {layer.functions for layer in layers[:-1]}
    if len(kinds) != 1:
        return None
    inner = "W^((l)) thin a^((l-1)) + b^((l))"
    for function in kinds.pop():
        inner = f"{_symbol(function)}({inner})"
    return f"a^((l)) = {inner}"


def _symbol(function: str) -> str:
    return SYMBOLS.get(function, f'"{function.lower() if function == "Softmax" else function}"')

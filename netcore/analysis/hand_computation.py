"""A neuron's sum as numbers that can be followed by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_terms

MAX_FACTOR_DECIMALS = 5
DECIMALS = 3  # of products, at least


@dataclass(frozen=True)
class HandSum:
    """Texts of one neuron's sum: the printed products and the printed bias add up to the printed sum.

    Attributes
    ----------
    index : ndarray of int
        Inputs that are written one by one, in their order.
    activations, weights, products : tuple of str
        One each for every input of `index`; a printed product is that of the printed factors, to within one last digit.
    rest : str
        Sum of all other products, "" if there are none.
    rest_count : int
    bias, total : str
    """

    index: NDArray[np.int_]
    activations: tuple[str, ...]
    weights: tuple[str, ...]
    products: tuple[str, ...]
    rest: str
    rest_count: int
    bias: str
    total: str

    @property
    def before_bias(self) -> str:
        """Sum of the printed products and the rest."""
        terms = [*self.products, *([self.rest] if self.rest else [])]
        return add_texts(terms)


def hand_sum(layer: DenseLayer, unit: int, limit: int = 24) -> HandSum:
    """Write the sum of one neuron, its largest products one by one.

    Parameters
    ----------
    layer : DenseLayer
    unit : int
    limit : int
        Products that are written, at most; the others are one rest.
    """
    weight, inputs = layer.weight[unit].astype(np.float64), layer.inputs.astype(np.float64)
    products = weight * inputs
    count = len(products) if len(products) <= limit else limit - 1
    index = np.sort(np.argsort(-np.abs(products), kind="stable")[:count])
    others = np.delete(products, index)
    terms = [*products[index], *([others.sum()] if others.size else []), float(layer.bias[unit])]
    power = int(np.floor(np.log10(max(np.abs(terms).max(), 1e-9))))
    texts, total = format_terms(terms, max(1, DECIMALS + 1 + power))
    written = texts[: len(index)]
    a, w = _factors(inputs[index], weight[index], written)
    rest = texts[len(index)] if others.size else ""
    return HandSum(index, a, w, tuple(written), rest, others.size, texts[-1], total)


def add_texts(terms: Sequence[str]) -> str:
    """Add printed numbers exactly, and print the sum with their decimals.

    Examples
    --------
    >>> add_texts(["1,000.25", "−0.50"])
    '999.75'
    """
    total = sum((to_decimal(term) for term in terms), Decimal(0))
    return f"{total:,}".replace("-", "−")


def to_decimal(text: str) -> Decimal:
    """Read a printed number."""
    return Decimal(text.replace(",", "").replace("−", "-"))


def _factors(
    a: NDArray[np.float64], w: NDArray[np.float64], products: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Print factors with the fewest decimals that give the printed products, to within one last digit."""
    decimals = len(products[0].partition(".")[2]) if products else 2
    for d in range(decimals, max(decimals, MAX_FACTOR_DECIMALS) + 1):
        texts = [[f"{v:.{d}f}".replace("-", "−") for v in values] for values in (a, w)]
        made = (to_decimal(x) * to_decimal(y) for x, y in zip(*texts, strict=True))
        unit = Decimal(1).scaleb(-decimals)
        if all(abs(m - to_decimal(p)) <= unit for m, p in zip(made, products, strict=True)):
            break
    return tuple(texts[0]), tuple(texts[1])

"""A neuron's sum as numbers that can be followed by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_terms

MAX_FACTOR_DECIMALS = 6
PLAIN_DIGITS = str.maketrans({raised: plain for plain, raised in zip("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)})
DECIMALS = 3  # of products, at least


@dataclass(frozen=True)
class HandSum:
    """Texts of one neuron's sum: the printed products and the printed bias add up to the printed sum.

    Attributes
    ----------
    index : ndarray of int
        Inputs that are written one by one, in their order.
    activations, weights, products : tuple of str
        One each for every input of `index`; the product of the printed factors, rounded, is the printed one, unless
        that was adjusted by one last digit so that the sum adds up.
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


def sigmoid_by_hand(z: str, result: str) -> str:
    """Write the sigmoid of a printed number, with as few digits as give the printed result.

    Examples
    --------
    >>> sigmoid_by_hand("2.361", "0.914")
    '1 ÷ (1 + e to the −2.361) = 1 ÷ (1 + 0.094) = 0.914'
    """
    minus = z[1:] if z.startswith("−") else f"−{z}"
    power = float(np.exp(float(to_decimal(minus))))
    for decimals in range(DECIMALS, MAX_FACTOR_DECIMALS + 1):
        text = f"{power:,.{decimals}f}"
        if f"{1 / (1 + float(to_decimal(text))):.{len(result.partition('.')[2])}f}" == result:
            break
    return f"1 ÷ (1 + e to the {minus}) = 1 ÷ (1 + {text}) = {result}"


def to_decimal(text: str) -> Decimal:
    """Read a printed number.

    Examples
    --------
    >>> to_decimal("−1,234.50"), to_decimal("4.0×10⁻⁵")
    (Decimal('-1234.50'), Decimal('0.000040'))
    """
    factor, _, power = text.replace(",", "").replace("−", "-").partition("×10")
    return Decimal(factor).scaleb(int(power.translate(PLAIN_DIGITS) or 0))


def _factors(
    a: NDArray[np.float64], w: NDArray[np.float64], products: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Print all factors with the same decimals, the fewest with which each product, rounded, is the printed one.

    Where a printed product was adjusted to its sum, they are the fewest with which most products are.
    """
    least = len(products[0].partition(".")[2])
    tried = [_print_pairs(a, w, products, d) for d in range(least, max(least, MAX_FACTOR_DECIMALS) + 1)]
    pairs, _ = max(tried, key=lambda found: found[1])  # the first of the best
    return tuple(one for one, _ in pairs), tuple(two for _, two in pairs)


def _print_pairs(
    a: NDArray[np.float64], w: NDArray[np.float64], products: Sequence[str], decimals: int
) -> tuple[list[tuple[str, str]], int]:
    """Print pairs of factors, and count those whose product, rounded, is the printed one."""
    pairs = [
        (f"{x:.{decimals}f}".replace("-", "−"), f"{y:.{decimals}f}".replace("-", "−"))
        for x, y in zip(a, w, strict=True)
    ]
    made = [to_decimal(one) * to_decimal(two) for one, two in pairs]
    printed = [to_decimal(product) for product in products]
    return pairs, sum(m.quantize(p, ROUND_HALF_UP) == p for m, p in zip(made, printed, strict=True))

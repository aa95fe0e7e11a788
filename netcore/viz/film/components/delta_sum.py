"""A neuron's delta as a sum of what flows back to it."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.answer_path import largest_terms
from netcore.analysis.backpropagation import LayerGradient
from netcore.core.formatting import format_sum
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.sum_line import Term, write_sum

MAX_DIGITS = 10  # after the point, of printed factors


def write_delta_sum(
    gradient: LayerGradient,
    drawn: NDArray[np.int_],
    unit: int,
    decimals: int,
    limit: int,
    classes: Sequence[str] = (),
) -> tuple[list[Term], list[int]]:
    """Write the derivative by an input of a layer as a sum.

    Parameters
    ----------
    gradient : LayerGradient
        Of the layer whose deltas flow back.
    drawn : ndarray of int
        Its neurons that may be named.
    unit : int
        The input.
    decimals, limit : int
        Digits after the point, and how many terms are written at most; the rest is one term.
    classes : sequence of str
        Names of the neurons, if they are the outputs.

    Returns
    -------
    terms : list of Term
    index : list of int
        Neurons of the first terms.
    """
    terms = gradient.terms(unit)
    strongest = largest_terms(np.where(np.isin(np.arange(len(terms)), drawn), terms, 0.0), limit)
    index = [int(i) for i in strongest.index if i in drawn]
    left, rest = len(terms) - len(index), float(terms.sum() - terms[index].sum())
    numbers, total = format_sum(terms[index].tolist(), rest if left else None, decimals, decimals)
    labels = [f"from {clip_names([classes[i]], 10)[0]}:" if classes else "" for i in index]
    if labels and labels[0]:
        factors = float(gradient.layer.weight[index[0], unit]), float(gradient.delta[index[0]])
        labels[0] += f" {print_factors(*factors, numbers[0])} ="
    labels += [f"{left:,} more:"] * bool(left)
    roles = ["positive" if text.startswith("−") else "negative" for text in numbers[: len(index)]]
    roles += ["muted"] * bool(left)  # of both signs
    return write_sum(numbers, total, roles, labels), index


def print_factors(a: float, b: float, product: str) -> str:
    """Write two factors with the fewest digits that give a printed product.

    Examples
    --------
    >>> print_factors(0.55086, -0.75884, "−0.4180")
    '0.5509 × −0.7588'
    """
    goal, step = Decimal(product.replace("−", "-").replace(",", "")), Decimal(1).scaleb(-len(product.partition(".")[2]))
    for decimals in range(3, MAX_DIGITS):
        one, two = (f"{v:.{decimals}f}" for v in (a, b))
        if (Decimal(one) * Decimal(two)).quantize(step) == goal:
            break
    return f"{one} × {two}".replace("-", "−")

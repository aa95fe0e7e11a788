"""Sums of a dense network in numbers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.answer_path import largest_terms
from netcore.core.formatting import format_sum
from netcore.viz.film.components.columns import DenseColumns
from netcore.viz.film.components.sum_line import Term, write_sum


class SumInNumbers(NamedTuple):
    """A neuron's sum for the sum line.

    Attributes
    ----------
    terms : list of Term
    origins : dict of int to point
        Where terms come from, by place in the line.
    total : str
    numbers : list of str
        Printed terms.
    units : list of int
        Neurons whose terms are written one by one.
    """

    terms: list[Term]
    origins: dict[int, tuple[float, float]]
    total: str
    numbers: list[str]
    units: list[int]


def sum_in_numbers(
    columns: DenseColumns, k: int, terms: NDArray[np.float64], bias: float, own: int, limit: int
) -> SumInNumbers:
    """Write a sum over the neurons of a column in its largest terms, all others in one, and its bias.

    Parameters
    ----------
    columns : DenseColumns
    k : int
        Column of the neurons that are summed.
    terms : ndarray, shape (N,)
        What each of them adds.
    bias : float
    own : int
        Neuron whose term is written first.
    limit : int
        Maximum number of terms written one by one, each with its neuron's number.
    """
    drawn = columns.index[k]
    largest = largest_terms(np.where(np.isin(np.arange(len(terms)), drawn), terms, 0.0), limit, [own])
    index = largest.index if len(terms) > len(largest.index) else np.arange(len(terms))
    index = np.array(sorted((i for i in index if i in drawn), key=lambda i: i != own), dtype=int)  # own first
    values, rest = terms[index], float(terms.sum() - terms[index].sum())
    left = len(terms) - len(index)
    if left:
        numbers, total = format_sum([*values, bias], rest)
        numbers = [*numbers[:-2], numbers[-1], numbers[-2]]
    else:
        numbers, total = format_sum([*values, bias])
    labels = [f"from neuron {i + 1:,}:" if i == own else f"from {i + 1:,}:" for i in index.tolist()]
    labels += ([f"{left:,} more:"] if left else []) + ["bias"]
    roles = ["negative" if text.startswith("−") else "positive" for text in numbers]
    origins = {n: columns.point(k, int(i)) for n, i in enumerate(index)}
    if left and columns.dots[k] is not None:
        x, y = columns.sources(k)[-1]
        origins[len(index)] = (float(x), float(y))
    return SumInNumbers(write_sum(numbers, total, roles, labels), origins, total, numbers, index.tolist())

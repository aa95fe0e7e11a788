"""One value of a convolution as printed numbers that add up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.convolution import OutputTerms
from netcore.core.formatting import format_decimal

FEWEST, MOST = 2, 4  # decimals that are tried
SHOWN = 3  # input maps that are printed if there are more than one over it


@dataclass(frozen=True)
class PrintedWindow:
    """Texts of one output value: products of one input map, sums of all input maps, bias, total.

    Attributes
    ----------
    products : tuple of str
        Products of the input map that is shown, along the rows of the kernel.
    partial : str
        What they add up to.
    channels : tuple of (int, str)
        Position and sum of each input map that is printed, the one that is shown first.
    rest : str
        Sum of all other input maps, empty if there are none.
    rest_count : int
        Number of these.
    bias : str
    subtotal : str
        Sum over all input maps, without the bias.
    total : str
    decimals : int
    exact : bool
        Whether every number is the rounded one; else some were adjusted by one unit of the last digit.
    """

    products: tuple[str, ...]
    partial: str
    channels: tuple[tuple[int, str], ...]
    rest: str
    rest_count: int
    bias: str
    subtotal: str
    total: str
    decimals: int
    exact: bool


def print_window(terms: OutputTerms, position: int = 0, fewest: int = FEWEST) -> PrintedWindow:
    """Print an output value with the fewest decimals with which all sums agree.

    Parameters
    ----------
    terms : OutputTerms
    position : int
        Of the input map whose products are printed, among those that are read.
    fewest : int
        Decimals that are tried first.
    """
    products, sums = terms.products[position].ravel(), terms.partial_sums
    order = [int(k) for k in np.argsort(-np.abs(sums), kind="stable") if k != position]
    listed = [position, *order[: SHOWN if len(sums) == SHOWN else SHOWN - 1]]
    rest_count = len(sums) - len(listed)
    tried = [d for d in range(fewest, MOST + 1) if _agrees(products, sums[listed], sums, terms, d)]
    decimals, exact = (tried or [fewest])[0], bool(tried)
    total, bias = (round(v * 10**decimals) for v in (terms.total, terms.bias))
    units = [round(float(sums[k]) * 10**decimals) for k in listed]
    missing = total - bias - sum(units)
    if not rest_count:  # whatever is missing goes to the sum with the largest rounding error
        units = _adjust(np.asarray(sums[listed]) * 10**decimals, units, missing)
    parts = _adjust(products * 10**decimals, [round(float(v) * 10**decimals) for v in products], 0, units[0])
    text = [format_decimal(u, decimals) for u in (*units, missing, bias, total - bias, total)]
    return PrintedWindow(
        tuple(format_decimal(u, decimals) if u or v else "0" for u, v in zip(parts, products, strict=True)), text[0],
        tuple(zip(listed, text[: len(listed)], strict=True)), text[-4] if rest_count else "", rest_count,
        text[-3], text[-2], text[-1], decimals, exact,
    )  # fmt: skip


def factors_agree(terms: OutputTerms, position: int, decimals: int) -> bool:
    """Whether printed weights times printed inputs give the printed products of one input map."""
    weights, inputs = terms.weights[position].astype(float), terms.inputs[position].astype(float)
    printed = np.round(weights, decimals) * np.round(inputs, decimals)
    return bool(np.abs(np.round(printed, decimals) - np.round(weights * inputs, decimals)).max() < 0.5 / 10**decimals)


def _agrees(
    products: NDArray[np.float64],
    listed: NDArray[np.float64],
    sums: NDArray[np.float64],
    terms: OutputTerms,
    decimals: int,
) -> bool:
    unit = 10**decimals
    total, bias = round(terms.total * unit), round(terms.bias * unit)
    left = total - bias - sum(round(float(v) * unit) for v in listed)
    rest = float(sums.sum() - listed.sum()) * unit
    close = left == 0 if len(listed) == len(sums) else abs(left - rest) <= 1
    return close and sum(round(float(v) * unit) for v in products) == round(float(listed[0]) * unit)


def _adjust(values: NDArray[np.float64], units: list[int], missing: int, goal: int | None = None) -> list[int]:
    """Change units by one each, the largest rounding errors first, until they add up."""
    missing = missing if goal is None else goal - sum(units)
    step = 1 if missing > 0 else -1
    errors = np.argsort(-step * (values - np.asarray(units)), kind="stable")
    out = list(units)
    for k in range(abs(missing)):
        out[int(errors[k % len(out)])] += step
    return out

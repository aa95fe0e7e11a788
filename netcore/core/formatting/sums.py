"""Format numbers of a computation so that those shown agree."""

import math
from collections.abc import Iterable, Sequence

from netcore.core.formatting.numbers import format_decimal, format_number, format_percent, format_value

MAX_DECIMALS = 12  # of terms of a sum
MAX_EXTRA_DECIMALS = 2  # tried before single terms of a sum are adjusted


def format_terms(terms: Iterable[float], digits: int = 2, extra: int = MAX_EXTRA_DECIMALS) -> tuple[list[str], str]:
    """Format the terms of a sum, and their total, so that the numbers shown add up.

    All have the same number of decimals: the fewest with which the rounded terms add up to the rounded total. If none
    does, the terms with the largest rounding errors are rounded the other way (largest remainder).

    Parameters
    ----------
    terms : iterable of float
    digits : int
        Significant digits of the largest term, at least.
    extra : int
        Further decimals that are tried.

    Returns
    -------
    terms : list of str
    total : str

    Examples
    --------
    >>> format_terms([0.25, -0.125, 0.5])
    (['0.250', '−0.125', '0.500'], '0.625')
    >>> format_terms([1 / 3, 1 / 3, 1 / 3])
    (['0.34', '0.33', '0.33'], '1.00')
    """
    values = [float(term) for term in terms]
    largest = max(map(abs, values), default=0.0)
    power = max(-MAX_DECIMALS, int(f"{largest:.{digits - 1}e}".split("e")[1]))
    fewest = max(0, digits - 1 - power)
    for decimals in range(fewest, fewest + extra + 1):
        units, total = _units(values, decimals)
        if sum(units) == total:
            break
    else:
        decimals = fewest
        units = _largest_remainder(values, decimals)
        total = sum(units)
    *texts, last = (format_decimal(unit, decimals) for unit in [*units, total])
    return texts, last


def format_sum(
    terms: Sequence[float], rest: float | None = None, fewest: int = 2, most: int = 4
) -> tuple[list[str], str]:
    """Format the terms of a sum, the last of which stands for all others, so that the numbers shown add up.

    Parameters
    ----------
    terms : sequence of float
    rest : float, optional
        Sum of what is not shown one by one: the last text. It is the printed total minus the printed terms, which is
        off by one unit of the last digit at most.
    fewest, most : int
        Digits after the decimal point that are tried.

    Returns
    -------
    terms : list of str
    total : str

    Examples
    --------
    >>> format_sum([1.354, 1.284, 0.553], rest=-0.828)
    (['1.35', '1.28', '0.55', '−0.82'], '2.36')
    """
    if rest is None:
        texts, total = _exact_sum(terms, fewest, most)
        return (texts, total) if texts else format_terms(terms)
    for decimals in range(fewest, most + 1):
        units, total_units = _units(list(terms), decimals)[0], round((math.fsum(terms) + rest) * 10**decimals)
        left = total_units - sum(units)
        if abs(left - rest * 10**decimals) <= 1:
            break
    return [format_decimal(u, decimals) for u in [*units, left]], format_decimal(total_units, decimals)


def _exact_sum(terms: Sequence[float], fewest: int, most: int) -> tuple[list[str], str]:
    for decimals in range(fewest, most + 1):
        units, total = _units(list(terms), decimals)
        if sum(units) == total:
            return [format_decimal(unit, decimals) for unit in units], format_decimal(total, decimals)
    return [], ""


def find_printable_product(
    pairs: Sequence[tuple[float, float]], fewest: int = 2, most: int = 4
) -> tuple[int, tuple[str, str, str]]:
    """Return the first of some pairs whose printed factors give the printed product, and the three texts.

    The fewest digits after the decimal point for which there is such a pair are taken.

    Examples
    --------
    >>> find_printable_product([(0.374, 0.984), (0.2, 0.5)])
    (1, ('0.20', '0.50', '0.10'))
    """
    for decimals in range(fewest, most + 1):
        for k, (a, b) in enumerate(pairs):
            (one, two), product = (round(a * 10**decimals), round(b * 10**decimals)), round(a * b * 10**decimals)
            if product and round(one * two / 10**decimals) == product:
                return k, (
                    format_decimal(one, decimals),
                    format_decimal(two, decimals),
                    format_decimal(product, decimals),
                )
    texts = [format_decimal(round(v * 10**most), most) for v in (*pairs[0], pairs[0][0] * pairs[0][1])]
    return 0, (texts[0], texts[1], texts[2])


def format_quotient(part: float, total: float) -> tuple[str, str, str]:
    """Format a share as a division whose printed numbers give the printed percentage.

    Examples
    --------
    >>> format_quotient(885.99, 938.65)
    ('886', '939', '94.4 %')
    """
    share = format_percent(part / total)
    for digits in range(3, 9):
        a, b = (float(f"{v:.{digits - 1}e}") for v in (part, total))
        if b and format_percent(a / b) == share:
            break
    return format_number(part, digits), format_number(total, digits), share


def format_log(share: float) -> tuple[str, str]:
    """Format a share and its negative natural logarithm, so that the printed share gives the printed logarithm.

    Examples
    --------
    >>> format_log(0.06762)
    ('0.0676', '2.69')
    """
    text = format_value(-math.log(share) + 0.0)
    for digits in range(3, 9):
        if format_value(-math.log(float(f"{share:.{digits - 1}e}")) + 0.0) == text:
            break
    return format_number(share, digits), text


def _units(values: list[float], decimals: int) -> tuple[list[int], int]:
    """Round values and their sum to whole units of 10^-`decimals`."""
    return [round(v * 10**decimals) for v in values], round(math.fsum(values) * 10**decimals)


def _largest_remainder(values: list[float], decimals: int) -> list[int]:
    units, total = _units(values, decimals)
    missing = total - sum(units)
    step = 1 if missing > 0 else -1
    errors = [value * 10**decimals - unit for value, unit in zip(values, units, strict=True)]  # positive: rounded down
    for k in sorted(range(len(values)), key=lambda k: -step * errors[k])[: abs(missing)]:
        units[k] += step
    return units

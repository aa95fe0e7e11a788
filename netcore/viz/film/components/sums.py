"""Sums as terms of the sum line."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from netcore.viz.film.components.sum_line import Term

MAX_TERMS, SHOWN_TERMS = 9, 3  # all terms up to the first number, else as many as the second


def format_fixed(value: float, decimals: int) -> str:
    """Format a number with fixed digits after the decimal point.

    Examples
    --------
    >>> format_fixed(-0.125, 2), format_fixed(-0.001, 2), format_fixed(0, 2)
    ('−0.12', '0.00', '0')
    """
    if value == 0:
        return "0"
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def sum_terms(
    parts: ArrayLike,
    bias: float | None,
    decimals: int = 2,
    names: Mapping[int, str] | None = None,
    keep: Sequence[int] = (),
    limit: int = MAX_TERMS,
    shown: int = SHOWN_TERMS,
) -> tuple[list[Term], list[int]]:
    """Write parts and a bias as a sum whose printed numbers add up.

    Parameters
    ----------
    parts : array_like, shape (N,)
    bias : float or None
    decimals : int
        Digits after the decimal point; more are taken if the printed numbers do not add up.
    names : mapping of int to str, optional
        Set in front of a part, by index.
    keep : sequence of int
        Parts that are always printed; they are underlined by the colour of what is pointed at.
    limit, shown : int
        Of more than `limit` parts the `shown` largest are printed, and what the others add up to.

    Returns
    -------
    terms : list of Term
        The total is the last.
    index : list of int
        The part that each term is, -1 for others.
    """
    parts = np.asarray(parts, float)
    order = np.argsort(-np.abs(parts), kind="stable")
    index = list(range(len(parts))) if len(parts) <= limit else sorted({*map(int, order[:shown]), *keep})
    if len(index) < len(parts):
        index = sorted(index, key=lambda k: -abs(parts[k]))
    rest = float(parts.sum() - parts[index].sum()) if len(index) < len(parts) else None
    numbers = [*parts[index], *([rest] if rest is not None else []), *([bias] if bias is not None else [])]
    units, total, decimals = _agreeing_units(numbers, decimals, len(index) if rest is not None else None)
    terms: list[Term] = []
    places = []
    for k, unit in enumerate(units):
        name, role, place = "", "positive" if unit > 0 else "negative" if unit < 0 else "muted", -1
        if k < len(index):
            place = index[k]
            name = (names or {}).get(place, "")
            role = "emphasis" if place in keep else role
        elif rest is not None and k == len(index):
            name, role = f"{len(parts) - len(index):,} more:", "muted"
        else:
            name, role = "bias", "foreground"
        terms.append((_term(unit, decimals, name, k == 0), role))
        places.append(place)
    return [*terms, "=", (format_fixed(total / 10**decimals, decimals), "foreground")], [*places, -1, -1]


def _agreeing_units(numbers: Sequence[float], decimals: int, rest: int | None) -> tuple[list[int], int, int]:
    """Numbers and total in units of the last digit, so that they add up."""
    for d in range(decimals, decimals + 3):
        units, total = [round(v * 10**d) for v in numbers], round(sum(numbers) * 10**d)
        missing = total - sum(units)
        if missing == 0 or (rest is not None and abs(missing) <= 1):
            break
    if missing:
        place = rest if rest is not None else int(np.argmax([abs(v * 10**d - round(v * 10**d)) for v in numbers]))
        units[place] += missing
    return units, total, d


def _term(unit: int, decimals: int, name: str, first: bool) -> str:
    number = format_fixed(abs(unit) / 10**decimals, decimals)
    sign = "−" if unit < 0 else "" if first else "+"
    space = "" if first else " "
    return f"{sign}{space}{name + ' ' if name else ''}{number}"


def print_affine(x: float, y: float, scale: float, shift: float) -> list[str]:
    """Write ``x × scale + shift = y`` with the fewest digits that give y's two decimals; empty if none do.

    Examples
    --------
    >>> print_affine(0.97, 3.92, 3.0, 1.01)
    ['0.97', '× 3.00', '+ 1.01', '=', '3.92']
    """
    out = round(y, 2)
    for d in range(2, 6):
        a, b, c = (round(float(v), d) for v in (x, scale, shift))
        if abs(round(a * b + c, 2) - out) < 0.005:
            sign = "−" if c < 0 else "+"
            ends = f"× {format_fixed(b, d)}", f"{sign} {format_fixed(abs(c), d)}"
            return [format_fixed(a, d), *ends, "=", format_fixed(out, 2)]
    return []

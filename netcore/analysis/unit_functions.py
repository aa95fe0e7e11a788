"""Functions after one unit's sum, printed so that they can be recomputed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isclose

import numpy as np

from netcore.analysis.activations import activation_function
from netcore.analysis.blocks import Block
from netcore.analysis.normalization import map_scale_shift
from netcore.core.formatting import format_number, format_sum
from netcore.core.trace import Trace

DIGITS = 3  # significant digits of a function's value
FEWEST, MOST = 2, 6  # digits after the decimal point of sums, scales and shifts
TOLERANCE = 1e-3  # of a value, by which a known function may differ from PyTorch's


@dataclass(frozen=True)
class UnitFunction:
    """One function after a unit's sum.

    Attributes
    ----------
    term : str
        Its name: ``"Sigmoid"``.
    value : float
        The unit's value after it, as PyTorch computed it.
    function : callable or None
        Computes it in NumPy; None if it is not known.
    scale, shift : float
        Of a normalization, ``value = scale * x + shift``; 0 for any other function.
    """

    term: str
    value: float
    function: Callable[[float], float] | None = None
    scale: float = 0.0
    shift: float = 0.0


def unit_functions(trace: Trace, block: Block, at: tuple[int, ...]) -> tuple[UnitFunction, ...]:
    """Return the functions of a block after its sum, at one unit: (unit,) or (unit, row, column)."""
    out = []
    for term, node in block.steps[1:]:
        values, layer = trace.value(node), next((n for n in trace.layers if n.name == node), None)
        if values.ndim != len(at):
            continue
        value, known, affine = float(values[at]), None, None
        if layer is not None and trace.input_of(layer).shape == values.shape:
            apply, affine = activation_function(layer), map_scale_shift(trace, layer, at[0])
            known = None if apply is None else _scalar(apply)
            if known is not None and not isclose(known(float(trace.input_of(layer)[at])), value, abs_tol=TOLERANCE):
                known = None
        scale, shift = (affine.scale, affine.shift) if affine and known is None else (0.0, 0.0)
        out.append(UnitFunction(term, value, known, scale, shift))
    return tuple(out)


def print_sum(terms: Sequence[float], functions: Sequence[UnitFunction]) -> tuple[list[str], str, list[str]]:
    """Print a sum and the functions after it, so that each printed number follows from the printed ones before it.

    As few digits as possible are used. The result of an unknown function is rounded.

    Parameters
    ----------
    terms : sequence of float
    functions : sequence of UnitFunction

    Returns
    -------
    terms : list of str
        They add up to the total.
    total : str
    functions : list of str
        ``"→ Sigmoid 0.494"``, or ``"→ BN: × 5.79 + 0.02 = 2.96"``.

    Examples
    --------
    >>> print_sum([1.0, -1.0235], [UnitFunction("Sigmoid", 0.49413, lambda z: 1 / (1 + np.exp(-z)))])
    (['1.000', '−1.024'], '−0.024', ['→ Sigmoid 0.494'])
    """
    for fewest in range(FEWEST, MOST + 1):
        texts, total = format_sum(terms, fewest=fewest, most=MOST)
        printed = _print_functions(sum(terms), total, functions)
        if printed is not None:
            return texts, total, printed
    return texts, total, [f"→ {f.term} {format_number(f.value, DIGITS)}" for f in functions]


def number_of(text: str) -> float:
    """Return the value of a printed number.

    Examples
    --------
    >>> number_of("−1,234.5")
    -1234.5
    """
    return float(text.replace("−", "-").replace(",", ""))


def _print_functions(value: float, text: str, functions: Sequence[UnitFunction]) -> list[str] | None:
    """Print functions one after another, None if one does not follow from the printed number before it."""
    out = []
    for f in functions:
        goal, before = format_number(f.value, DIGITS), number_of(text)
        if f.function is not None and isclose(f.value, value, rel_tol=1e-6):  # as a ReLU leaves it
            goal = text
        words = f.term
        if f.function is not None:
            if goal != text and format_number(f.function(before), DIGITS) != goal:
                return None
        elif f.scale:
            affine = _print_affine(before, f.scale, f.shift, goal)
            if affine is None:
                return None
            words += f": {affine} ="
        out.append(f"→ {words} {goal}")
        value, text = f.value, goal
    return out


def _print_affine(x: float, scale: float, shift: float, goal: str) -> str | None:
    for decimals in range(FEWEST, MOST + 1):
        a, b = round(scale, decimals), round(shift, decimals)
        if format_number(a * x + b, DIGITS) == goal:
            factor = f"× {a:,.{decimals}f}".replace("-", "−")
            return factor + (f" {'−' if b < 0 else '+'} {abs(b):,.{decimals}f}" if b else "")
    return None


def _scalar(function: Callable[..., object]) -> Callable[[float], float]:
    return lambda z: float(np.asarray(function(np.asarray(z, dtype=np.float64))))

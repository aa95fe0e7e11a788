"""A softmax as numbers that can be followed by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.hand_computation import to_decimal
from netcore.core.formatting import format_number, format_percent

FEWEST_DIGITS, MOST_DIGITS = 4, 7  # significant, of powers
SMALL, SMALL_DIGITS = 1e-3, 2  # of the largest power: powers below that share have fewer digits
FEWEST_DECIMALS, MOST_DECIMALS = 3, 8  # of scores
LARGEST_SCORES = -4.0, 13.0  # beyond these the largest score is subtracted from all


@dataclass(frozen=True)
class HandSoftmax:
    """Texts of a softmax: each printed number follows from the printed ones before it.

    Attributes
    ----------
    scores : tuple of str
    shift : str
        Subtracted from each score before e is raised to it, "" for nothing.
    powers : tuple of str
        e to each printed score, rounded, then the sum of all powers that are not written one by one, if there are any.
    total : str
        Sum of the printed powers, with the decimals of the largest.
    """

    scores: tuple[str, ...]
    shift: str
    powers: tuple[str, ...]
    total: str

    def power(self, k: int) -> str:
        """Write how the power of a line follows from its score."""
        z = self.scores[k]
        if self.shift:
            z = f"({z} {f'+ {self.shift[1:]}' if self.shift[0] == '−' else f'− {self.shift}'})"
        return f"e to the {z} = {self.powers[k]}"

    def terms(self, count: int) -> tuple[list[str], str]:
        """Return the largest powers of single classes and the sum of all others, "" if there are none."""
        top = sorted(range(len(self.scores)), key=lambda k: -to_decimal(self.powers[k]))[:count]
        others = [k for k in range(len(self.powers)) if k not in top]
        written, rest = [self.powers[k] for k in top], sum((to_decimal(self.powers[k]) for k in others), Decimal(0))
        if not others:
            return written, ""
        decimals = _decimals(self.total)
        for d in range(decimals, decimals + 4):
            text = f"{rest:,.{d}f}"
            made = sum(map(to_decimal, [*written, text]), Decimal(0))
            if to_decimal(text) and made.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) == to_decimal(
                self.total
            ):
                return written, text
        return written, format_number(float(rest), SMALL_DIGITS)


def hand_softmax(scores: ArrayLike, index: Sequence[int] | NDArray[np.int_]) -> HandSoftmax:
    """Write a softmax with as few digits as let each number be recomputed from the printed ones.

    Parameters
    ----------
    scores : array_like, shape (K,)
    index : sequence of int
        Classes that have a line; all others are one sum.
    """
    z, lines = np.asarray(scores, np.float64), np.asarray(index, int)
    shift = 0.0 if LARGEST_SCORES[0] <= z.max() <= LARGEST_SCORES[1] else float(z.max())
    powers = np.exp(z - shift)
    values = [*powers[lines], *[float(np.delete(powers, lines).sum())] * (len(lines) < len(z))]
    best = None
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        texts = tuple(_power(float(v), max(values), digits) for v in values)
        total = _total(texts)
        written, found = _scores(z[lines], shift, texts, digits)
        hand = HandSoftmax(written, _fixed(shift, _decimals(written[0])) if shift else "", texts, total)
        if found and total == f"{powers.sum():,.{_decimals(total)}f}":
            best = best or hand
            if _percents(texts, total) == [format_percent(float(v / powers.sum())) for v in values]:
                return hand
    return best or hand


def _total(texts: Sequence[str]) -> str:
    """Add printed powers, and round to the decimals of the largest."""
    decimals = _decimals(max(texts, key=to_decimal))
    exact = sum(map(to_decimal, texts), Decimal(0))
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,}"


def _percents(texts: Sequence[str], total: str) -> list[str]:
    return [format_percent(float(to_decimal(text) / to_decimal(total))) for text in texts]


def _scores(z: NDArray[np.float64], shift: float, powers: Sequence[str], digits: int) -> tuple[tuple[str, ...], bool]:
    """Print scores with the fewest decimals that give the printed powers, and whether there are such."""
    largest = float(np.exp(z - shift).max())
    for decimals in range(FEWEST_DECIMALS, MOST_DECIMALS + 1):
        texts, less = tuple(_fixed(float(v), decimals) for v in z), to_decimal(_fixed(shift, decimals))
        made = [_power(float(np.exp(float(to_decimal(text) - less))), largest, digits) for text in texts]
        if made == list(powers[: len(texts)]):
            return texts, True
    return texts, False


def _power(value: float, largest: float, digits: int) -> str:
    """Print a power with `digits` digits, or with few if it hardly counts beside the largest."""
    return format_number(value, digits if value >= SMALL * largest else SMALL_DIGITS)


def _fixed(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−")


def _decimals(text: str) -> int:
    return 0 if "×" in text else len(text.partition(".")[2])

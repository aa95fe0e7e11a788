"""Numbers of the softmax that agree as printed."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from netcore.core.formatting import format_number, format_percent, format_terms

MOST_DIGITS = 8
SMALL = 0.001  # shares below it have two digits
SURE = 0.9  # probability from which an answer is called sure


def printed_sum(powers: Sequence[float], share: float) -> tuple[list[str], str]:
    """Return powers, the first the answer's, and their sum, whose printed quotient is the answer's printed probability.

    Examples
    --------
    >>> printed_sum([885.99, 39.96, 6.14, 6.56], 0.9439)
    (['886', '40', '6', '7'], '939')
    """
    for digits in range(3, MOST_DIGITS):
        terms, total = format_terms(powers, digits)
        if format_number(_read(terms[0]) / _read(total), 3) == format_number(share, 3):
            break
    return terms, total


def printed_ratio(a: float, b: float, ratio: str) -> tuple[str, str]:
    """Return two numbers in the fewest digits, three at least, in which their quotient is a printed one.

    Examples
    --------
    >>> printed_ratio(885.99, 39.96, "22.2")
    ('886', '40.0')
    """
    for digits in range(3, MOST_DIGITS):
        first, second = (float(f"{v:.{digits - 1}e}") for v in (a, b))
        if second and format_number(first / second * (1 + 1e-12), 3) == ratio:
            break
    return format_number(a, digits), format_number(b, digits)


def sum_powers(powers: NDArray[np.float64], shown: int, classes: int, share: float) -> tuple[list[str], str, str]:
    """Write the sum of all powers in its three largest terms.

    Parameters
    ----------
    powers : ndarray, shape (N,)
        Of the classes with a column, then of all others.
    shown : int
        Classes with a column.
    classes : int
        All classes.
    share : float
        The answer's probability.

    Returns
    -------
    terms : list of str
    total : str
    line : str
    """
    top = np.argsort(-powers[:shown], kind="stable")[:3]
    more, rest = classes - len(top), float(powers.sum() - powers[top].sum())
    terms, total = printed_sum([*powers[top].tolist(), *([rest] if more else [])], share)
    last = [f"all others: {terms.pop()}"] if more else []
    return terms, total, f"{' + '.join([*terms, *last])} = {total}"


def compare_scores(scores: Sequence[float], powers: Sequence[float]) -> tuple[list[str], str, str]:
    """Write the difference of two scores and the ratio of their powers: terms of a line, difference, ratio."""
    (first, second), gap = format_terms([scores[0], -scores[1]], 3)
    sign, second = ("−", second[1:]) if second.startswith("−") else ("+", second)
    times = format_number(float(np.exp(scores[0] - scores[1])), 3)
    a, b = printed_ratio(powers[0], powers[1], times)
    return [first, sign, second, "=", gap, "     ", a, "÷", b, "=", times], gap, times


def small_percent(share: float) -> str:
    """Write a share as a percentage, with two digits where one decimal would not show it.

    Examples
    --------
    >>> small_percent(0.962), small_percent(0.000331)
    ('96.2 %', '0.033 %')
    """
    return f"{format_number(100 * share)} %" if 0 < share < SMALL else format_percent(share)


def class_chances(logits: NDArray[np.float64], label: int, classes: Sequence[str]) -> list[str]:
    """Write the probability of the true class, and that of the predicted one where it is another."""
    chance, said, name = softmax(logits), int(logits.argmax()), classes[label]
    own = small_percent(float(chance[label]))
    if said == label:
        return [f"true class {name}, predicted too: {own}"]
    return [f"true class {name}: {own}", f"     predicted {classes[said]}: {small_percent(float(chance[said]))}"]


def describe_losses(losses: NDArray[np.float64]) -> str:
    """Say what a dot of each image is, the median, and why the mean is higher where it is much higher."""
    median = float(np.median(losses))
    pull = "; few large losses raise the mean" if losses.mean() > 2 * median else ""
    return f"a grey dot: one image; half are under {format_number(median)}{pull}"


def loss_image_words(worst: NDArray[np.float64], label: int, half: float) -> tuple[str, str]:
    """Return what the image nearest to probability 1/2 is called, and the one of largest loss, by its logits."""
    chance = softmax(worst)
    wrong = "Sure and wrong" if chance.max() > SURE else "Wrong"
    words = wrong if int(chance.argmax()) != label else "Least sure"
    return "Half sure" if abs(half - 0.5) < 0.15 else "Nearest to one half", words


def halved_score(scores: ArrayLike, names: Sequence[str]) -> tuple[str, str, str]:
    """Return a class's name, its score and the half of it: the first of which the printed numbers agree.

    Examples
    --------
    >>> halved_score([6.787, 3.693], ["7", "9"])
    ('9', '3.69', '1.85')
    """
    values: NDArray[np.float64] = np.asarray(scores, dtype=float)
    found = []
    for name, z in zip(names, values.tolist(), strict=False):
        score, half = (f"{v:.2f}".replace("-", "−") for v in (z, z / 2))
        exact = (Decimal(f"{z:.2f}") / 2).quantize(Decimal("0.01"), ROUND_HALF_UP)
        found.append((exact != Decimal(f"{z / 2:.2f}"), -z, (name, score, half)))
    return min(found)[2]


def _read(text: str) -> float:
    return float(text.replace(",", ""))

"""Captions and sums from the vector to the scores."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.vector_head import VectorHead
from netcore.core.formatting import format_number
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sums import format_fixed, sum_terms

MAX_CAPTION = 50
NOTE = "weight × value: blue raises, orange lowers"
MIN_LEAD = 0.05  # smaller ones have more decimals


def side_terms(parts: NDArray[np.float64], bias: float | None, decimals: int = 2, noun: str = "") -> list[Term]:
    """Write a sum of many parts by sign: how many raise it and by how much, how many lower it, the bias.

    Parameters
    ----------
    parts : ndarray, shape (N,)
    bias : float or None
    decimals : int
    noun : str
        What the parts come from, in the plural; also says then how many add nothing.
    """
    raising, lowering = parts[parts > 0], parts[parts < 0]
    word, zeros = f" {noun}" if noun else "", len(parts) - len(raising) - len(lowering)
    names = {0: f"{len(raising):,}{word} raise it:", 1: f"{len(lowering):,} lower it:"}
    sums = [float(raising.sum()), float(lowering.sum())]
    terms = sum_terms(sums, bias or None, decimals, names)[0]
    return [*terms, (f"({zeros:,} add 0)", "muted")] if noun and zeros else terms


def drawn_terms(head: VectorHead, kept: int | None) -> list[Term]:
    """Which values of the vector are drawn: the one followed, if any, and those that change the next unit most."""
    last = len(head.layers) == 1
    goal = "the lead of the answer" if last else f"neuron {head.followed(1) + 1}"
    count = len(head.index[0])
    most = f"the {count:,} that change {goal} most"
    if kept is None:
        return [(f"drawn: {most}", "muted")]
    value = format_fixed(float(head.values[0][kept]), 2)
    return [("drawn:", "muted"), (value, "emphasis"), (f"and the {count - 1:,} that change {goal} most", "muted")]


def hidden_caption(head: VectorHead, k: int) -> str:
    """Caption of the step in which hidden column `k` is computed."""
    n, m = len(head.values[k]), len(head.values[k - 1])
    text = f"{n:,} neurons: sums of {m:,} products"
    with_function = f"{text}, then {', '.join(head.layers[k - 1].functions)}"
    return with_function if head.layers[k - 1].functions and len(with_function) <= MAX_CAPTION else text


def score_caption(head: VectorHead) -> str:
    """Caption of the step in which the scores are computed."""
    return f"{len(head.values[-1]):,} scores: sums of {len(head.values[-2]):,} products"


def followed_terms(head: VectorHead, k: int, name: str) -> list[Term]:
    """Write the sum of the unit followed in column `k`, and what the functions after it make of it."""
    parts, bias = head.parts(k)
    terms = [(f"{name}:", "emphasis"), *side_terms(parts, bias)]
    functions = head.layers[k - 1].functions
    if functions:
        value = format_fixed(float(head.values[k][head.followed(k)]), 2)
        terms.append((f"({', '.join(functions)}: {value})", "muted"))
    return terms


def lead_text(head: VectorHead) -> str:
    """Format the lead of the answer, with two decimals or two digits."""
    return format_fixed(head.lead, 2) if abs(head.lead) >= MIN_LEAD else format_number(head.lead)


def lead_terms(head: VectorHead) -> list[Term]:
    """Write the lead of the answer as a sum over the units before the scores, by sign."""
    decimals = 2 if abs(head.lead) >= MIN_LEAD else 4
    if not head.layers:
        first, second = (float(head.values[-1][k]) for k in (head.answer, head.other))
        texts = [format_fixed(v, 2) for v in (first, abs(second))]
        return [texts[0], ("+ " if second < 0 else "− ") + texts[1], "=", format_fixed(head.lead, 2)]
    return side_terms(*head.difference, decimals, "neurons" if len(head.layers) > 1 else "values")


def edge_notes(head: VectorHead, k: int, widest: float, total: float, rest: float | None) -> list[str]:
    """What the lines into the unit followed in column `k` mean, and how much they carry."""
    if rest is None:
        return [NOTE, f"widest line: {format_fixed(widest, 2)}"]
    lines = round(total, 2) - round(rest, 2)
    return [NOTE, f"{_dots(head, k, format_fixed(rest, 2))}; lines together: {format_fixed(lines, 2)}"]


def lead_notes(head: VectorHead, names: Sequence[str], widest: float, rest: str | None) -> list[str]:
    """What the lines of the lead mean."""
    answer, other = names
    first = f"widest line: {format_fixed(widest, 2)}" if rest is None else _dots(head, len(head.layers), rest)
    return [
        f"line: value × (weight to {answer} − weight to {other})",
        f"{first}; blue: for {answer}, orange: for {other}",
    ]


def _dots(head: VectorHead, k: int, rest: str) -> str:
    others = len(head.values[k - 1]) - len(head.index[k - 1])
    return f"dots: other {others:,} and bias, {rest}"

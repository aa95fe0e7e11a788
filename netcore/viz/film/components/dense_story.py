"""Words of films about dense networks."""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.answer_path import ActivationCall, AnswerPath
from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_decimal, format_number, format_percent, format_value
from netcore.core.trace import Trace
from netcore.viz.film.captions import MAX_CHARACTERS

VOWELS = "aeiouAEIOU8"
ZEROED = frozenset(["ReLU", "ReLU6"])


def clip_names(names: Sequence[str], room: int) -> list[str]:
    """Cut the longest of some names until all together have at most `room` characters.

    Examples
    --------
    >>> clip_names(["7", "Ankle boot"], 8)
    ['7', 'Ankle…']
    """
    cut = list(names)
    while sum(map(len, cut)) > room and max(map(len, cut)) > 2:
        k = max(range(len(cut)), key=lambda i: len(cut[i]))
        cut[k] = cut[k].rstrip("…")[:-1].rstrip() + "…"
    return cut


def describe_image(trace: Trace) -> tuple[str, str]:
    """Return what the image is, and how many values it has: ``"A 7"``, ``"28 × 28 = 784 pixels"``."""
    channels, height, width = trace.pixels.shape
    count = f"{trace.input.size:,}"
    if min(height, width) == 1:
        size = f"{count} values"
    elif channels == 1:
        size = f"{height} × {width} = {count} pixels"
    else:
        size = f"{channels} × {height} × {width} = {count} values"
    if trace.label is None:
        return "An image", size
    (name,) = clip_names([trace.classes[trace.label]], MAX_CHARACTERS - len(size) - 5)
    return f"{'An' if name[0] in VOWELS else 'A'} {name}", size


def activation_words(call: ActivationCall, before: str, received: str, after: str, value: float) -> str:
    """Return the caption of an activation function at work: ``"Sigmoid: 3.79 becomes 0.98"``.

    Parameters
    ----------
    call : ActivationCall
    before, received, after : str
        The sum, what the function receives (of a normalized layer not the same), and the activation.
    value : float
        The activation.
    """
    name = call.names[-1]
    if name in ZEROED and call.function is not None and received == before:
        return f"{name} keeps {before}" if value > 0 else f"{name} makes {before} to 0"
    names = " and ".join(call.names[-2:])
    return f"{names}: {before} becomes {after}"


def function_symbol(call: ActivationCall) -> str:
    """Return how a function is written before its argument: ``"σ"``, ``"ReLU"``."""
    if not call.names:
        return ""
    return {"Sigmoid": "σ", "Tanh": "tanh"}.get(call.names[-1], call.names[-1])


def received_text(call: ActivationCall, layer: DenseLayer, unit: int, total: str) -> str:
    """Return what a neuron's function receives: its printed sum, or what a normalization made of it."""
    is_normalized = len(call.names) > 1 and not np.array_equal(call.sums, layer.z)
    return format_value(float(call.sums[unit])) if is_normalized else total


def activation_terms(call: ActivationCall, total: str, received: str, activation: str) -> list[str]:
    """Write what follows a neuron's sum: ``["→ σ(2.36) =", "0.91"]``, a normalization first.

    Examples
    --------
    >>> activation_terms(ActivationCall(("BN", "ReLU"), None, np.zeros(1)), "3.03", "2.98", "2.98")
    ['→ BN: 2.98 → ReLU(2.98) =', '2.98']
    """
    if not call.names:
        return []
    first = f"→ {' → '.join(call.names[:-1])}: {received} " if received != total else ""
    return [f"{first}→ {function_symbol(call)}({received}) =", activation]


def exponent_text(exponent: float, power: str) -> str:
    """Return an exponent in as many digits as e to it needs to give the printed power.

    Examples
    --------
    >>> exponent_text(6.78699, "886")
    '6.787'
    """
    digits = len(power.replace(",", "").replace(".", "").lstrip("0"))
    for decimals in range(2, 8):
        text = f"{exponent:.{decimals}f}"
        if format_number(float(np.exp(float(text))), digits) == power:
            break
    return "0" if exponent == 0 else text.replace("-", "−")


def verdict_words(trace: Trace) -> tuple[str, str]:
    """Return whether the answer is right, and the role of its colour; no words without a label."""
    if trace.label is None:
        return "", "emphasis"
    if trace.label == trace.prediction:
        return "correct", "correct"
    return f"true class {trace.classes[trace.label]}", "incorrect"


def takeaway_words(trace: Trace, path: AnswerPath, lead: str, neuron: int) -> tuple[str, str]:
    """Return the two lines to keep in mind.

    Parameters
    ----------
    trace : Trace
    path : AnswerPath
    lead : str
        Score of the answer − score of the other class.
    neuron : int
        Of the last hidden layer, from 1.
    """
    p = trace.probabilities
    shares = f"{format_percent(p[path.answer])} to {format_percent(p[path.other])}"
    fixed = len(f" leads  by {lead}: {shares}")
    answer, other = clip_names([trace.classes[k] for k in (path.answer, path.other)], MAX_CHARACTERS - fixed)
    first = f"{answer} leads {other} by {lead}: {shares}"
    winner = int(np.argmax(path.without))
    if winner != path.answer:
        start = f"Without neuron {neuron:,} the answer would be "
        (name,) = clip_names([trace.classes[winner]], MAX_CHARACTERS - len(start))
        return first, start + name
    return first, f"Without neuron {neuron:,} it would lead by {lead_without(path)}"


def lead_without(path: AnswerPath) -> str:
    """Return the lead without the path's last neuron."""
    return f"{float(path.without[path.answer] - path.without[path.other]):.2f}".replace("-", "−")


def lead_words(path: AnswerPath, names: Sequence[str]) -> tuple[str, str]:
    """Return the caption of the lead, a difference of two printed scores, and the lead.

    Examples
    --------
    >>> path = AnswerPath(0, 1, np.array([6.787, -3.69]), (), (), np.zeros(2))
    >>> lead_words(path, ["7", "9"])
    ('Lead of 7 over 9: 6.79 + 3.69 = 10.48', '10.48')
    """
    first, second = (round(100 * float(path.scores[k])) for k in (path.answer, path.other))
    lead = format_value(path.lead)
    agrees = lead == format_decimal(first - second, 2)
    sign, words = "−" if second >= 0 else "+", "" if agrees else " (rounded)"
    numbers = f"{format_decimal(first, 2)} {sign} {format_decimal(abs(second), 2)} = {lead}{words}"
    room = MAX_CHARACTERS - len(f"Lead of  over : {numbers}")
    if room < min(8, sum(map(len, names))):
        return f"Lead: {numbers}", lead
    a, b = clip_names(names, room)
    return f"Lead of {a} over {b}: {numbers}", lead


def path_words(path: AnswerPath, numbers: Sequence[str]) -> list[str]:
    """Return what the neurons of an answer path are, in lines for a legend.

    Parameters
    ----------
    path : AnswerPath
    numbers : sequence of str
        What is written on the lines from each neuron to the next and from the last to the lead; empty if nothing is.
    """
    if not all(path.tried):
        return ["bright: what adds most,", "followed backwards"]
    owners = [*(f"of {unit + 1:,}’s sum" for unit in path.units[1:]), "of the lead"]
    pairs = list(zip(numbers, owners, strict=True))
    lines = [f"{number}: part {owner}" for number, owner in {pairs[0]: 0, pairs[-1]: 0} if number]
    return ["bright: its removal cuts", "the lead most (measured)", *lines]


def curve_formula(call: ActivationCall, received: str, activation: str) -> str:
    """Return the sigmoid's formula with its numbers in Typst's syntax; empty for other functions.

    Parameters
    ----------
    call : ActivationCall
    received, activation : str
        What the function receives and gives, as printed.
    """
    z = received.replace("−", "-").replace(",", "")
    if not call.names or call.names[-1] != "Sigmoid" or format_value(1 / (1 + float(np.exp(-float(z))))) != activation:
        return ""
    opposite = z.removeprefix("-") if z.startswith("-") else f"-{z}"
    return f"sigma({z}) = 1 / (1 + e^({opposite})) = {activation}"

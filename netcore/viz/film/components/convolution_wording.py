"""Captions and sums of the film on one convolution."""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.convolution import OutputTerms
from netcore.analysis.hand_computation import add_texts, to_decimal
from netcore.analysis.kernel_examples import KernelExamples
from netcore.analysis.printed_window import FEWEST, PrintedWindow, factors_agree
from netcore.core.formatting import format_count, format_value
from netcore.viz.film.captions import MAX_CHARACTERS
from netcore.viz.film.components.sum_line import BREAK, Term
from netcore.viz.film.components.sum_terms import label_term, signed_terms

MAX_PRODUCTS, SHOWN_PRODUCTS = 9, 3  # all products up to the first number, else as many as the second
PADDING = {
    "zeros": "Outlined: zeros past the edge (padding {n})",
    "reflect": "Outlined: mirrored at the edge (padding {n})",
    "replicate": "Outlined: the rim repeated (padding {n})",
    "circular": "Outlined: from the other side (padding {n})",
}
SIDES = {"above": "above", "below": "below", "left": "on the left", "right": "on the right"}
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}
ROUNDED: Term = ("(rounded)", "muted")
FACTORS: Term = ("each product: of the unrounded numbers, then rounded", "muted")
ZEROS, SMALL = "zeros", "others near 0"  # what several products that print as 0 are called
BLANK: Term = ("(gray: not yet computed)", "muted")


def rounding_note(terms: OutputTerms, printed: PrintedWindow, position: int) -> list[Term]:
    """Say which printed numbers are not what the other printed numbers give, if any."""
    if not printed.exact:
        return [ROUNDED]
    agree = printed.decimals == FEWEST and factors_agree(terms, position, FEWEST)
    return [] if agree else [BREAK, FACTORS]


def product_terms(printed: PrintedWindow, note: Sequence[Term]) -> list[Term]:
    """Products of one input map and what they add up to."""
    if len(printed.products) == 1:
        return [("one product:", "muted"), printed.partial, *note]
    return [*_products(printed), f"= {printed.partial}", *note]


def channel_terms(printed: PrintedWindow, names: Sequence[str]) -> list[Term]:
    """Sums of the input maps, with the sum of those that are not named, and what all add up to."""
    texts = dict(printed.channels)
    first, *others = printed.channels
    terms: list[Term] = [label_term(f"{names[first[0]]}:", first[1], first=True)]
    terms += [label_term(f"{names[k]}:", texts[k]) for k, _ in others]
    if printed.rest_count:
        terms.append(label_term(f"{printed.rest_count:,} more:", printed.rest))
    return [*terms, f"= {printed.subtotal}"]


def bias_terms(printed: PrintedWindow, has_bias: bool) -> list[Term]:
    """Sum and bias give the output."""
    if not has_bias:
        return [("no bias", "muted"), printed.total]
    return [printed.subtotal, label_term("bias", printed.bias), "=", printed.total]


def window_sum(printed: PrintedWindow, names: Sequence[str], has_bias: bool, note: Sequence[Term]) -> list[Term]:
    """The whole sum of an output value: products or sums of input maps, bias, output."""
    terms = channel_terms(printed, names)[:-1] if len(printed.channels) > 1 else _without_zeros(printed)
    bias = [label_term("bias", printed.bias)] if has_bias else []
    return [*terms, *bias, "=", printed.total, *note]


def zeros_note(examples: KernelExamples, bias: str) -> list[Term]:
    """What a map is where the kernel reads zeros only, if its first window does."""
    if examples.layer.bias is None or examples.corner.inputs.any():
        return []
    return [("where the kernel reads zeros only,", "muted"), ("the map is the bias:", "muted"), bias]


def lowest_note(examples: KernelExamples) -> list[Term]:
    """Mean of the second map, and its mean over the places where the first map is lowest."""
    other = examples.other
    assert other is not None
    first, second = (m.ravel().astype(float) for m in (examples.values, examples.layer.output[other.unit]))
    lowest = np.argsort(first, kind="stable")[: max(1, len(first) // 10)]
    means = [format_value(float(v.mean())) for v in (second, second[lowest])]
    where = f"over all places; over the tenth where map {examples.unit + 1} is lowest:"
    return [(f"mean of map {other.unit + 1}:", "muted"), means[0], (where, "muted"), means[1]]


def weight_words(examples: KernelExamples) -> str:
    """How many weights a kernel has: ``"9 weights"``, ``"32 × 9 weights"``, ``"1 weight"``."""
    channels, *taps = examples.base.weights.shape
    n = taps[0] * taps[1]
    return f"{channels:,} × {n} weights" if channels > 1 < n else format_count(channels * n, "weight")


def step_caption(examples: KernelExamples) -> str:
    """Caption of the window's next place."""
    n = examples.window[0][1]
    noun = ("pixel" if examples.reads_image else "value") + "s" * (n != 1)
    return f"The next window: {NUMBERS.get(n, str(n))} {noun} right (stride {n})"


def padding_caption(examples: KernelExamples) -> str:
    """Caption of the window at the upper left corner."""
    (top, bottom), (left, right) = examples.pads
    if not any((top, bottom, left, right)):
        h, w = examples.values.shape
        alike = examples.values.shape == examples.x.shape[1:]
        return f"{'A window of one: the' if alike else 'Without padding the'} map is {h} × {w}"
    n = f"{top}" if len({top, bottom, left, right}) == 1 else f"{top + bottom} × {left + right}"
    text = PADDING.get(examples.layer.settings.get("padding_mode", "zeros"), PADDING["zeros"]).format(n=n)
    h, w = examples.values.shape
    kept = f"{text.partition(' (')[0]}; map stays {h} × {w}"
    return kept if (h, w) == examples.x.shape[1:] and len(kept) <= MAX_CHARACTERS else text


def other_caption(unit: int, value: str, first: int, before: str) -> str:
    """Caption of another kernel on the same window, with what the first kernel gave, if there is room."""
    text = f"Kernel {unit + 1}, same window: {value}"
    both = f"{text} (kernel {first + 1}: {before})"
    return both if len(both) <= MAX_CHARACTERS else text


def feature_place(feature: str, thing: str) -> str:
    """Say where something is in a window: ``"where ink is above"``."""
    if feature == "no ink":
        return f"where there is no {thing}"
    return f"where {thing} fills the window" if feature == "ink" else f"where {thing} is {SIDES[feature]}"


def answers_to(feature: str, thing: str) -> str:
    """Say what a kernel answers to: ``"ink above"``, ``"ink"``; what its map is larger with."""
    return thing if feature == "ink" else f"{thing} {SIDES[feature]}"


def _without_zeros(printed: PrintedWindow) -> list[Term]:
    """Products of a window, those that print as 0 in one word if there are several."""
    texts = [text for text in printed.products if text.strip("−0.")]
    gone = [text for text in printed.products if not text.strip("−0.")]
    if len(gone) < 2 or len(printed.products) > MAX_PRODUCTS:
        return _products(printed)
    word = ZEROS if set(gone) == {"0"} else SMALL
    return [*signed_terms(texts), (f"+ {word}" if texts else word, "muted")]


def _products(printed: PrintedWindow) -> list[Term]:
    """Products with signs between them, the largest and the sum of all others if there are many; a 0 has no color."""
    texts = list(printed.products)
    if len(texts) <= MAX_PRODUCTS:
        return [(t[0], t[1] if t[0].strip("−+ 0.") else "muted") for t in signed_terms(texts)]
    order = sorted(range(len(texts)), key=lambda k: -abs(to_decimal(texts[k])))
    rest = add_texts([texts[k] for k in order[SHOWN_PRODUCTS:]])
    more = label_term(f"{len(texts) - SHOWN_PRODUCTS} more:", rest)
    return [*signed_terms([texts[k] for k in order[:SHOWN_PRODUCTS]]), more]

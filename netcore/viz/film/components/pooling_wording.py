"""Captions and sums of the film on one pooling."""

from netcore.analysis.pooling_examples import PoolingExample
from netcore.core.formatting import format_number
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sums import format_fixed

MAX_PRINTED = 9  # values that the sum line names


def kept_terms(example: PoolingExample, place: tuple[int, int]) -> list[Term]:
    """What is kept of a window, from its values."""
    values = example.values(place).ravel()
    numbers = [format_fixed(float(v), example.decimals) for v in values]
    result = format_fixed(float(example.y[(example.unit, *place)]), example.decimals)
    if len(numbers) > MAX_PRINTED:
        return [(f"{'largest' if example.is_max else 'mean'} of {len(numbers):,} values", "muted"), "=", result]
    if example.is_max:
        return [("largest of", "muted"), ", ".join(numbers), "=", result]
    return ["(" + " + ".join(numbers).replace("+ −", "− ") + ")", f"÷ {len(numbers)}", "=", result]


def keep_caption(example: PoolingExample) -> str:
    """Caption of what is kept, with the field ``v``."""
    if example.is_global:
        return "The largest of all stays: {v}" if example.is_max else "The mean of all stays: {v}"
    return "The largest stays: {v}" if example.is_max else "Their mean stays: {v}"


def next_caption(example: PoolingExample) -> str:
    """Caption of the next window."""
    shared = ", overlapping" if example.overlaps else ""
    return f"The next window: {example.stride} to the right{shared}"


def lost_caption(example: PoolingExample) -> str:
    """Caption of what pooling loses."""
    n, maps = example.size[0] * example.size[1], len(example.y)
    if example.is_global:
        kept = "largest values" if example.is_max else "means"
        return f"Lost: all places; kept: {maps:,} {kept}"
    return "Lost: where in its window it was" if example.is_max else f"Lost: which of the {n} it was"


def change_terms(total: float, changes: float) -> list[Term]:
    """The relative change as a division whose printed numbers give the printed percentage."""
    share = percent(changes / total if total else 0.0)
    for digits in range(3, 9):
        a, b = (float(f"{v:.{digits - 1}e}") for v in (changes, total))
        if not b or percent(a / b) == share:
            break
    texts = [format_number(v, digits) for v in (changes, total)]
    return [("sum of changes ÷ sum of values =", "muted"), f"{texts[0]} ÷ {texts[1]}", "=", share]


def percent(share: float) -> str:
    """Format a share in whole percent, which may be over 100."""
    text = f"{100 * share:,.0f} %"
    return "< 1 %" if share > 0 and text == "0 %" else text


def kind_words(example: PoolingExample) -> str:
    """Name of the pooling: ``"Max pooling"``."""
    word = "Global " if example.is_global else ""
    return f"{word}{'max' if example.is_max else 'average'} pooling".capitalize()


def takeaway_line(example: PoolingExample) -> str:
    """What the pooling keeps."""
    n = example.size[0] * example.size[1]
    if example.is_global:
        what = "largest value" if example.is_max else "mean"
        return f"{kind_words(example)} keeps one {what} a map"
    return f"{kind_words(example)} keeps the {'largest' if example.is_max else 'mean'} of every {n}"

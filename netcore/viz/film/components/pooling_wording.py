"""Captions and sums of the film on one pooling."""

from collections.abc import Sequence

from netcore.analysis.pooling_examples import PoolingExample
from netcore.core.formatting import format_count, format_number
from netcore.viz.film.components.cnn_wording import EFFECTS, WORDS, spell
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sums import format_fixed

MAX_PRINTED = 9  # values that the sum line names
MAX_CAPTION = 50
BLANK: Term = ("(hatched: not yet computed)", "muted")
COLORS: Term = ("blue: larger after the shift, orange: smaller;", "muted")
FUNCTIONS = EFFECTS | {"BN": "batch norm: each map scaled and shifted"}


def map_caption(example: PoolingExample, name: str) -> str:
    """Caption of the map that is pooled, with the functions that gave it."""
    h, w = example.x.shape[1:]
    size = f": {h} × {w} values"
    after = " and ".join(_spell(title) for title in example.before)
    text = f"{name.capitalize()} after {after}{size}" if after else f"{name.capitalize()}{size}"
    return text if len(text) <= MAX_CAPTION else f"{name.capitalize()}{size}"


def before_terms(example: PoolingExample) -> list[Term]:
    """What the functions before the pooling do."""
    notes = ["a map: one kernel's sums at all places"] * (example.block.kind == "convolution" or bool(example.before))
    notes += [FUNCTIONS[title] for title in example.before if title in FUNCTIONS]
    return [(note + ";" * (k < len(notes) - 1), "muted") for k, note in enumerate(notes)]


def size_terms(example: PoolingExample, dims: bool) -> list[Term]:
    """How many values all maps have before and after; what is dimmed."""
    n, e = len(example.x), example
    part = " (a quarter)" if e.x.size == 4 * e.y.size else ""
    terms: list[Term] = [(f"{n:,} map{'s' * (n != 1)}: {e.x.size:,} → {e.y.size:,} values{part}{';' * dims}", "muted")]
    return [*terms, ("dimmed: not kept", "muted")] if dims else terms


def layers_caption(changes: Sequence[tuple[float, float]]) -> str:
    """Say how many poolings lower the change, with their percentages if there are one or two."""
    n, lower = len(changes), sum(after < before for before, after in changes)
    if 0 < lower == n <= 2:
        pairs = ", ".join(f"{percent(a)[:-2]} → {percent(b)[:-2]}" for a, b in changes)
        return f"{'The' if n == 1 else 'Each'} pooling lowers the change: {pairs} %"
    return f"{'All' if lower == n else f'{lower} of'} {n} poolings lower the change"


def answer_terms(answers: Sequence[tuple[str, str]]) -> list[Term]:
    """Answers (class, percentage) before and after the shift."""
    (first, p), (second, q) = answers
    return [("answer:", "muted"), f"{first} ({p});", ("for the moved image:", "muted"), f"{second} ({q})"]


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
    """Caption of what is kept."""
    if example.is_global:
        return "The largest of all values is kept" if example.is_max else "The mean of all values is kept"
    n = example.size[0] * example.size[1]
    return f"The largest of the {n} (framed) is kept" if example.is_max else f"The mean of the {n} is kept"


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
    if not example.is_max:
        return f"Lost: the {n} values of each window"
    if example.overlaps:
        return "Lost: where in its window each value lay"
    return f"Lost: {n - 1} of {n} values, and where the kept one lay"


def changes_title(word: str, name: str, shown: int) -> str:
    """Title of the changes of some maps, the named one first."""
    return f"{word} pooling: changes of {shown:,} maps" if shown > 1 else f"{word} pooling: change of {name}"


def change_terms(total: float, changes: float, maps: int) -> list[Term]:
    """The relative change as a division whose printed numbers give the printed percentage."""
    share = percent(changes / total if total else 0.0)
    for digits in range(3, 9):
        a, b = (float(f"{v:.{digits - 1}e}") for v in (changes, total))
        if not b or percent(a / b) == share:
            break
    texts = [format_number(v, digits) for v in (changes, total)]
    return [
        (f"{format_count(maps, 'map')}: sum of |differences| ÷ sum of |values at first| =", "muted"),
        f"{texts[0]} ÷ {texts[1]}",
        "=",
        share,
    ]


def _spell(title: str) -> str:
    """Spell the title of an operation inside a sentence."""
    return spell(title).lower() if title in WORDS else spell(title)


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

"""Text of steps: captions from templates, reading time, names."""

import re
from collections.abc import Iterable
from string import Formatter
from typing import Any

from netcore.core.formatting import format_number
from netcore.viz.film.base_mobject import CAPTION, LABEL
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.theme import Color

MAX_CHARACTERS = 50  # of a caption, or of a line of the takeaway: longer ones are two steps
READING_START, CHARACTERS_PER_SECOND = 0.8, 15.0
NOTE_CHARACTERS_PER_SECOND = 25.0  # of what may be read at a second look
MAX_NAME_WORDS = 6
LINE_SPACING = 1.35  # of the size of the text


class CaptionFormatter(Formatter):
    """Format fields as pictures show numbers: integers with separators, other numbers with two digits."""

    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 - any value
        """Format one field; a format specification wins."""
        if format_spec or isinstance(value, (str, bool)):
            text: str = super().format_field(value, format_spec)
            return text.replace("-", "−") if format_spec else text
        if isinstance(value, int):
            return f"{value:,}".replace("-", "−")
        return format_number(float(value))


def format_caption(template: str, **values: object) -> str:
    """Fill a caption's template.

    Examples
    --------
    >>> format_caption("A picture of a {label}: {n} pixels", label="7", n=1568)
    'A picture of a 7: 1,568 pixels'
    """
    return CaptionFormatter().format(template, **values)


def shortest_caption(*templates: str, **values: object) -> str:
    """Return the first of some templates that is short enough when it is filled, else the last.

    Examples
    --------
    >>> shortest_caption("{p} for the true class, {c}", "{p} for the true class", p="6.8 %", c=30 * "a")
    '{p} for the true class'
    """
    return next((t for t in templates if len(format_caption(t, **values)) <= MAX_CHARACTERS), templates[-1])


def reading_seconds(caption: str, note: str = "") -> float:
    """Return how long a caption is shown at least, and a note or sum beside it, in seconds."""
    return READING_START + len(caption) / CHARACTERS_PER_SECOND + len(note) / NOTE_CHARACTERS_PER_SECOND


def step_name(template: str, taken: Iterable[str]) -> str:
    """Make a unique name of a step from the words of its caption's template.

    Examples
    --------
    >>> step_name("ReLU keeps {kept} of {n}", taken=[])
    'relu-keeps-of'
    """
    words = re.findall(r"[a-z0-9]+", re.sub(r"{[^}]*}", " ", template).lower())
    name = "-".join(words[:MAX_NAME_WORDS]) or "step"
    known = set(taken)
    numbered = (f"{name}-{k}" for k in range(2, len(known) + 3))
    return name if name not in known else next(n for n in numbered if n not in known)


def caption_lines(text: str, center: tuple[float, float], width: float, rgb: Color) -> list[TextLine]:
    """Set a caption in one line, else in two, else in two smaller ones that are cut if need be."""
    if line_width(text, CAPTION) <= width:
        return [text_line(text, CAPTION, rgb, at=center)]
    words = text.split(" ")
    cuts = [(" ".join(words[:k]), " ".join(words[k:])) for k in range(1, len(words))] or [(text, "")]
    pair = min(cuts, key=lambda lines: max(line_width(line, CAPTION) for line in lines))
    size = CAPTION if max(line_width(line, CAPTION) for line in pair) <= width else LABEL
    first, second = (ellipsize_line(line, width, size) for line in pair)
    return two_lines(first, second, size, center, rgb)


def two_lines(first: str, second: str, size: float, center: tuple[float, float], rgb: Color) -> list[TextLine]:
    """Set two lines of text around a centre; one alone where the second is empty."""
    if not second:
        return [text_line(first, size, rgb, at=center)]
    half = LINE_SPACING * text_line("x", size).height / 0.729 / 2
    x, y = center
    return [text_line(first, size, rgb, at=(x, y + half)), text_line(second, size, rgb, at=(x, y - half))]

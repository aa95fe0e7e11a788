"""Parts of a lesson: text, formulas, tables, pictures, exercises."""

import base64
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netcore.core.formatting import format_sum
from netcore.web.mathml import math_element, row, subscript
from netcore.web.worked import WorkedSum

MORE_DIGITS = 6  # tried so that a printed computation is right


@dataclass(frozen=True)
class LessonPart:
    """One part of a chapter.

    Attributes
    ----------
    kind : {"text", "formula", "table", "picture", "player", "exercise"}
    text : str
        The text, MathML, caption, title of the film or question.
    note : bool
        Set the text smaller.
    head, rows, mark : the table's header and cells, and the number of the row that is emphasized.
    source, alt, pixels : the picture as a data URI, or the player as HTML; its description, whether its pixels are
        enlarged.
    dark : the picture for dark pages, if it is another one.
    poster, steps : the picture printed instead of a player, as a data URI; caption and notes of each step.
    answer : str
        Of an exercise.
    """

    kind: str
    text: str
    note: bool = False
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    mark: int | None = None
    source: str = ""
    alt: str = ""
    pixels: bool = False
    dark: str = ""
    poster: str = ""
    steps: Sequence[tuple[str, str]] = ()
    answer: str = ""


@dataclass
class Chapter:
    """A chapter of a lesson, filled by its methods."""

    title: str
    parts: list[LessonPart] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Identifier of the chapter on its page."""
        return "-".join(self.title.lower().replace(",", "").split())

    def add_text(self, text: str, note: bool = False) -> None:
        """Add a paragraph."""
        self.parts.append(LessonPart("text", text, note=note))

    def add_formula(self, *parts: str) -> None:
        """Add a formula on a line of its own."""
        self.parts.append(LessonPart("formula", math_element(*parts)))

    def add_table(
        self, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], mark: int | None = None
    ) -> None:
        """Add a table; `mark` is the number of a row to emphasize."""
        self.parts.append(LessonPart("table", caption, head=head, rows=rows, mark=mark))

    def add_picture(self, source: str, caption: str, alt: str, pixels: bool = False, dark: str = "") -> None:
        """Add a picture by its data URI, and that for dark pages if it is another one."""
        dark = dark if dark != source else ""
        self.parts.append(LessonPart("picture", caption, source=source, alt=alt, pixels=pixels, dark=dark))

    def add_player(self, page: str, title: str, alt: str, poster: str, steps: Sequence[tuple[str, str]]) -> None:
        """Add a film by its player's page, with the storyboard that is printed, and caption and notes of each step."""
        self.parts.append(LessonPart("player", title, source=page, alt=alt, poster=poster, steps=steps))

    def add_exercise(self, question: str, answer: str) -> None:
        """Add a question whose answer is folded away."""
        self.parts.append(LessonPart("exercise", question, answer=answer))

    def add_sum(self, worked: WorkedSum, names: tuple[str, str]) -> None:
        """Add a worked sum: a table of its strongest products, and the total; `names` of weight and input."""
        products = [w * x for _, w, x in worked.terms]
        others = worked.count - len(worked.terms)
        rest = worked.total - worked.bias - sum(products) if others else None
        texts, total = format_sum([*products, worked.bias], rest, fewest=3, most=6)
        rows = []
        for (name, w, x), text in zip(worked.terms, texts, strict=False):
            rows.append((name, *format_factors((w, x), text), text))
        if others:
            rows.append((f"{others:,} more", "", "", texts[-1]))
        rows += [("bias", "", "", texts[len(products)]), ("sum", "", "", total)]
        head = ("input", *names, "product")
        self.add_table(f"{worked.count:,} products, the largest first", head, rows, mark=len(rows) - 1)


def number(value: float, digits: int = 3) -> str:
    """Format a number with fixed decimals and a minus sign.

    Examples
    --------
    >>> number(-0.0421), number(-0.00001)
    ('−0.042', '0.000')
    """
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """Format a number of any size with significant digits.

    Examples
    --------
    >>> significant(0.000012345), significant(-12.3)
    ('0.0000123', '−12.3')
    """
    if value == 0:
        return "0"
    places = max(0, digits - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{min(places, 12)}f}".replace("-", "−")


def format_factors(factors: Sequence[float], product: str) -> list[str]:
    """Format factors with as few digits, three at least, as let their printed product be recomputed.

    Examples
    --------
    >>> format_factors((-0.10024, 0.97132), "−0.0974")
    ['−0.10024', '0.97132']
    """
    decimals = len(product.partition(".")[2])
    return format_operands(factors, lambda *values: number(math.prod(values), decimals), product, digits=3)


def format_operands(values: Sequence[float], compute: Callable[..., str], result: str, digits: int = 4) -> list[str]:
    """Format numbers with as few significant digits as let a printed result be computed from what is printed.

    Parameters
    ----------
    values : sequence of float
    compute : callable
        Computes the result from the numbers and formats it.
    result : str
    digits : int
        Tried first.

    Returns
    -------
    list of str
    """
    for count in range(digits, digits + MORE_DIGITS):
        texts = [significant(value, count) for value in values]
        if compute(*(to_float(text) for text in texts)) == result:
            break
    return texts


def to_float(text: str) -> float:
    """Return the value of a printed number."""
    return float(text.replace("−", "-").replace(",", ""))


def indexed(name: str, *index: str) -> str:
    """Return a symbol with its index as MathML."""
    return subscript(name, row(*index))


def image_uri(values: NDArray[np.uint8]) -> str:
    """Return an image (C, H, W) as the data URI of a PNG."""
    import PIL.Image

    array = values[0] if values.shape[0] == 1 else values.transpose(1, 2, 0)
    stream = io.BytesIO()
    PIL.Image.fromarray(np.ascontiguousarray(array)).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"

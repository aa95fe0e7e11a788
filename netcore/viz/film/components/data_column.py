"""One block of a data flow: box, shape, bars."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.base_mobject import LABEL, PIXEL
from netcore.viz.film.components.data_box import DataBox
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.boxes import Shape
from netcore.viz.theme import Theme


class DataColumn:
    """What is drawn of one block.

    Parameters
    ----------
    theme : Theme
    title : str
    lines, short : sequence of str
        Its shape in two lines, with words and without.
    values : ndarray
        See `DataBox`.
    counts : tuple of int
        Parameters and multiplications; empty for the image.
    front, unit : optional
        See `DataBox`.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        lines: Sequence[str],
        short: Sequence[str],
        values: NDArray[np.floating],
        counts: tuple[int, ...] = (),
        front: NDArray[np.float64] | None = None,
        unit: int | None = None,
    ) -> None:
        self.theme, self.title, self.lines, self.short = theme, title, lines, short
        self.values, self.counts, self.front, self.unit = values, counts, front, unit

    def fits(self, width: float) -> bool:
        """Whether its shape fits into a width with words."""
        return all(line_width(line, LABEL) <= width for line in self.lines)

    def make(self, shape: Shape, width: float, words: bool) -> None:
        """Make the mobjects, the box in a shape and texts of a width at most, the shape with or without words."""
        theme, ink = self.theme, self.theme.rgb("foreground")
        self.box = DataBox(theme, self.values, shape, self.front, self.unit)
        self.texts = [
            text_line(ellipsize_line(text, width, LABEL), LABEL, theme.rgb("muted" if k else "foreground"))
            for k, text in enumerate((self.title, *(self.lines if words else self.short)))
            if text
        ]
        self.bars = [Rectangles([[(0, 0), (0, 0)]], fill=[*ink, 1.0]) for _ in self.counts]
        self.numbers = [text_line(short_count(n, width), LABEL, ink) for n in self.counts]


def integer_text(value: float) -> str:
    """Write a whole number with separators."""
    return f"{round(value):,}"


def short_count(count: int, width: float) -> str:
    """Write a count in full if it fits into a width, else in thousands or millions: ``"1.00 M"``."""
    text = f"{count:,}"
    if line_width(text, LABEL) <= width:
        return text
    units = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
    size, unit = next((s, u) for s, u in units if count >= s)
    return f"{count / size:#.3g}".rstrip(".") + f" {unit}"


def text_points(line: TextLine, at: ArrayLike, align: ArrayLike = (0, 0)) -> NDArray[np.float64]:
    """Return the corners (2, 2) of a line of text whose point `align` is at a place."""
    extent = np.array([line.outline.width, line.outline.height]) * line.size * PIXEL
    low = np.asarray(at, float) - (np.asarray(align, float) + 1) / 2 * extent
    return np.array([low, low + extent])


def split_line(text: str, width: float) -> list[str]:
    """Split a text into two lines, as much as fits a width in the first."""
    words = text.split(" ")
    fitting = [n for n in range(1, len(words)) if line_width(" ".join(words[:n]), LABEL) <= width]
    n = max(fitting, default=1)
    return [" ".join(words[:n]), " ".join(words[n:])]

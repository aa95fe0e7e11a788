"""Columns of the scores of classes, above and below a zero line."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.core.formatting import format_number
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

NUMBER_ROOM = 0.55  # above and below the columns
NAME_ROOM = 0.3  # from the area's bottom down to the names
SLIVER = 0.02  # height that a column has at least


class ScoreColumns:
    """Columns side by side, one a class, with numbers at their ends and names below the area.

    Parameters
    ----------
    theme : Theme
    area : Area
        Of the columns and their numbers; names are below it.
    names : sequence of str
    values : ndarray, shape (N,)

    Attributes
    ----------
    bars : Rectangles
        The columns; blue above the zero line, orange below.
    zero : Edges
        The zero line.
    """

    def __init__(self, theme: Theme, area: Area, names: Sequence[str], values: NDArray[np.float64]) -> None:
        self.theme, self.area = theme, area
        self.cells = area.columns([1] * len(names), gap=0.02 * area.width)
        self.values = values
        self.rescale(values)
        signs = np.where(values[:, None] < 0, theme.rgb("negative"), theme.rgb("positive"))
        self.bars = Rectangles(self.corners(), np.column_stack([signs, np.ones(len(values))]), width=2.5)
        self.zero = Edges(*self.zero_ends(), [*theme.rgb("muted"), 1.0], 1.5)
        self.names = [
            self._text(ellipsize_line(name, cell.width * 1.05, LABEL), cell, area.bottom - NAME_ROOM)
            for name, cell in zip(names, self.cells, strict=True)
        ]

    def rescale(self, values: NDArray[np.float64]) -> None:
        """Take other values; the highest and the lowest column fill the area."""
        self.values = values
        high, low = max(float(values.max()), 0.0), min(float(values.min()), 0.0)
        below = NUMBER_ROOM if low < 0 else 0.0
        self.unit = (self.area.height - NUMBER_ROOM - below) / max(high - low, 1e-9)
        self.base = self.area.bottom + below - low * self.unit

    def corners(self) -> NDArray[np.float64]:
        """Lower left and upper right corners (N, 2, 2) of the columns."""
        heights = self.values * self.unit
        left, right = (np.array([getattr(cell, side) for cell in self.cells]) for side in ("left", "right"))
        low, high = self.base + np.minimum(heights, 0.0), self.base + np.maximum(heights, SLIVER)
        return np.stack([np.column_stack([left, low]), np.column_stack([right, high])], axis=1)

    def zero_ends(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Start and end of the zero line."""
        return [(self.area.left, self.base)], [(self.area.right, self.base)]

    def numbers(self, texts: Sequence[str]) -> list[TextLine]:
        """Numbers above columns, and below those under the zero line."""
        heights = self.values * self.unit
        offset = np.where(heights < 0, -0.24, 0.24)
        ys = self.base + np.where(heights < 0, heights, np.maximum(heights, SLIVER)) + offset
        return [self._text(text, cell, y) for text, cell, y in zip(texts, self.cells, ys.tolist(), strict=True)]

    def power_texts(self, powers: NDArray[np.float64]) -> list[str]:
        """Return positive numbers in at most three digits, in fewer where a column is narrow."""
        return [self._fitting(float(power)) for power in powers]

    def _fitting(self, power: float) -> str:
        room = self.cells[0].width * 1.22
        texts = [format_number(power, digits) for digits in (3, 2, 1)]
        return next((text for text in texts if line_width(text, LABEL) <= room), "≈ 0" if power < 1 else texts[-1])

    def _text(self, text: str, cell: Area, y: float) -> TextLine:
        return text_line(text, LABEL, self.theme.rgb("foreground"), at=(cell.center[0], y))

"""Weights × image = products of one unit, and their sum."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.text import Text
from numpy.typing import NDArray

from netcore.analysis.unit_sum import TERMS, UnitSum
from netcore.core.trace import Trace
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.pixel_frame import PixelFrame
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width

TITLE, HEAD, LINE, SIGN = 22.0, 18.0, 18.5, 20.0  # heights of title, captions and a number; width of × and =
ROWS = 3  # numbers one below another
FIRST, SECOND, BETWEEN = 126.0, 108.0, 11.0  # start and least width of the second column of numbers; their distance


class SumPanel:
    """A unit's weights × image = products, and below it the terms, the sum and what the layer's functions make of it.

    Parameters
    ----------
    fig : ThemedFigure
    box : Box
    unit : UnitSum
        At the last snapshot.
    trace : Trace
        Of the image.
    word : str
        ``"neuron"`` or ``"kernel"``.
    limit : float
        Value of the full colour of weights and products.
    title : str
        Default: the unit and what it reads.
    zoomed : bool
        Whether the window alone is shown of the image; it is framed in the whole image otherwise.

    Attributes
    ----------
    weights, image, products : ImageGrid
    names, numbers : list of Text
        Terms from the top to the bottom, then the sum and the values after each function.
    """

    def __init__(
        self,
        fig: ThemedFigure,
        box: Box,
        unit: UnitSum,
        trace: Trace,
        word: str,
        limit: float,
        *,
        title: str = "",
        zoomed: bool = False,
    ) -> None:
        theme = fig.theme
        self.fig, self.box, self.trace, self.is_map = fig, box, trace, unit.channel >= 0
        self.zoomed = zoomed and not self.is_map
        reads = "this window" if word == "kernel" else "this image"
        title = title or f"{word.capitalize()} {unit.unit + 1} on {reads}"
        add_text(fig, box.x, box.y, ellipsize(fig, title, box.w, weight="bold"), fontweight="bold")
        signed: dict[str, Any] = {"cmap": diverging(theme), "vmin": -limit, "vmax": limit}
        side = min((box.w - 2 * SIGN) / 3, box.h - TITLE - HEAD - 8 - ROWS * LINE)
        step = (box.w - side) / 2
        cells = [Box(box.x + k * step, box.y + TITLE + HEAD, side, side) for k in range(3)]
        what = f"map {unit.channel + 1}" if self.is_map else "window" if self.zoomed else "image"
        heads = ["weights", what, "products"]
        for cell, head in zip(cells, heads, strict=True):
            add_text(fig, cell.x + side / 2, box.y + TITLE, head, ha="center", color=theme.muted)
        for sign, cell in zip("×=", cells[1:], strict=True):
            x = cell.x - (step - side) / 2
            add_text(fig, x, cell.y + side / 2, sign, ha="center", va="center", color=theme.muted)
        place: dict[str, Any] = {"columns": 1, "align": (0.5, 0.5), "frame": True}
        self.weights = image_grid(fig, cells[0], unit.weights[None], **place, **signed)
        self.image = image_grid(fig, cells[1], self._picture(unit), **place)
        self.products = image_grid(fig, cells[2], unit.products[None], **place, **signed)
        self.window = PixelFrame(self.image, theme.emphasis) if word == "kernel" and not self.zoomed else None
        if self.window is not None:
            self.window.move(0, unit.rows, unit.columns)
        self.first = min(FIRST, box.w - SECOND)
        self.below = cells[0].y + side + 8
        self._add_lines(unit)

    def _picture(self, unit: UnitSum) -> NDArray[Any]:
        if self.is_map:
            return np.asarray(unit.source / max(float(unit.source.max()), 1e-9))[None]
        whole = to_display(self.trace.pixels)
        return (self._cut(whole, unit) if self.zoomed else whole)[None]

    def _cut(self, whole: NDArray[Any], unit: UnitSum) -> NDArray[Any]:
        """The window of an image; what is outside has the background's color."""
        height, width = whole.shape[:2]
        outside: Any = np.nan if whole.ndim == 2 else np.round(self.fig.theme.rgb("background") * 255).astype(np.uint8)
        cut = whole[np.clip(unit.rows, 0, height - 1)][:, np.clip(unit.columns, 0, width - 1)].copy()
        rows, columns = (unit.rows < 0) | (unit.rows >= height), (unit.columns < 0) | (unit.columns >= width)
        cut[rows[:, None] | columns] = outside
        return cut

    def _add_lines(self, unit: UnitSum) -> None:
        """Two columns of names and numbers: the terms; the sum and the last functions."""
        theme, lines, terms = self.fig.theme, unit.printed(), len(unit.terms)
        roles = dict(zip(TERMS, (theme.positive, theme.negative), strict=True))
        self.lines = [*range(terms + 1), *range(max(terms + 1, len(lines) - ROWS + 1), len(lines))]
        self.names: list[Text] = []
        self.numbers: list[Text] = []
        for row, k in enumerate(self.lines):
            x, y = self.box.x + (k >= terms) * self.first, self.below + (row - terms * (k >= terms)) * LINE
            weight, color = "bold" if k == terms else "normal", roles.get(lines[k][0], theme.foreground)
            right = self.box.x + (self.first - BETWEEN if k < terms else self.box.w)
            self.names.append(add_text(self.fig, x, y, "", color=color, fontweight=weight))
            self.numbers.append(add_text(self.fig, right, y, "", ha="right", color=color, fontweight=weight))

    def update(self, unit: UnitSum, trace: Trace | None = None) -> list[Artist]:
        """Show the unit at another snapshot, or on another image."""
        self.trace = trace or self.trace
        lines, terms = unit.printed(), len(unit.terms)
        for k, name, number in zip(self.lines, self.names, self.numbers, strict=True):
            width, weight = (
                self.first - BETWEEN if k < terms else self.box.w - self.first,
                "bold" if k == terms else "normal",
            )
            room = width - text_width(self.fig, lines[k][1], weight=weight) - 5
            arrow = f"→ {lines[k][0]}"
            has_arrow = k > terms and text_width(self.fig, arrow) <= room
            name.set_text(arrow if has_arrow else ellipsize(self.fig, lines[k][0], room, weight=weight))
            number.set_text(lines[k][1])
        pictures = [
            self.weights.set(unit.weights[None]),
            self.image.set(self._picture(unit)),
            self.products.set(unit.products[None]),
        ]
        frames = [] if self.window is None else [self.window.move(0, unit.rows, unit.columns)]
        return [*pictures, *frames, *self.names, *self.numbers]

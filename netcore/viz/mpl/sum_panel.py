"""Weights × image = products of one unit, and their sum."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from netcore.analysis.unit_sum import TERMS, UnitSum
from netcore.core.trace import Trace
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width

TITLE, HEAD, LINE, SIGN = 22.0, 18.0, 18.5, 20.0  # heights of title, captions and a number; width of × and =
ROWS = 3  # numbers one below another
FIRST, BETWEEN = 126.0, 11.0  # start of the second column of numbers, and the distance of both


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

    Attributes
    ----------
    weights, image, products : ImageGrid
    names, numbers : list of Text
        Terms from the top to the bottom, then the sum and the values after each function.
    """

    def __init__(self, fig: ThemedFigure, box: Box, unit: UnitSum, trace: Trace, word: str, limit: float) -> None:
        theme = fig.theme
        self.fig, self.box, self.trace, self.is_map = fig, box, trace, unit.channel >= 0
        what = "input map" if self.is_map else "image"
        title = f"{word.capitalize()} {unit.unit + 1} on " + ("this window" if word == "kernel" else "this image")
        add_text(fig, box.x, box.y, ellipsize(fig, title, box.w, weight="bold"), fontweight="bold")
        signed: dict[str, Any] = {"cmap": diverging(theme), "vmin": -limit, "vmax": limit}
        side = min((box.w - 2 * SIGN) / 3, box.h - TITLE - HEAD - 8 - ROWS * LINE)
        step = (box.w - side) / 2
        cells = [Box(box.x + k * step, box.y + TITLE + HEAD, side, side) for k in range(3)]
        heads = ["weights", f"map {unit.channel + 1}" if self.is_map else what, "products"]
        for cell, head in zip(cells, heads, strict=True):
            add_text(fig, cell.x + side / 2, box.y + TITLE, head, ha="center", color=theme.muted)
        for sign, cell in zip("×=", cells[1:], strict=True):
            x = cell.x - (step - side) / 2
            add_text(fig, x, cell.y + side / 2, sign, ha="center", va="center", color=theme.muted)
        place: dict[str, Any] = {"columns": 1, "align": (0.5, 0.5), "frame": True}
        self.weights = image_grid(fig, cells[0], unit.weights[None], **place, **signed)
        self.image = image_grid(fig, cells[1], self._picture(unit), **place)
        self.products = image_grid(fig, cells[2], unit.products[None], **place, **signed)
        if word == "kernel":
            self._frame_window(unit)
        self.below = cells[0].y + side + 8
        self._add_lines(unit)

    def _picture(self, unit: UnitSum) -> NDArray[Any]:
        if not self.is_map:
            return to_display(self.trace.pixels)[None]
        return np.asarray(unit.source / max(float(unit.source.max()), 1e-9))[None]

    def _frame_window(self, unit: UnitSum) -> None:
        r = self.image.repeat
        (top, bottom), (left, right) = ((int(a.min()), int(a.max()) + 1) for a in (unit.rows, unit.columns))
        color = self.fig.theme.emphasis
        size = (right - left) * r, (bottom - top) * r
        corner = left * r - 0.5, top * r - 0.5
        frame = Rectangle(corner, *size, facecolor="none", edgecolor=color, linewidth=1.5, clip_on=False)
        self.image.ax.add_patch(frame)

    def _add_lines(self, unit: UnitSum) -> None:
        """Two columns of names and numbers: the terms; the sum and the last functions."""
        theme, lines, terms = self.fig.theme, unit.printed(), len(unit.terms)
        roles = dict(zip(TERMS, (theme.positive, theme.negative), strict=True))
        self.lines = [*range(terms + 1), *range(max(terms + 1, len(lines) - ROWS + 1), len(lines))]
        self.names: list[Text] = []
        self.numbers: list[Text] = []
        for row, k in enumerate(self.lines):
            x, y = self.box.x + (k >= terms) * FIRST, self.below + (row - terms * (k >= terms)) * LINE
            weight, color = "bold" if k == terms else "normal", roles.get(lines[k][0], theme.foreground)
            right = self.box.x + (FIRST - BETWEEN if k < terms else self.box.w)
            self.names.append(add_text(self.fig, x, y, "", color=color, fontweight=weight))
            self.numbers.append(add_text(self.fig, right, y, "", ha="right", color=color, fontweight=weight))

    def update(self, unit: UnitSum) -> list[Artist]:
        """Show the unit at another snapshot."""
        lines, terms = unit.printed(), len(unit.terms)
        for k, name, number in zip(self.lines, self.names, self.numbers, strict=True):
            width, weight = FIRST - BETWEEN if k < terms else self.box.w - FIRST, "bold" if k == terms else "normal"
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
        return [*pictures, *self.names, *self.numbers]

"""Numbers in the cells of a table."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.dense_layers import DenseLayer
from netcore.analysis.hand_computation import HandSum, hand_sum
from netcore.viz.colors import contrast_ratio
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

TITLE_ROOM = 0.42  # above the cells
MIN_ROW_HEIGHT, MAX_ROW_HEIGHT = 0.3, 0.5
SOFT = 0.55  # of the contrast of a colour: numbers in the foreground are read on it
CELL_GAP = 0.16  # beside a number


def fit_hand_sum(
    layer: DenseLayer, unit: int, factors: Area, products: Area, limit: int = 24, most: int = 4
) -> tuple[HandSum, int]:
    """Write a neuron's sum in as many products as tables of its factors and products can hold.

    Parameters
    ----------
    layer : DenseLayer
    unit : int
    factors, products : Area
        Of the table of activations, or of weights; of the table of products.
    limit, most : int
        Maximum number of products, and of columns.

    Returns
    -------
    hand : HandSum
    columns : int
    """
    rows = max(1, int((min(factors.height, products.height) - TITLE_ROOM) / MIN_ROW_HEIGHT))
    for columns in range(most, 0, -1):
        hand = hand_sum(layer, unit, min(limit, rows * columns))
        texts = [*hand.activations, *hand.weights, f"{hand.rest_count:,} more"], [*hand.products, hand.rest]
        widest = [columns * (max(line_width(text, LABEL) for text in side) + CELL_GAP) for side in texts]
        if widest[0] <= factors.width and widest[1] <= products.width:
            break
    return hand, columns


def soft_colors(theme: Theme, values: ArrayLike) -> NDArray[np.float64]:
    """Return colours (N, 3) of signed values, the largest size the strongest, on which the foreground can be read."""
    values = np.asarray(values, float)
    ground = np.asarray(theme.rgb("background"))
    return ground + SOFT * (theme.signed_colors(values / max(np.abs(values).max(), 1e-12)) - ground)


class NumberTable:
    """Texts in cells, row by row, under a title; cells may be coloured.

    Parameters
    ----------
    theme : Theme
    area : Area
        Of title and cells; the cells start at its top.
    title : str
    texts : sequence of str
    columns : int
    fill : array_like, shape (N, 3), optional
        Colours of the cells.
    row_height : float
        At most.

    Attributes
    ----------
    cells : list of Area
    numbers : list of TextLine
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        title: str,
        texts: Sequence[str],
        columns: int,
        fill: ArrayLike | None = None,
        row_height: float = MAX_ROW_HEIGHT,
    ) -> None:
        rows = ceil(len(texts) / columns)
        height = min(row_height, (area.height - TITLE_ROOM) / rows)
        top = area.top - TITLE_ROOM
        body = Area(area.left, top - height * rows, area.right, top)
        self.area = Area(area.left, body.bottom, area.right, area.top)
        self.cells = [cell for row in body.rows([1] * rows) for cell in row.columns([1] * columns)][: len(texts)]
        ground, ink = theme.rgb("background"), theme.rgb("foreground")
        colors = np.tile(ground, (len(texts), 1)) if fill is None else np.asarray(fill, float)
        corners = np.concatenate([cell.corners for cell in self.cells])
        rgba = np.column_stack([colors, np.ones(len(texts))])
        self.grid = Rectangles(corners, rgba, [*theme.rgb("faint"), 1.0], 1.0)
        self.title = text_line(title, LABEL, theme.rgb("muted"), at=(body.left, area.top - 0.18), align=(-1, 0))
        self.numbers = [
            text_line(text, LABEL, max((ink, ground), key=lambda c: contrast_ratio(c, color)), at=cell.center)
            for text, cell, color in zip(texts, self.cells, colors, strict=True)
        ]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Title, cells and numbers."""
        return [self.grid, self.title, *self.numbers]

    def row_ends(self, columns: int) -> NDArray[np.float64]:
        """Return the points right of each row's last cell."""
        last = self.cells[columns - 1 :: columns]
        ends = last if len(self.cells) % columns == 0 else [*last, self.cells[-1]]
        return np.array([[self.area.right + 0.15, cell.center[1]] for cell in ends])

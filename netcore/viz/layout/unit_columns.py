"""Widths of columns of maps or cells, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from netcore.viz.layout.grid_layout import MAX_CELL, cell_size

GAP = 3.0  # units between maps
MIN_UNITS = 6  # maps that each column shows, or all
TOO_MANY = 999  # maps side by side if not one fits into the height


@dataclass(frozen=True)
class UnitColumn:
    """What a column shows.

    Attributes
    ----------
    count : int
        Number of maps or neurons.
    shape : (int, int)
        Rows and columns of one in pixels; (1, 1) for neurons, which are cells of any size.
    min_width : float
        Units that its texts need.
    """

    count: int
    shape: tuple[int, int]
    min_width: float = 0.0

    @property
    def is_vector(self) -> bool:
        """Whether it shows cells."""
        return self.shape == (1, 1)


def grid_in_column(column: UnitColumn, width: float, height: float, pixel: float) -> tuple[int, int, float, float]:
    """Fit a column's units into a box.

    Parameters
    ----------
    column : UnitColumn
    width, height : float
        Of the box, in units.
    pixel : float
        Size of a map's pixel in units.

    Returns
    -------
    columns, rows : int
        Units side by side, and one below another.
    pixel, gap : float
        Size of a pixel or cell, and the distance of neighbours.
    """
    gap = GAP
    if column.is_vector:
        pixel, gap = cell_size(column.count, width, height)
    h, w = column.shape
    columns = max(1, int((width + gap) / (w * pixel + gap)))
    return columns, max(1, int((height + gap) / (h * pixel + gap))), pixel, gap


def fit_columns(
    columns: Sequence[UnitColumn], width: float, height: float, gap: float, pixels: Sequence[float]
) -> tuple[list[float], float, float]:
    """Choose the widths of columns, with all maps at one scale.

    The largest of the scales is taken at which `MIN_UNITS` of each column fit. What is left of the width goes to the
    columns that show the smallest share of their units.

    Parameters
    ----------
    columns : sequence of UnitColumn
    width, height : float
        Of the whole, in units; the height without the texts.
    gap : float
        Minimum distance of columns.
    pixels : sequence of float
        Sizes of a map's pixel to choose from, largest first.

    Returns
    -------
    widths : list of float
    pixel : float
    gap : float
        Distance of columns with which they take the whole width.
    """
    available = width - gap * (len(columns) - 1)
    needed = [min(column.min_width, available / len(columns)) for column in columns]
    for pixel in pixels:
        found = [_width_of(column, _side_by_side(column, pixel, height), pixel) for column in columns]
        widths = [max(pair) for pair in zip(needed, found, strict=True)]
        if sum(widths) <= available:
            break
    else:
        widths = [available / len(columns)] * len(columns)
    widths = _widen(columns, widths, pixel, height, available)
    return widths, pixel, gap + (available - sum(widths)) / max(1, len(columns) - 1)


def _widen(
    columns: Sequence[UnitColumn], widths: list[float], pixel: float, height: float, available: float
) -> list[float]:
    """Give the width that is left to columns that show the smallest share, that of a map or cell at a time."""
    steps = [(MAX_CELL if column.is_vector else column.shape[1] * pixel) + GAP for column in columns]
    while True:
        shares = [_share(column, wide, pixel, height) for column, wide in zip(columns, widths, strict=True)]
        growing = [i for i, share in enumerate(shares) if share < 1 and steps[i] <= available - sum(widths)]
        if not growing:
            return widths
        least = min(growing, key=lambda i: shares[i])
        widths = [wide + steps[i] * (i == least) for i, wide in enumerate(widths)]


def _side_by_side(column: UnitColumn, pixel: float, height: float) -> int:
    """Maps side by side with which `MIN_UNITS` of them, or all, fit into the height."""
    rows = int((height + GAP) / (column.shape[0] * pixel + GAP))
    return -(-min(MIN_UNITS, column.count) // rows) if rows else TOO_MANY


def _width_of(column: UnitColumn, side_by_side: int, pixel: float) -> float:
    return side_by_side * (column.shape[1] * pixel + GAP) - GAP


def _share(column: UnitColumn, width: float, pixel: float, height: float) -> float:
    """Share of its maps that a column of this width shows; of cells, how near it comes to a square of large ones."""
    if column.is_vector:
        return width / (ceil(sqrt(column.count)) * (MAX_CELL + GAP))
    h, w = column.shape
    return int((width + GAP) / (w * pixel + GAP)) * int((height + GAP) / (h * pixel + GAP)) / column.count

"""Places of columns with a box and bars each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netcore.viz.layout.area import Area
from netcore.viz.layout.boxes import BoxScale, fit_cell, fold_shapes

STRIP, GAP = 0.72, 0.08  # height of the line above, and the space below it
TITLE, LINES = 0.44, 0.76  # height of a title above, and of two lines below a box
AXIS = 2.35  # width of the first column, that the titles of the bars need
NUMBER = 0.38  # height of a number above a bar
BARS = {0: 0.0, 1: 0.33, 2: 0.46}  # share of the height that the rows of bars take, by their number
BAR_WIDTH = 0.5  # share of a column
MAX_BAR = 1.0  # in units
MARGIN = 0.1  # beside a box
MAX_GROWTH = 3.0  # of the cells while few columns are shown


@dataclass(frozen=True)
class BoardPlaces:
    """Where everything of a board is.

    Attributes
    ----------
    boxes : list of Area
        Room of the boxes.
    bars : list of list of Area
        Room of the bars, row by row; numbers are above it.
    scale : BoxScale
    """

    boxes: list[Area]
    bars: list[list[Area]]
    scale: BoxScale


class BoardLayout:
    """Layout of a board.

    Parameters
    ----------
    area : Area
    shapes : sequence of tuple of int
        Shapes of the values, column by column, the image first.

    Attributes
    ----------
    boxes : list of (int, int, int)
        Shapes of the boxes, vectors folded.
    column : float
        Width of a column when all are shown.
    """

    def __init__(self, area: Area, shapes: Sequence[tuple[int, ...]]) -> None:
        self.strip, self.body = area.rows([STRIP, area.height - STRIP - GAP], GAP)
        zones = self._columns(len(shapes))
        self.column = zones[-1].width
        height = self.body.height * (1 - BARS[1]) - TITLE - LINES
        self.boxes, self.scale = fold_shapes(shapes, self.column - 2 * MARGIN, height)

    def places(self, count: int, rows: int = 1) -> BoardPlaces:
        """Return the places while the first `count` columns are shown, with none, one or two rows of bars."""
        zones = self._columns(count)
        above = self.body.height * (1 - BARS[rows])
        boxes = [Area(zone.left, self.body.top - above + LINES, zone.right, self.body.top - TITLE) for zone in zones]
        width = min(zone.width for zone in zones) - 2 * MARGIN
        fitted = fit_cell(self.boxes[:count], width, boxes[0].height, self.scale.depth)
        cell = min(fitted, MAX_GROWTH * self.scale.cell)
        scale = BoxScale(cell, self.scale.depth)
        slack = boxes[0].height - max(scale.extent(shape)[[1, 3]].sum() for shape in self.boxes[:count])
        boxes = [box.shift(0, slack / 2) for box in boxes]
        lower = Area(self.body.left, self.body.bottom, self.body.right, self.body.top - above)
        bars = [[self._bar(zone, row) for zone in zones] for row in (lower.rows([1] * rows, GAP) if rows else [])]
        return BoardPlaces(boxes, bars, scale)

    def cube_side(self) -> int:
        """Return the side in cells of the largest cube of a round number that always fits into the strip."""
        counts = range(2, len(self.boxes) + 1)
        cell = max((self.places(n, rows).scale.cell for n in counts for rows in (0, 1)), default=self.scale.cell)
        largest = BoxScale(cell, self.scale.depth)
        sides = [n * 10**k for k in range(4) for n in (1, 2, 3, 4, 5, 6, 8)]
        return max(n for n in sides if n == 1 or largest.extent((n, n, n))[[1, 3]].sum() < STRIP)

    def _columns(self, count: int) -> list[Area]:
        first = max(AXIS, self.body.width / count) if count > 1 else self.body.width
        rest = (self.body.width - first) / max(count - 1, 1)
        return self.body.columns([first, *[rest] * (count - 1)])

    def _bar(self, zone: Area, row: Area) -> Area:
        half = min(zone.width * BAR_WIDTH, MAX_BAR) / 2
        x = zone.center[0]
        return Area(x - half, row.bottom, x + half, row.top - NUMBER)


def stick_corners(area: Area, shares: Sequence[float]) -> np.ndarray:
    """Return the corners (N, 2, 2) of pieces of a horizontal stick, from left to right."""
    ends = area.left + area.width * np.concatenate([[0.0], np.cumsum(shares)])
    low = np.column_stack([ends[:-1], np.full(len(shares), area.bottom)])
    high = np.column_stack([ends[1:], np.full(len(shares), area.top)])
    return np.stack([low, high], axis=1)

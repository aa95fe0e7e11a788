"""Areas of films about dense networks."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from netcore.viz.layout.area import Area

PANEL, SCORES = 3.1, 3.5  # width of the picture with its legends, and of the scores
CIRCLE = 2.1  # width of the place of one neuron, right of pictures and curve
GAP = 0.35
TALL = 0.8  # height to width of a stage in which things are placed below each other


@dataclass(frozen=True)
class DenseAreas:
    """Parts of the stage.

    Parameters
    ----------
    stage : Area
    """

    stage: Area

    @property
    def is_tall(self) -> bool:
        """Whether things are placed below each other."""
        return self.stage.height > TALL * self.stage.width

    def halves(self, labels: float = 0.5) -> tuple[Area, Area]:
        """Return two equal places, with `labels` free below each."""
        parts = self._left.rows([1, 1], GAP) if self.is_tall else self._left.columns([1, 1], GAP)
        first, second = (Area(a.left, a.bottom + labels, a.right, a.top) for a in parts)
        return first, second

    def pictures(self, labels: float = 0.5) -> tuple[Area, Area, Area]:
        """Return places of image, weights and (the largest) products, with `labels` free below each."""
        left = self._left
        if self.is_tall:
            top, below = left.rows([1, 1.4], GAP)
            parts = [*top.columns([1, 1], 2 * GAP), below]
        else:
            parts = left.columns([1, 1, 1.45], 2 * GAP)
        first, second, third = (Area(a.left, a.bottom + labels, a.right, a.top) for a in parts)
        return first, second, third

    @property
    def _left(self) -> Area:
        return Area(self.stage.left, self.stage.bottom, self.stage.right - CIRCLE - GAP, self.stage.top)

    @property
    def circle(self) -> Area:
        """Place of one neuron at the right."""
        return Area(self.stage.right - CIRCLE, self.stage.bottom, self.stage.right, self.stage.top)

    @property
    def panel(self) -> Area:
        """Place of the picture and the legends beside or above the network."""
        if self.is_tall:
            return Area(self.stage.left, self.stage.top - PANEL, self.stage.right, self.stage.top)
        return Area(self.stage.left, self.stage.bottom, self.stage.left + PANEL, self.stage.top)

    def thumbnail(self, ratio: float) -> Area:
        """Return the place of the picture in the panel, `ratio` its width to its height."""
        box = self.panel
        if self.is_tall:
            return Area(box.left, box.bottom, box.left + PANEL, box.top).fit(ratio, 1, (-1, 1))
        return Area(box.left, box.top - 0.42 * box.height, box.right - GAP, box.top).fit(ratio, 1, (-1, 1))

    def legends(self, ratio: float) -> tuple[float, float]:
        """Return the upper left corner of the legends."""
        thumb = self.thumbnail(ratio)
        if self.is_tall:
            return thumb.right + 2 * GAP, self.panel.top
        return self.panel.left, thumb.bottom - 0.2

    @property
    def main(self) -> Area:
        """Everything but the panel."""
        if self.is_tall:
            return Area(self.stage.left, self.stage.bottom, self.stage.right, self.panel.bottom - GAP)
        return Area(self.panel.right + GAP, self.stage.bottom, self.stage.right, self.stage.top)

    def middle(self) -> tuple[Area, Area]:
        """Return two places beside or below each other, left of the one neuron's, right of or below the panel."""
        main = self.main
        box = Area(main.left, main.bottom, main.right - CIRCLE, main.top)
        first, second = box.rows([1.2, 1], GAP) if self.is_tall else box.columns([0.8, 1], GAP)
        return first, second

    def network(self, labels: float) -> Area:
        """Return the place of the columns, with `labels` free below."""
        main = self.main
        return Area(main.left + 0.5, main.bottom + labels, main.right - SCORES - 0.25, main.top - 0.2)

    @property
    def scores(self) -> Area:
        """Place of names, bars and numbers of classes."""
        return Area(self.main.right - SCORES + 0.2, self.main.bottom, self.main.right, self.main.top)


def tile_places(area: Area, count: int, ratio: float, room: float = 0.75) -> tuple[NDArray[np.float64], float]:
    """Return centres (N, 2) of pictures in a grid, row by row, and their height.

    Parameters
    ----------
    area : Area
    count : int
    ratio : float
        Width to height of a picture.
    room : float
        Kept free right of each.
    """
    box = Area(area.left, area.bottom + 0.4, area.right, area.top)

    def height(columns: int) -> float:
        return min((box.width / columns - room) / ratio, box.height / ceil(count / columns) - 0.15)

    columns = max(range(1, count + 1), key=height)
    side, rows = height(columns), ceil(count / columns)
    row, column = np.divmod(np.arange(count), columns)
    step = np.array([side * ratio + room, side + 0.15])
    left = box.center[0] - (columns * step[0]) / 2 + side * ratio / 2
    top = box.center[1] + rows * step[1] / 2 - step[1] / 2
    return np.column_stack([left + column * step[0], top - row * step[1]]), side

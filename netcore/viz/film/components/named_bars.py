"""Shares as rows: name, bar, percentage."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.components.probabilities import probability_bars
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

HEAD = 35 * PIXEL
NUMBER_ROOM = 1.6  # for the percentages
NAME_SHARE = 0.3  # of the width


class NamedBars:
    """Bars that start at one value and fall to their own, one after another.

    Parameters
    ----------
    theme : Theme
    area : Area
    names : sequence of str
    values : array_like, shape (N,)
        In [0, 1].
    before : float
        Value of all bars at first: a line marks it.
    title : str
        Above the bars.
    """

    def __init__(
        self, theme: Theme, area: Area, names: Sequence[str], values: ArrayLike, before: float, title: str
    ) -> None:
        self.theme, self.values = theme, np.asarray(values, dtype=float)
        box = Area(area.left, area.bottom, area.right, area.top - HEAD)
        ys = np.array([row.center[1] for row in box.rows([1] * len(self.values))])
        short = [ellipsize_line(name, NAME_SHARE * box.width, NUMBER) for name in names]
        self.names = [
            text_line(text, NUMBER, theme.rgb("foreground"), at=(box.left, y), align=(-1, 0))
            for text, y in zip(short, ys, strict=True)
        ]
        left = box.left + max(name.width for name in self.names) + 0.3
        length = box.right - left - NUMBER_ROOM
        self.bars, self.numbers = probability_bars(theme, self.values, ys, left, length, box.right)
        self.bars.values[:] = before
        x, half = left + before * length, 0.75 * PIXEL
        ends = self.bars.points[:, 1].reshape(-1, 2)
        corners = [[[x - half, low - 3 * PIXEL], [x + half, high + 3 * PIXEL]] for low, high in ends.tolist()]
        self.marks = Rectangles(corners, fill=[*theme.rgb("foreground"), 1.0], width=0, z_index=1)
        at = (area.left, area.top - HEAD / 3)
        self.title = text_line(
            ellipsize_line(title, area.width, LABEL), LABEL, theme.rgb("muted"), at=at, align=(-1, 0)
        )

    @property
    def still(self) -> list[ArrayMobject]:
        """What is shown before the bars fall."""
        return [self.title, self.bars, self.marks, *self.names]

    def fall(self, run_time: float = 2.0) -> list[Animate]:
        """Return the animations in which one bar after another goes to its value."""
        return [
            Animate(self.bars, values=self.values, run_time=run_time, lag_ratio=2.0),
            *fade_in(self.numbers, delay=run_time - 0.2),
        ]

    def ring(self, row: int) -> Rectangles:
        """Return a yellow frame around a row."""
        name, number = self.names[row].bounding_box(), self.numbers[row].bounding_box()
        low = [name[0] - 0.1, min(name[1], number[1]) - 0.12]
        high = [number[2] + 0.1, max(name[3], number[3]) + 0.12]
        return Rectangles([[low, high]], line=[*self.theme.rgb("emphasis"), 1.0], width=2.0)

"""Horizontal bars of shares with names and percentages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.mobjects import BarMobject, Rectangles
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

ROOM = 0.1  # between the texts of a row and its frame
GAP = 0.2  # between a bar and its texts
NAME_SHARE = 0.45  # of the width, that names take at most
HEAD = 35 * PIXEL  # height of the title
MAX_HEIGHT = 0.36  # of a bar below a title


class LabelledBars:
    """Bars one below another, names at the left, percentages at the right.

    Parameters
    ----------
    theme : Theme
    area : Area
        Of title, names, bars and percentages.
    names : sequence of str
    shares : array_like, shape (N,)
        In [0, 1].
    title : str
        Above the bars.
    before : float, optional
        Value of all bars at first, which a line marks: `fall` brings them to their own.

    Attributes
    ----------
    bars : BarMobject
        Its `values` are the shares.
    names, numbers : list of TextLine
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        names: Sequence[str],
        shares: ArrayLike,
        *,
        title: str = "",
        before: float | None = None,
    ) -> None:
        self.theme = theme
        if before is not None:
            area = Area(area.left + ROOM, area.bottom, area.right - ROOM, area.top)  # of the frame of a row
        self.shares: NDArray[np.float64] = np.asarray(shares, float)
        self.percents = [format_percent(share) for share in self.shares]
        names = [ellipsize_line(name, NAME_SHARE * area.width, LABEL) for name in names]
        left = area.left + max(line_width(name, LABEL) for name in names) + GAP
        right = area.right - max(line_width(text, NUMBER) for text in self.percents) - GAP
        top = area.top - (HEAD if title else 0.0)
        rows = Area(left, area.bottom, right, top).rows([1] * len(names), gap=0.3 * (top - area.bottom) / len(names))
        if title:
            slots = Area(left, area.bottom, right, top).rows([1] * len(names))
            half = min(MAX_HEIGHT, 0.7 * slots[0].height) / 2
            rows = [Area(left, slot.center[1] - half, right, slot.center[1] + half) for slot in slots]
        ink = theme.rgb("foreground")
        corners = np.concatenate([row.corners for row in rows])
        fill, start = (ink, self.shares) if before is None else (theme.rgb("muted"), before)
        self.bars = BarMobject(corners, start, fill, theme.rgb("faint"))
        self.names, self.numbers = (
            [
                text_line(text, size, ink, at=(x, row.center[1]), align=(side, 0))
                for text, row in zip(texts, rows, strict=True)
            ]
            for texts, size, x, side in ((names, LABEL, left - GAP, 1), (self.percents, NUMBER, area.right, 1))
        )
        self.marks = [] if before is None else [self._mark(corners, before)]
        self.title = [
            text_line(text, LABEL, theme.rgb("muted"), at=(area.left, area.top - HEAD / 3), align=(-1, 0))
            for text in filter(None, [ellipsize_line(title, area.width, LABEL)])
        ]

    def _mark(self, corners: NDArray[np.float64], value: float) -> Rectangles:
        """A line through each bar at a value."""
        x, half = corners[:, 0, 0] + value * (corners[:, 1, 0] - corners[:, 0, 0]), 0.75 * PIXEL
        low = np.column_stack([x - half, corners[:, 0, 1] - 3 * PIXEL])
        high = np.column_stack([x + half, corners[:, 1, 1] + 3 * PIXEL])
        return Rectangles(np.stack([low, high], 1), fill=[*self.theme.rgb("foreground"), 1.0], width=0, z_index=1)

    @property
    def texts(self) -> list[ArrayMobject]:
        """Names and percentages."""
        return [*self.names, *self.numbers]

    @property
    def still(self) -> list[ArrayMobject]:
        """What is shown before the bars fall."""
        return [*self.title, self.bars, *self.marks, *self.names]

    def grow(self, delay: float = 0.0) -> list[Animate]:
        """Return the animations that show the texts and let the bars grow."""
        start = {"values": np.zeros(len(self.shares))}
        return [
            *fade_in(self.texts, delay),
            Animate(self.bars, start=start, values=self.shares, run_time=1.0, delay=delay),
        ]

    def fall(self, run_time: float = 2.0) -> list[Animate]:
        """Return the animations in which one bar after another goes to its value."""
        return [
            Animate(self.bars, values=self.shares, run_time=run_time, lag_ratio=2.0),
            *fade_in(self.numbers, delay=run_time - 0.2),
        ]

    def ring(self, row: int) -> Rectangles:
        """Return a yellow frame around a row."""
        boxes = np.stack([m.bounding_box() for m in (self.names[row], self.numbers[row])])
        room = np.array([ROOM, 0.12])
        low, high = boxes[:, :2].min(0) - room, boxes[:, 2:].max(0) + room
        return Rectangles([[low, high]], line=[*self.theme.rgb("emphasis"), 1.0], width=2.0)

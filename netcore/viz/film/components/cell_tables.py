"""Small arrays side by side, in numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.color_scale import ColorScale
from netcore.viz.film.components.number_cells import NumberCells
from netcore.viz.film.components.sums import format_fixed
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

LINE = 0.38  # height of the title above, and of the scale below
GAP = 0.3  # between tables
APPEAR, TRAVEL = 0.3, 0.8  # seconds
INSET = 0.9  # side of an outline, as a share of its cell


class CellTables:
    """One table for each array, a title above and a colour scale below.

    Parameters
    ----------
    theme : Theme
    values : ndarray, shape (N, H, W)
    rgb : ndarray, shape (N, H, W, 3)
    area : Area
        For everything.
    title : str
    ends : (float, float), optional
        Ends of the scale; none without.
    signed : bool
        Whether colours show signs.
    decimals : int
        Of the numbers; -1 for none.
    texts : sequence of sequence of str, optional
        The numbers of each table, along its rows, instead of `decimals`.
    """

    def __init__(
        self,
        theme: Theme,
        values: NDArray[np.floating],
        rgb: NDArray[np.floating],
        area: Area,
        title: str = "",
        ends: tuple[float, float] | None = None,
        signed: bool = True,
        decimals: int = 2,
        texts: Sequence[Sequence[str]] | None = None,
    ) -> None:
        self.theme, self.area, self.values = theme, area, np.asarray(values, float)
        self.boxes = table_boxes(area, self.values.shape)
        if texts is None:
            texts = [
                [format_fixed(v, decimals) for v in table.ravel()] if decimals >= 0 else [] for table in self.values
            ]
        self.tables = [
            NumberCells(theme, colors, text, box, table)
            for colors, text, box, table in zip(rgb, texts, self.boxes, self.values, strict=True)
        ]
        if not all(table.texts for table in self.tables):
            for table in self.tables:
                table.texts = []
        left, right = self.boxes[0].left, self.boxes[-1].right
        top, bottom = self.boxes[0].top, self.boxes[0].bottom
        text = ellipsize_line(title, area.width, LABEL)
        middle = (left + right) / 2
        self.title = text_line(text, LABEL, theme.rgb("foreground"), at=(middle, top + LINE / 2))
        self.marks: list[ArrayMobject] = []
        self.scale = None
        if ends is not None:
            self.scale = ColorScale(theme, ends, signed, (0.0, 0.0))
            self.scale.place((middle + self.scale.width / 2 - 0.1, bottom - LINE / 2 - 0.02))

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Tables, marks, title and scale."""
        words = [self.title] if self.title.text else []
        return [*self.tables, *self.marks, *words, *(self.scale.mobjects if self.scale else [])]

    def outline(self, cells: ArrayLike) -> None:
        """Outline some cells (N · H · W,) of all tables."""
        half = self.boxes[0].width / self.values.shape[2] / 2 * np.array([[-1], [1]]) * INSET
        corners = self.centers[np.asarray(cells, bool).ravel(), None, :2] + half
        if len(corners):
            self.marks.append(Rectangles(corners, line=[*self.theme.rgb("muted"), 1.0], width=2.0, z_index=1))

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle points (N · H · W, 2) of all cells."""
        return np.concatenate([table.centers for table in self.tables])

    @property
    def middles(self) -> NDArray[np.float64]:
        """Middle points (N, 2) of the tables."""
        return np.array([box.center for box in self.boxes])

    def appear(self, origin: Sequence[NDArray[np.float64]] = (), delay: float = 0.0) -> list[Animate]:
        """Let everything appear; tables grow from the frames (3, 2) in `origin`, if there are any."""
        out = []
        for k, m in enumerate(self.mobjects):
            if k < len(self.tables) and len(origin):
                goal = m.points.copy()
                start: dict[str, Any] = {"opacity": 0.0, "points": origin[min(k, len(origin) - 1)]}
                out.append(Animate(m, start=start, opacity=1.0, points=goal, run_time=TRAVEL, delay=delay))
            else:
                out.append(Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=APPEAR, delay=delay))
        return out

    def leave(self, run_time: float = APPEAR, delay: float = 0.0) -> list[Animate]:
        """Let everything leave."""
        return [Animate(m, opacity=0.0, run_time=run_time, delay=delay, remover=True) for m in self.mobjects]


def table_boxes(area: Area, shape: Sequence[int]) -> list[Area]:
    """Places of N tables side by side, below a title and above a scale."""
    count, h, w = shape
    inner = Area(area.left, area.bottom + LINE, area.right, area.top - LINE)
    whole = inner.fit(count * w + (count - 1) * GAP * w / 3, h)
    return whole.columns([1.0] * count, GAP * whole.width / max(3 * count + (count - 1) * GAP, 1) if count > 1 else 0.0)


def pair_areas(area: Area, count: int, kernel: tuple[int, int]) -> tuple[Area, Area]:
    """Divide an area for two rows of `count` tables: beside or below each other, whichever leaves larger cells."""
    ways = [area.columns([1, 1], 0.35), area.rows([1, 1], 0.15)]
    sizes = [table_boxes(way[0], (count, *kernel))[0].width for way in ways]
    first, second = ways[int(sizes[1] > sizes[0] * 1.02)]
    return first, second

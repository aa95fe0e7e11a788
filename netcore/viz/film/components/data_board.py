"""Blocks side by side: boxes of values, bars of counts."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.operations import Window
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.board_strip import BoardStrip
from netcore.viz.film.components.data_column import DataColumn, integer_text, text_points
from netcore.viz.film.components.fades import TRAVEL_SECONDS, fade_in, fade_out
from netcore.viz.film.components.number_line import NumberLine
from netcore.viz.film.components.tiles import ring
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.board import BoardLayout, BoardPlaces
from netcore.viz.theme import Theme

ROWS = ("parameters", "multiplications")
LINE = 0.36  # of a text
MARK_GAP = (0.1, 0.06)  # between a title and the yellow line around it


class DataBoard:
    """Columns that share the width; their boxes and bars have common scales.

    Parameters
    ----------
    theme : Theme
    area : Area
    columns : sequence of DataColumn
        The image first.

    Attributes
    ----------
    full : list of int
        Count that a bar of full height stands for, row by row.
    strip : BoardStrip
        Above the columns, with the parameters so far.
    """

    def __init__(self, theme: Theme, area: Area, columns: Sequence[DataColumn]) -> None:
        self.theme, self.columns = theme, list(columns)
        self.layout = BoardLayout(area, [column.values.shape for column in columns])
        self.count, self.rows = 1, 1
        self.full = [0, 0]
        self.visible: set[int] = set()  # ids of what is on screen
        width = self.layout.column - 0.1
        words = all(column.fits(width) for column in self.columns)
        for column, shape in zip(self.columns, self.layout.boxes, strict=True):
            column.make(shape, width, words)
        self._make_frame()
        self.arrange(1)

    def _make_frame(self) -> None:
        theme = self.theme
        most = sum(sum(column.counts[:1]) for column in self.columns)
        self.strip = BoardStrip(theme, self.layout, ROWS[0], most)
        self.marked = 0  # number of the column in yellow
        self.mark = Rectangles([[(0, 0), (0, 0)]], line=[*theme.rgb("emphasis"), 1.0], width=2.0)
        self.axes = [self._axis(name) for name in ROWS]

    def _axis(self, name: str) -> tuple[TextLine, NumberLine, Edges]:
        muted = self.theme.rgb("muted")
        left, right = self.layout.body.left, self.layout.body.right
        tick = NumberLine(0, (left, 0), top_text, LABEL, muted, (-1, 0))
        line = [*self.theme.rgb("faint"), 1.0]
        return text_line(name, LABEL, muted), tick, Edges([(left, 0)] * 2, [(right, 0)] * 2, line, 1.5, z_index=-1)

    # ---- places

    def arrange(self, count: int, rows: int = 1, run_time: float = TRAVEL_SECONDS) -> list[Animate]:
        """Return the animations that make room for the first `count` columns and for `rows` rows of bars."""
        self.count, self.rows = count, rows
        self.places = self.layout.places(count, rows)
        out = []
        for mobject, points in self._goals(self.places):
            goal = np.pad(points.reshape(-1, 2), ((0, 0), (0, 1)))
            if id(mobject) not in self.visible:
                mobject.points = goal
            elif not np.allclose(mobject.points, goal):
                out.append(Animate(mobject, points=goal, run_time=run_time))
        return out

    def _goals(self, places: BoardPlaces) -> Iterable[tuple[ArrayMobject, NDArray[np.float64]]]:
        for k, column in enumerate(self.columns[: self.count]):
            zone = places.boxes[k]
            x = zone.center[0]
            yield from zip(column.box.faces, places.scale.faces(column.box.shape, x, zone.bottom), strict=True)
            if k == self.marked:
                yield self.mark, self._mark_points(k, places)
            ys = [self._title_y(k, places), *(zone.bottom - LINE * (i + 0.6) for i in range(2))]
            yield from ((text, text_points(text, (x, y))) for text, y in zip(column.texts, ys, strict=False))
            for row in range(min(self.rows, len(column.counts))):
                yield column.bars[row], self.bar_corners(k, row)
                yield column.numbers[row], self._number_points(k, row)
        if self.count > 1:
            yield from self.strip.goals(places)
        for row, (title, tick, lines) in enumerate(self.axes[: self.rows]):
            bar = places.bars[row][0]
            left = self.layout.body.left
            yield title, text_points(title, (left, bar.top + LINE / 2), (-1, 0))
            yield tick, text_points(tick, (left, bar.top - LINE / 2), (-1, 0))
            yield lines, np.array([[(x, y) for x in (left, self.layout.body.right)] for y in (bar.bottom, bar.top)])

    def _title_y(self, k: int, places: BoardPlaces) -> float:
        top = places.scale.extent(self.columns[k].box.shape)[[1, 3]].sum()
        return float(places.boxes[k].bottom + top + LINE / 2 + 0.05)

    def bar_corners(self, k: int, row: int) -> NDArray[np.float64]:
        """Return lower left and upper right corner of a bar (2, 2), its height to the row's scale."""
        area, full = self.places.bars[row][k], max(self.full[row], 1)
        height = area.height * self.columns[k].counts[row] / full
        return np.array([[area.left, area.bottom], [area.right, area.bottom + height]])

    def _number_points(self, k: int, row: int) -> NDArray[np.float64]:
        (x0, _), (x1, y) = self.bar_corners(k, row)
        return text_points(self.columns[k].numbers[row], ((x0 + x1) / 2, y + LINE / 2))

    # ---- what appears

    def show(self, mobjects: Iterable[ArrayMobject], delay: float = 0.0, run_time: float = 0.3) -> list[Animate]:
        """Return the animations that show mobjects, which move along from then on."""
        new = list(mobjects)
        self.visible |= {id(m) for m in new}
        return fade_in(new, delay, run_time)

    def hide(self, mobjects: Iterable[ArrayMobject]) -> list[Animate]:
        """Return the animations that hide mobjects."""
        gone = [m for m in mobjects if id(m) in self.visible]
        self.visible -= {id(m) for m in gone}
        return fade_out(gone)

    def describe(self, k: int, texts: Sequence[str]) -> list[Animate]:
        """Mark a column in yellow, and write what its block does into the line above."""
        self.marked = k
        goal = self._mark_points(k, self.places)
        words = self.strip.describe(texts)
        if id(self.mark) in self.visible:
            return [*words, Animate(self.mark, points=goal, run_time=0.5)]
        self.mark.points = np.pad(goal, ((0, 0), (0, 1)))
        return [*words, *self.show([self.mark])]

    def undescribe(self) -> list[Animate]:
        """Let the mark and the description leave."""
        self.marked = 0
        return [*self.hide([self.mark]), *self.strip.describe([])]

    def _mark_points(self, k: int, places: BoardPlaces) -> NDArray[np.float64]:
        title = self.columns[k].texts[0]
        low, high = text_points(title, (places.boxes[k].center[0], self._title_y(k, places)))
        return np.array([low, high]) + np.array([[-1], [1]]) * MARK_GAP

    def send(self, k: int, pace: float = 1.0) -> tuple[list[Animate], list[Animate]]:
        """Return the animations of a box that leaves column `k - 1` and becomes that of column `k`, in two plays."""
        ghost, box = self.columns[k - 1].box.copy(), self.columns[k].box
        goal = np.array([face.points[:, :2] for face in box.faces])
        lines = self.columns[k].texts[1:]
        return ghost.move(goal, run_time=pace), [*self.show(box.faces), *self.show(lines), *fade_out(ghost.faces, 0.3)]

    def grow(self, k: int, row: int = 0) -> list[Animate]:
        """Let a bar leave the box of its column; where it is the highest so far, the others shrink."""
        column = self.columns[k]
        fresh = [*self._rescale(row, [k]), *(self._zeros(k) if row == 0 else [])]
        bar, goal = column.bars[row], self.bar_corners(k, row)
        self.visible.add(id(bar))
        origin = column.bars[0].points[:, :2] if row else column.box.front
        start: dict[str, ArrayLike] = {"points": origin if column.counts[row] else goal, "opacity": 0.0}
        moves = [Animate(bar, start=start, points=goal, opacity=1.0, run_time=TRAVEL_SECONDS)]
        column.numbers[row].points = np.pad(self._number_points(k, row), ((0, 0), (0, 1)))
        if row == 0:
            strip = self.strip
            total = strip.total.value + column.counts[0]
            moves += self.show([m for m in (strip.total, strip.total_text) if id(m) not in self.visible])
            moves.append(Animate(strip.total, value=total, run_time=0.5, delay=0.4))
        return [*fresh, *moves, *self.show([column.numbers[row]], 0.6)]

    def _zeros(self, k: int) -> list[Animate]:
        """Show the bars of parameters of earlier columns that came before the first parameters."""
        earlier = [column for column in self.columns[1:k] if id(column.bars[0]) not in self.visible]
        return [a for column in earlier for a in self.show([column.bars[0], column.numbers[0]])]

    def grow_all(self, row: int, run_time: float = 1.2) -> list[Animate]:
        """Let all bars of a row that are not shown rise from the ground."""
        out = self._rescale(row, range(len(self.columns)))
        for k, column in enumerate(self.columns[1:], 1):
            bar, goal = column.bars[row], self.bar_corners(k, row)
            if id(bar) in self.visible:
                continue
            self.visible.add(id(bar))
            flat = np.array([goal[0], [goal[1, 0], goal[0, 1]]])
            out.append(Animate(bar, start={"points": flat}, points=goal, run_time=run_time))
            column.numbers[row].points = np.pad(self._number_points(k, row), ((0, 0), (0, 1)))
            out += self.show([column.numbers[row]], run_time - 0.2)
        return out

    def _rescale(self, row: int, fresh: Iterable[int]) -> list[Animate]:
        """Show the axis of a row, and let its scale reach the highest bar that is shown or `fresh`."""
        indices = set(fresh)
        self.full[row] = max(
            column.counts[row]
            for k, column in enumerate(self.columns)
            if column.counts and (k in indices or id(column.bars[row]) in self.visible)
        )
        title, tick, lines = self.axes[row]
        out = self.show([m for m in (title, tick, lines) if id(m) not in self.visible])
        if tick.value != self.full[row]:
            out.append(Animate(tick, value=self.full[row], run_time=TRAVEL_SECONDS))
        return [*out, *self._resettle(row)]

    def _resettle(self, row: int) -> list[Animate]:
        """Move bars and numbers of a row that are shown to their places."""
        out = []
        for k, column in enumerate(self.columns[1 : self.count], 1):
            if id(column.bars[row]) in self.visible:
                out.append(Animate(column.bars[row], points=self.bar_corners(k, row), run_time=TRAVEL_SECONDS))
                number = column.numbers[row]
                out.append(Animate(number, points=self._number_points(k, row), run_time=TRAVEL_SECONDS))
        return out

    def depth_edge(self, k: int) -> Edges:
        """Return a yellow line along the edge of a box that goes back."""
        edge = self.columns[k].box.depth_edge
        return Edges(edge[:1], edge[1:], [*self.theme.rgb("emphasis"), 1.0], 3.0, z_index=3)

    def window_rings(self, k: int, window: Window | None) -> list[Rectangles]:
        """Make yellow lines around the largest number in front of a box, and around the window that it comes from."""
        before, after = self.columns[k - 1].box, self.columns[k].box
        size, given = after.shape[1:], before.shape[1:]
        if window is None or self.columns[k - 1].values.ndim != 3 or self.columns[k].values.ndim != 3:
            return []
        values = np.nan_to_num(self.columns[k].values)[after.unit]
        place = [int(i) for i in np.unravel_index(int(values.argmax()), values.shape)]
        spans = [
            np.arange(width) * step + place[axis] * stride - pad
            for axis, (width, step, stride, pad) in enumerate(
                zip(window.kernel, window.dilation, window.stride, window.padding, strict=True)
            )
        ]
        if any(span.max() < 0 or span.min() >= n for span, n in zip(spans, given, strict=True)):
            return []
        frames = [box.faces[0].corners()[0] for box in (before, after)]
        return [
            ring(self.theme, frames[0], given, spans[0], spans[1], width=2.0),
            ring(self.theme, frames[1], size, [place[0]], [place[1]], width=2.0),
        ]

    def mark_largest(self) -> list[Animate]:
        """Let the number of the highest bar of each row become yellow."""
        yellow = self.theme.rgb("emphasis")
        return [
            Animate(column.numbers[row], rgb=yellow, run_time=0.6)
            for row in range(self.rows)
            for column in self.columns[1:]
            if column.counts[row] == self.full[row]
        ]


def top_text(value: float) -> str:
    """Write the count that a bar of full height stands for."""
    return f"top: {integer_text(value)}"

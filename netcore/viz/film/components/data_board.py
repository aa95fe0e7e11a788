"""Blocks side by side: boxes of their values, and bars of their parameters and multiplications."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import ANSWER, LABEL, ArrayMobject
from netcore.viz.film.components.data_box import DataBox
from netcore.viz.film.components.data_column import DataColumn, integer_text, split_line, text_points
from netcore.viz.film.components.fades import TRAVEL_SECONDS, fade_in, fade_out
from netcore.viz.film.components.number_line import NumberLine
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.board import BoardLayout, BoardPlaces
from netcore.viz.theme import Theme

ROWS = ("parameters", "multiplications")
LINE = 0.36  # of a text


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
    total : NumberLine
        Parameters so far.
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
        theme, strip = self.theme, self.layout.strip
        muted, ink = theme.rgb("muted"), theme.rgb("foreground")
        n = self.layout.cube_side()
        self.cube = DataBox(theme, np.full((n, n, n), 0.35), (n, n, n))
        for face, share in zip(self.cube.faces, (0.3, 0.5, 0.15), strict=True):
            face.rgb = theme.activation_colors(np.full(face.rgb.shape[:3], share))
        depth = self.layout.scale.depth
        note = f", depth ÷ {round(1 / depth):,}" if depth < 1 else ""
        self.cube_texts = [text_line(text, LABEL, muted) for text in (f"{n} × {n} × {n}", "numbers" + note)]
        x, y = strip.right, strip.center[1]
        most = sum(sum(column.counts[:1]) for column in self.columns)
        self.total = NumberLine(0, (x, y), integer_text, ANSWER, ink, (1, 0))
        room = line_width(integer_text(most), ANSWER) + 0.3
        self.total_text = text_line(ROWS[0], LABEL, muted, at=(x - room, y), align=(1, 0))
        self.about: list[TextLine] = []
        self.marked = 0  # number of the column in yellow
        self.mark = Rectangles([[(0, 0), (0, 0)]], line=[*theme.rgb("emphasis"), 1.0], width=2.0)
        self.axes = [self._axis(name) for name in ROWS]

    def _axis(self, name: str) -> tuple[TextLine, NumberLine, Edges]:
        muted = self.theme.rgb("muted")
        left, right = self.layout.body.left, self.layout.body.right
        tick = NumberLine(0, (left, 0), integer_text, LABEL, muted, (-1, 0))
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
        strip = self.layout.strip
        side = self.cube.shape[0] * places.scale.cell * 1.4
        if self.count > 1:
            low = strip.center[1] - places.scale.extent(self.cube.shape)[[1, 3]].sum() / 2
            faces = places.scale.faces(self.cube.shape, strip.left + side / 2, low)
            yield from zip(self.cube.faces, faces, strict=True)
            for text, y in zip(self.cube_texts, self._strip_rows(2), strict=True):
                yield text, text_points(text, (strip.left + side + 0.15, y), (-1, 0))
        for row, (title, tick, lines) in enumerate(self.axes[: self.rows]):
            bar = places.bars[row][0]
            left = self.layout.body.left
            yield title, text_points(title, (left, bar.top + LINE / 2), (-1, 0))
            yield tick, text_points(tick, (left, bar.top - LINE / 2), (-1, 0))
            ys = np.array([bar.bottom, bar.top])
            ends = np.stack([np.full((2, 2), [left, 0.0]), np.full((2, 2), [self.layout.body.right, 0.0])], axis=1)
            ends[:, :, 1] = ys[:, None]
            yield lines, ends

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
        old, self.marked = fade_out(self.about), k
        left = max(text.points[1, 0] for text in self.cube_texts) + 0.5
        width = self.total_text.points[0, 0] - 0.3 - left
        if len(texts) == 1 and line_width(texts[0], LABEL) > width:
            texts = split_line(texts[0], width)
        self.about = [
            text_line(
                ellipsize_line(text, width, LABEL), LABEL, self.theme.rgb("muted" if i else "foreground"),
                at=(left, y), align=(-1, 0),
            )
            for i, (text, y) in enumerate(zip(texts, self._strip_rows(len(texts)), strict=True))
        ]  # fmt: skip
        goal = self._mark_points(k, self.places)
        if id(self.mark) in self.visible:
            return [*old, *fade_in(self.about, 0.3), Animate(self.mark, points=goal, run_time=0.5)]
        self.mark.points = np.pad(goal, ((0, 0), (0, 1)))
        return [*old, *fade_in(self.about, 0.3), *self.show([self.mark])]

    def undescribe(self) -> list[Animate]:
        """Let the mark and the description leave."""
        gone, self.about, self.marked = self.about, [], 0
        return [*self.hide([self.mark]), *fade_out(gone)]

    def _strip_rows(self, count: int) -> list[float]:
        """Heights of lines of text in the strip."""
        y = self.layout.strip.center[1]
        return [y] if count == 1 else [y + LINE / 2, y - LINE / 2]

    def _mark_points(self, k: int, places: BoardPlaces) -> NDArray[np.float64]:
        title = self.columns[k].texts[0]
        low, high = text_points(title, (places.boxes[k].center[0], self._title_y(k, places)))
        return np.array([low - [0.1, 0.06], high + [0.1, 0.06]])

    def send(self, k: int, pace: float = 1.0) -> tuple[list[Animate], list[Animate]]:
        """Return the animations of a box that leaves column `k - 1` and becomes that of column `k`, in two plays."""
        ghost, box = self.columns[k - 1].box.copy(), self.columns[k].box
        goal = np.array([face.points[:, :2] for face in box.faces])
        lines = self.columns[k].texts[1:]
        return ghost.move(goal, run_time=pace), [*self.show(box.faces), *self.show(lines), *fade_out(ghost.faces, 0.3)]

    def grow(self, k: int, row: int = 0) -> list[Animate]:
        """Let a bar leave the box of its column; where it is the highest so far, the others shrink."""
        column = self.columns[k]
        fresh = [*self._rescale(row, k), *(self._zeros(k) if row == 0 else [])]
        bar, goal = column.bars[row], self.bar_corners(k, row)
        self.visible.add(id(bar))
        origin = column.bars[0].points[:, :2] if row else column.box.front
        start = {"points": origin if column.counts[row] else goal, "opacity": 0.0}
        moves = [Animate(bar, start=start, points=goal, opacity=1.0, run_time=TRAVEL_SECONDS)]
        column.numbers[row].points = np.pad(self._number_points(k, row), ((0, 0), (0, 1)))
        if row == 0:
            total = self.total.value + column.counts[0]
            moves += self.show([m for m in (self.total, self.total_text) if id(m) not in self.visible])
            moves.append(Animate(self.total, value=total, run_time=0.5, delay=0.4))
        return [*fresh, *moves, *self.show([column.numbers[row]], 0.6)]

    def _zeros(self, k: int) -> list[Animate]:
        """Show the bars of parameters of earlier columns that came before the first parameters."""
        earlier = [column for column in self.columns[1:k] if id(column.bars[0]) not in self.visible]
        return [a for column in earlier for a in self.show([column.bars[0], column.numbers[0]])]

    def grow_all(self, row: int, run_time: float = 1.2) -> list[Animate]:
        """Let all bars of a row that are not shown rise from the ground."""
        out = self._rescale(row, len(self.columns) - 1)
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

    def _rescale(self, row: int, last: int) -> list[Animate]:
        """Show the axis of a row, and let its scale reach the highest bar up to column `last`."""
        self.full[row] = max(sum(column.counts[row : row + 1]) for column in self.columns[: last + 1])
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

    def keep_largest(self) -> list[Animate]:
        """Let all bars but the highest of each row fade to grey."""
        out = []
        for row in range(self.rows):
            for column in self.columns[1:]:
                if column.counts[row] < self.full[row]:
                    fill = [*self.theme.rgb("muted"), 1.0]
                    out.append(Animate(column.bars[row], fill=[fill], run_time=0.6))
        return out


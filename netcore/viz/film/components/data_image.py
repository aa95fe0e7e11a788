"""The image as the first box of a data flow."""

from netcore.core.formatting import format_count
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.data_board import DataBoard
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.boxes import BoxScale, fit_cell
from netcore.viz.theme import Theme

ROOM = (3.6, 1.0)  # for the labels beside and below the image


class DataImage:
    """The image alone, then as a box beside a cube that shows the scale.

    Parameters
    ----------
    theme : Theme
    board : DataBoard
        Its first column and its cube are shown, and later go to their places there.
    area : Area
    """

    def __init__(self, theme: Theme, board: DataBoard, area: Area) -> None:
        self.theme, self.board = theme, board
        self.box, self.cube = board.columns[0].box, board.strip.cube
        depth = board.layout.scale.depth
        whole = area.part(0, 0.04, 1, 0.96)
        alone = BoxScale(fit_cell([self.box.shape], whole.width, whole.height, depth), depth)
        self.box.place(alone.faces(self.box.shape, whole.center[0], whole.bottom))
        left, self.right = whole.divide([1.3, 1])
        cell = fit_cell([self.box.shape], left.width - ROOM[0], left.height - ROOM[1], depth)
        self.scale = BoxScale(cell, depth)
        self.place = left.center[0] + 0.4, left.bottom + ROOM[1]
        self.labels: list[ArrayMobject] = []

    def appear(self) -> list[Animate]:
        """Return the animations of the image alone."""
        return self.board.show(self.box.faces[:1])

    def open(self) -> list[Animate]:
        """Return the animations in which it becomes the front of a box."""
        goal = self.scale.faces(self.box.shape, *self.place)
        moves = self.box.move(goal, run_time=0.8)
        for face, frame in zip(self.box.faces[1:], goal[1:], strict=True):
            face.points[:, :2] = frame
        return [moves[0], *self.board.show(self.box.faces[1:], 0.8)]

    def explain(self) -> list[Animate]:
        """Return the animations of the numbers at its edges, one by one, and of the cube."""
        c, h, w = self.box.shape
        (x0, y0), (x1, y1) = self.box.front
        back = self.box.depth_edge[1, 0]
        words = (format_count(h, "row"), format_count(w, "column"), format_count(c, "channel"))
        places = ((x0 - 0.2, (y0 + y1) / 2), ((x0 + x1) / 2, y0 - 0.35), (back + 0.2, y1))
        ink = self.theme.rgb("foreground")
        edges = [
            text_line(word, LABEL, ink, at=at, align=(align, 0))
            for word, at, align in zip(words, places, (1, 0, -1), strict=True)
        ]
        n = self.cube.shape[0]
        room = fit_cell([self.cube.shape], self.right.width - 1, self.right.height - 2, self.scale.depth)
        scale = BoxScale(min(self.scale.cell, room), self.scale.depth)
        bottom = self.right.center[1] - scale.extent(self.cube.shape)[[1, 3]].sum() / 2
        self.cube.place(scale.faces(self.cube.shape, self.right.center[0], bottom))
        at = self.right.center[0], bottom - 0.4
        words_ = text_line(f"scale: a box of {n} × {n} × {n} numbers", LABEL, self.theme.rgb("muted"), at=at)
        self.labels = [*edges, words_]
        shown = [fade_in([edge], 0.4 * k) for k, edge in enumerate(edges)]
        return [a for part in shown for a in part] + [*self.board.show(self.cube.faces, 1.2), *fade_in([words_], 1.2)]

    def leave(self) -> list[Animate]:
        """Return the animations in which all numbers leave."""
        return fade_out(self.labels)

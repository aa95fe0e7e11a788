"""Bars of a board end to end, as shares."""

import numpy as np

from netcore.core.formatting import format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.components.data_board import DataBoard
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.board import stick_corners

GREYS = (0.62, 0.38)  # of the pieces beside the largest, in turn
TEXT = 0.28  # height of the percentages above the ground of the bars


class SharePieces:
    """The bars of parameters of a board, end to end, their shares below them.

    Parameters
    ----------
    board : DataBoard
        All of its columns are shown, with one row of bars.
    """

    def __init__(self, board: DataBoard) -> None:
        self.board, theme = board, board.theme
        zones = board.places.bars[0][1:]
        counts = np.array([column.counts[0] for column in board.columns[1:]])
        self.shares = counts / counts.sum()
        left, right = board.places.boxes[1].left + 0.2, board.layout.body.right - 0.2
        box = Area(left, zones[0].center[1] + 0.2, right, zones[0].top)
        self.pieces = stick_corners(box, self.shares)
        shades = np.resize(GREYS, len(counts))
        shades[int(counts.argmax())] = 1.0
        self.fills = [[*theme.activation_colors(shade), 1.0] for shade in shades]
        ink, muted = theme.rgb("foreground"), [*theme.rgb("muted"), 1.0]
        self.texts = [
            text_line(format_percent(s) if s else "0", LABEL, ink, at=(area.center[0], area.bottom + TEXT))
            for s, area in zip(self.shares.tolist(), zones, strict=True)
        ]
        starts = np.column_stack([self.pieces[:, :, 0].mean(1), self.pieces[:, 0, 1]])
        ends = np.array([(area.center[0], area.bottom + TEXT + 0.22) for area in zones])
        self.leaders = Edges(starts[counts > 0], ends[counts > 0], muted, 1.5)

    def join(self) -> list[Animate]:
        """Return the animations in which the bars slide end to end."""
        board, out = self.board, []
        for column, corners, fill in zip(board.columns[1:], self.pieces, self.fills, strict=True):
            out.append(Animate(column.bars[0], points=corners, fill=[fill], run_time=1.0))
        numbers = [column.numbers[0] for column in board.columns[1:]]
        return [*out, *board.hide([*numbers, *board.axes[0][1:]]), *fade_in([*self.texts, self.leaders], 0.8)]

    def part(self) -> list[Animate]:
        """Return the animations in which the pieces become bars again."""
        board, out = self.board, fade_out([*self.texts, self.leaders])
        ink = [*board.theme.rgb("foreground"), 1.0]
        for k, column in enumerate(board.columns[1:], 1):
            out.append(Animate(column.bars[0], points=board.bar_corners(k, 0), fill=[ink], run_time=0.8))
        numbers = [column.numbers[0] for column in board.columns[1:]]
        return [*out, *board.show([*numbers, *board.axes[0][1:]], 0.5)]

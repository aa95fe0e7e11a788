"""Probabilities of classes and their differences to the targets."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import format_decimal, format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, ArrayMobject
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

NAME_SHARE = 0.4  # of the width, for the names of classes, at most
GAP = 0.14
DIGITS = 3  # of the largest delta
RISE = 0.36  # of the numbers at the ends of the axis, above the first row
TICK, AXIS_ROOM = 0.04, 0.22  # of a number, inside the axis; of the gaps beside a title between them


class WishBars:
    """A row for each class: name, probability as a bar from 0 to 1, number.

    Parameters
    ----------
    theme : Theme
    area : Area
        Its left and right are used.
    ys : array_like, shape (N,)
        Heights of the rows.
    names : sequence of str
    probabilities : array_like, shape (N,)
    target : int
        Row of the true class.
    rest : (int, float, float), optional
        Number, height and sum of the probabilities of the classes that have no row.

    Attributes
    ----------
    bars, pieces : Rectangles
        Probabilities; differences to the targets, in the colour of the direction in which the output should change.
    deltas : list of str
        Probability − target as printed, the rest last: each rounded for itself, that it agrees with its probability.
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        ys: ArrayLike,
        names: Sequence[str],
        probabilities: ArrayLike,
        target: int,
        rest: tuple[int, float, float] | None = None,
    ) -> None:
        self.theme, self.ys, self.target, self.rest = theme, np.asarray(ys, float), target, rest
        self.p = np.asarray(probabilities, float)
        short = [ellipsize_line(name, NAME_SHARE * area.width, NUMBER) for name in names]
        left = area.left + max(line_width(name, NUMBER) for name in short)
        ink = theme.rgb("foreground")
        self.names = [
            text_line(n, NUMBER, ink, at=(left, y), align=(1, 0)) for n, y in zip(short, self.ys, strict=True)
        ]
        wish = self.p - (np.arange(len(self.p)) == target)
        self.wish = wish
        terms = [*wish, *([rest[2]] if rest else [])]
        self.deltas = print_deltas(terms)
        room = max(line_width(t, NUMBER) for t in [*self.deltas, "> 99.9 %"])
        self.track, self.right = Area(left + GAP, area.bottom, area.right - room - GAP, area.top), area.right
        pitch = float(np.abs(np.diff(self.ys)).min()) if len(self.ys) > 1 else 0.6
        self.half = min(0.15, 0.32 * pitch)
        muted = [*theme.rgb("muted"), 1.0]
        self.bars = Rectangles(self.corners(0.0, self.p), fill=muted)
        ends = np.where(np.arange(len(self.p)) == target, 1.0, 0.0)
        roles = np.where(wish[:, None] < 0, theme.rgb("positive"), theme.rgb("negative"))
        self.pieces = Rectangles(self.corners(self.p, ends), fill=np.column_stack([roles, np.ones(len(self.p))]))
        self.numbers = self._numbers([format_percent(p) for p in self.p], [ink] * len(self.p))
        self.rest_line = self._rest(format_percent(rest[2])) if rest else []
        y = float(self.ys.max()) + RISE
        self.wishes_shown = False
        self.axis = [
            text_line("0", LABEL, theme.rgb("muted"), at=(self.track.left + TICK, y), align=(1, 0)),
            text_line("1", LABEL, theme.rgb("muted"), at=(self.track.right - TICK, y), align=(-1, 0)),
        ]
        title = text_line("probability", LABEL, theme.rgb("muted"), at=((self.track.left + self.track.right) / 2, y))
        if title.width + AXIS_ROOM < self.track.width:
            self.axis.append(title)
        self.head = text_line("delta", LABEL, theme.rgb("muted"), at=(self.right, y), align=(1, 0))

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """What is shown now."""
        pieces = [self.pieces, self.head] if self.wishes_shown else []
        return [*self.names, self.bars, *pieces, *self.numbers, *self.rest_line, *self.axis]

    def corners(self, start: ArrayLike, end: ArrayLike) -> NDArray[np.float64]:
        """Return rectangles (N, 2, 2) between two values of each row."""
        a, b = np.broadcast_arrays(np.asarray(start, float), np.asarray(end, float), self.ys)[:2]
        low, high = (self.track.left + f(a, b) * self.track.width for f in (np.minimum, np.maximum))
        return np.stack([np.column_stack([low, self.ys - self.half]), np.column_stack([high, self.ys + self.half])], 1)

    def grow(self, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which names, bars and numbers appear."""
        bars = Animate(self.bars, start={"points": self.corners(0.0, np.zeros(len(self.p))).reshape(-1, 2)},
                       points=self.bars.points.copy(), run_time=0.8, delay=delay)  # fmt: skip
        return [
            *fade_in([*self.names, *self.axis], delay),
            bars,
            *fade_in([*self.numbers, *self.rest_line], delay + 0.5),
        ]

    def show_wishes(self) -> list[Animate]:
        """Return the animations in which each bar's difference to its target appears, and becomes its number."""
        start = self.corners(self.p, self.p).reshape(-1, 2)
        grow = Animate(self.pieces, start={"points": start}, points=self.pieces.points.copy(), run_time=0.8)
        old, old_rest = self.numbers, self.rest_line
        self.wishes_shown = True
        self.numbers = self._numbers(self.deltas[: len(self.p)], self.pieces.fill[:, :3])
        self.rest_line = self._rest(self.deltas[-1]) if self.rest else []
        return [grow, *fade_out([*old, *old_rest], 0.5), *fade_in([self.head, *self.numbers, *self.rest_line], 0.8)]

    def change(self, probabilities: ArrayLike, rest: float = 0.0) -> list[Animate]:
        """Return the animations in which the bars go to other probabilities, and the differences leave.

        The numbers get the colour of the direction.
        """
        before, self.p, self.wishes_shown = self.p, np.asarray(probabilities, float), False
        old, old_rest = self.numbers, self.rest_line
        rose = self.p > before
        colors = np.where(rose[:, None], self.theme.rgb("positive"), self.theme.rgb("negative"))
        self.numbers = self._numbers([format_percent(p) for p in self.p], colors)
        self.rest_line = self._rest(format_percent(max(rest, 0.0))) if self.rest else []
        goal = self.corners(0.0, self.p).reshape(-1, 2)
        return [
            *fade_out([self.pieces, self.head, *old, *old_rest]),
            Animate(self.bars, points=goal, run_time=0.8, delay=0.3),
            *fade_in([*self.numbers, *self.rest_line], 0.9),
        ]

    def recall_wishes(self) -> None:
        """Set everything as `show_wishes` left it, while none of it is on the stage."""
        p = self.wish + (np.arange(len(self.wish)) == self.target)
        self.p, self.wishes_shown = p, True
        self.bars = Rectangles(self.corners(0.0, p), fill=[*self.theme.rgb("muted"), 1.0])
        self.numbers = self._numbers(self.deltas[: len(p)], self.pieces.fill[:, :3])
        self.rest_line = self._rest(self.deltas[-1]) if self.rest else []

    def place(self, row: int) -> tuple[float, float]:
        """Return the middle of a row's number."""
        x0, y0, x1, y1 = self.numbers[row].bounding_box()
        return float(x0 + x1) / 2, float(y0 + y1) / 2

    def _numbers(self, texts: Sequence[str], colors: ArrayLike) -> list[TextLine]:
        rows = zip(texts, self.ys.tolist(), np.asarray(colors), strict=True)
        return [text_line(t, NUMBER, rgb, at=(self.right, y), align=(1, 0)) for t, y, rgb in rows]

    def _rest(self, text: str) -> list[TextLine]:
        assert self.rest is not None
        line = f"{self.rest[0]:,} more: {text}"
        return [text_line(line, LABEL, self.theme.rgb("muted"), at=(self.right, self.rest[1]), align=(1, 0))]


def print_deltas(values: Sequence[float]) -> list[str]:
    """Format deltas with the decimals that give the largest one three digits.

    Examples
    --------
    >>> print_deltas([0.0154, -0.759, 0.7435])
    ['0.015', '−0.759', '0.744']
    """
    largest = max(abs(v) for v in values)
    decimals = DIGITS - 1 - math.floor(math.log10(largest)) if largest else DIGITS
    return [format_decimal(round(v * 10**decimals), decimals) for v in values]

"""Probabilities of classes and their differences to the targets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import format_decimal, format_percent, format_terms
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
        Probability − target as printed, the rest last; they add up to `total`.
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
        self.deltas, self.total = print_deltas(terms, target)
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
            text_line(text, LABEL, theme.rgb("muted"), at=(self.track.left + x * self.track.width, y))
            for text, x in (("0", 0.0), ("1", 1.0))
        ]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """What is shown now."""
        pieces = [self.pieces] if self.wishes_shown else []
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
        return [grow, *fade_out([*old, *old_rest], 0.5), *fade_in([*self.numbers, *self.rest_line], 0.8)]

    def change(self, probabilities: ArrayLike, rest: float = 0.0) -> list[Animate]:
        """Return the animations in which the bars go to other probabilities, and the differences leave."""
        before, self.p, self.wishes_shown = self.p, np.asarray(probabilities, float), False
        old, old_rest = self.numbers, self.rest_line
        rose = self.p > before
        self.numbers = self._numbers([format_percent(p) for p in self.p], [self.theme.rgb("foreground")] * len(self.p))
        self.rest_line = self._rest(format_percent(max(rest, 0.0))) if self.rest else []
        fill = self.bars.fill.copy()
        fill[:, :3] = np.where(rose[:, None], self.theme.rgb("positive"), self.theme.rgb("negative"))
        goal = self.corners(0.0, self.p).reshape(-1, 2)
        return [
            *fade_out([self.pieces, *old, *old_rest]),
            Animate(self.bars, points=goal, fill=fill, run_time=0.8, delay=0.3),
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


def print_deltas(values: Sequence[float], target: int) -> tuple[list[str], str]:
    """Format deltas so that they add up as printed, that of the true class in any case rounded as usual."""
    texts, total = format_terms(values, DIGITS, extra=1)
    decimals = len(total.partition(".")[2])
    scaled = np.asarray(values, float) * 10**decimals
    units = [round(float(text.replace("−", "-").replace(",", "")) * 10**decimals) for text in texts]
    moved = units[target] - round(scaled[target])
    if moved:  # another one, whose rounding suits best, takes the difference
        others = [k for k in range(len(units)) if k != target]
        taker = max(others, key=lambda k: (scaled[k] - units[k]) * moved)
        units[target] -= moved
        units[taker] += moved
    return [format_decimal(unit, decimals) for unit in units], total

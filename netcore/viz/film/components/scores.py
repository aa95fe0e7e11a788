"""Scores of classes as signed bars, which become shares of 100 %."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, ArrayMobject
from netcore.viz.film.components.pictures import minus
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

NAME_SHARE = 0.4  # of the width, for the names of classes, at most
GAP = 0.14
HEADING_RISE = 0.42  # above the first row
HIDDEN = {"opacity": 0.0}


class ScoreBars:
    """A row for each class: its name, a bar, a number.

    Parameters
    ----------
    theme : Theme
    area : Area
        Its left and right are used.
    ys : array_like, shape (N,)
        Heights of the rows.
    names : sequence of str
    scores : array_like, shape (N,)
        What the softmax receives.
    shares : array_like, shape (N,)
        Probabilities.

    Attributes
    ----------
    names, score_texts, power_texts, share_texts : list of TextLine
        The powers of the scores: empty until `turn_to_powers`.
    bars : Rectangles
        One a class.
    """

    def __init__(
        self, theme: Theme, area: Area, ys: ArrayLike, names: Sequence[str], scores: ArrayLike, shares: ArrayLike
    ) -> None:
        self.theme, self.ys = theme, np.asarray(ys, dtype=float)
        self.scores, self.shares = np.asarray(scores, dtype=float), np.asarray(shares, dtype=float)
        ink = theme.rgb("foreground")
        short = [ellipsize_line(name, NAME_SHARE * area.width, NUMBER) for name in names]
        left = area.left + max(line_width(name, NUMBER) for name in short)
        self.names = [
            text_line(name, NUMBER, ink, at=(left, y), align=(1, 0)) for name, y in zip(short, self.ys, strict=True)
        ]
        texts = [minus(f"{score:.2f}") for score in self.scores], [format_percent(p) for p in self.shares]
        room = max(line_width(text, NUMBER) for side in texts for text in side)
        self._right = area.right
        self.track = Area(left + GAP, area.bottom, area.right - room - GAP, area.top)
        self.score_texts, self.share_texts = (
            [text_line(t, NUMBER, ink, at=(area.right, y), align=(1, 0)) for t, y in zip(side, self.ys, strict=True)]
            for side in texts
        )
        self.power_texts: list[TextLine] = []
        self.heading: list[TextLine] = []
        pitch = float(np.abs(np.diff(self.ys)).min()) if len(self.ys) > 1 else 0.6
        self._half = min(0.15, 0.32 * pitch)
        self._low, high = min(0.0, self.scores.min()), max(0.0, self.scores.max())
        self._span = max(high - self._low, 1e-9)
        x = float(self._score_x(0.0))
        roles = np.where(self.scores[:, None] < 0, theme.rgb("negative"), theme.rgb("positive"))
        self.bars = Rectangles(
            self._corners(x, np.full(len(self.ys), x)), fill=np.column_stack([roles, np.ones(len(self.ys))])
        )
        ends = float(self.ys.max() + 2 * self._half), float(self.ys.min() - 2 * self._half)
        self.zero = Edges([(x, ends[0])], [(x, ends[1])], [*theme.rgb("muted"), 1.0], 1.5)

    def _score_x(self, score: ArrayLike) -> NDArray[np.float64]:
        share = (np.asarray(score, dtype=float) - self._low) / self._span
        return self.track.left + share * self.track.width

    def _corners(self, start: ArrayLike, end: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b = np.broadcast_to(np.asarray(start, dtype=float), end.shape), end
        low = np.column_stack([np.minimum(a, b), self.ys - self._half])
        return np.stack([low, np.column_stack([np.maximum(a, b), self.ys + self._half])], axis=1)

    def head(self, words: str, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which other words take the place of those above the numbers; none for ``""``."""
        gone = [Animate(m, opacity=0.0, run_time=0.3, delay=delay, remover=True) for m in self.heading]
        at = (self._right, float(self.ys.max()) + HEADING_RISE)
        muted = self.theme.rgb("muted")
        self.heading = [text_line(words, LABEL, muted, at=at, align=(1, 0))] if words else []
        start = delay + (0.3 if gone else 0.0)
        return [*gone, *(Animate(m, start=HIDDEN, opacity=1.0, run_time=0.3, delay=start) for m in self.heading)]

    def show_names(self, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which the names appear."""
        return [Animate(m, start=HIDDEN, opacity=1.0, run_time=0.3, delay=delay) for m in self.names]

    def show_scores(self, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which the scores grow from their zero line."""
        goal = self._corners(self._score_x(0.0), self._score_x(self.scores))
        return [
            Animate(self.zero, start=HIDDEN, opacity=1.0, run_time=0.3, delay=delay),
            Animate(self.bars, points=goal, run_time=0.8, delay=delay),
            *(Animate(m, start=HIDDEN, opacity=1.0, run_time=0.3, delay=delay + 0.5) for m in self.score_texts),
            *self.head("score", delay + 0.5),
        ]

    def turn_to_powers(self, texts: Sequence[str], delay: float = 0.0) -> list[Animate]:
        """Return the animations in which the scores become e to each of them; the bars have the shares' lengths."""
        ink, right = self.theme.rgb("foreground"), self.score_texts[0].bounding_box()[2]
        self.power_texts = [
            text_line(t, NUMBER, ink, at=(right, y), align=(1, 0)) for t, y in zip(texts, self.ys, strict=True)
        ]
        return [*self._turn(self.score_texts, self.power_texts, delay), *self.head("e to the score", delay)]

    def turn_to_shares(self, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which scores, or their powers, become shares of the full width."""
        return [*self._turn(self.power_texts or self.score_texts, self.share_texts, delay), *self.head("", delay)]

    def _turn(self, old: Sequence[TextLine], new: Sequence[TextLine], delay: float) -> list[Animate]:
        width = self.track.width
        goal = self._corners(self.track.left, self.track.left + self.shares * width)
        ink = np.tile([*self.theme.rgb("muted"), 1.0], (len(self.ys), 1))
        left = np.tile([self.track.left, 0.0], 2).reshape(2, 2)
        points = np.column_stack([left[:, 0], self.zero.points[:, 1]])
        return [
            *(Animate(m, opacity=0.0, run_time=0.3, delay=delay, remover=True) for m in old),
            Animate(self.zero, points=points, run_time=0.8, delay=delay),
            Animate(self.bars, points=goal, fill=ink, run_time=0.8, delay=delay),
            *(Animate(m, start=HIDDEN, opacity=1.0, run_time=0.3, delay=delay + 0.6) for m in new),
        ]

    def color_row(self, row: int, role: str) -> list[Animate]:
        """Return the animations that give the name, bar and number of a row the colour of a role."""
        rgb, fill = self.theme.rgb(role), self.bars.fill.copy()
        fill[row, :3] = rgb
        texts = [self.names[row], self.share_texts[row]]
        return [Animate(self.bars, fill=fill, run_time=0.3), *(Animate(m, rgb=rgb, run_time=0.3) for m in texts)]

    def everything(self) -> list[ArrayMobject]:
        """Return all that is shown at the end."""
        return [*self.names, self.zero, self.bars, *self.share_texts]

    def score_place(self, row: int) -> tuple[float, float]:
        """Return the middle of a row's number."""
        box = self.score_texts[row].bounding_box()
        return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2

    def lines(self) -> list[TextLine]:
        """Return all of its text."""
        return [*self.names, *self.score_texts, *self.power_texts, *self.share_texts, *self.heading]

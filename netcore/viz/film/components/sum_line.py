"""The line of a formula and of its numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, SUM_LINE
from netcore.viz.film.text import TextLine, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

Term = str | tuple[str, str]  # a text, or a text and the role of its colour
FADE_SECONDS, TRAVEL_SECONDS = 0.3, 0.8


class SumLine:
    """Terms side by side in the middle of a box; in two rows where one is too long.

    Parameters
    ----------
    theme : Theme
    box : Area
        Place of the line, see `Film.sum_line_box`.

    Attributes
    ----------
    lines : list of TextLine
        The terms that are shown, in order.
    """

    def __init__(self, theme: Theme, box: Area) -> None:
        self.theme, self.box = theme, box
        self.lines: list[TextLine] = []

    @property
    def text(self) -> str:
        """All terms, joined by spaces."""
        return " ".join(line.text for line in self.lines)

    def change(
        self,
        *terms: Term,
        origins: Mapping[int, Sequence[float]] | None = None,
        run_time: float = FADE_SECONDS,
        delay: float = 0.0,
    ) -> list[Animate]:
        """Return the animations that replace the line; without terms it is cleared.

        Parameters
        ----------
        *terms
            Texts, or pairs of a text and a role of the theme.
        origins : mapping of int to point, optional
            Where terms come from, by index: they travel from there into the line, in 0.8 s.
        run_time, delay : float
            In seconds.
        """
        gone = [Animate(m, opacity=0.0, run_time=run_time, delay=delay, remover=True) for m in self.lines]
        start = delay + (run_time if gone else 0.0)
        self.lines = self.place(terms)
        out = list(gone)
        for k, line in enumerate(self.lines):
            if origins and k in origins:
                x, y = origins[k][:2]
                goal = line.points.copy()
                line.move_to(np.array([x, y, 0.0]))
                out.append(
                    Animate(
                        line, start={"opacity": 0.0}, opacity=1.0, points=goal, run_time=TRAVEL_SECONDS, delay=start
                    )
                )
            else:
                out.append(Animate(line, start={"opacity": 0.0}, opacity=1.0, run_time=run_time, delay=start))
        return out

    def place(self, terms: Sequence[Term]) -> list[TextLine]:
        """Set terms in the middle of the box, as large as fits."""
        pairs = [(term, "foreground") if isinstance(term, str) else term for term in terms]
        for size in (SUM_LINE, (SUM_LINE + LABEL) / 2, LABEL):
            if self._width(pairs, size) <= self.box.width:
                return self._row(pairs, size, self.box.center[1])
        cut = min(
            range(1, len(pairs)) if len(pairs) > 1 else [1],
            key=lambda k: max(self._width(pairs[:k], LABEL), self._width(pairs[k:], LABEL)),
        )
        step = self.box.height / 3.4
        y = self.box.center[1]
        return self._row(pairs[:cut], LABEL, y + step) + self._row(pairs[cut:], LABEL, y - step)

    def _width(self, pairs: Sequence[tuple[str, str]], size: float) -> float:
        return sum(line_width(text, size) for text, _ in pairs) + line_width(" ", size) * max(0, len(pairs) - 1)

    def _row(self, pairs: Sequence[tuple[str, str]], size: float, y: float) -> list[TextLine]:
        x = self.box.center[0] - self._width(pairs, size) / 2
        out = []
        for text, role in pairs:
            out.append(text_line(text, size, self.theme.rgb(role), at=(x, y), align=(-1, 0)))
            x += line_width(text, size) + line_width(" ", size)
        return out

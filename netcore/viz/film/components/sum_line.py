"""The line of a formula and of its numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, SUM_LINE
from netcore.viz.film.text import TextLine, formula, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

Term = str | tuple[str, str]  # a text, or a text and the role of its colour
BREAK = "\n"  # a term that begins the second row
FADE_SECONDS, TRAVEL_SECONDS = 0.3, 0.8


def write_sum(texts: Sequence[str], total: str, roles: Sequence[str] = (), labels: Sequence[str] = ()) -> list[Term]:
    """Write numbers as the terms of a sum, for a `SumLine`.

    Parameters
    ----------
    texts : sequence of str
        Numbers, see `netcore.core.formatting.format_sum`.
    total : str
    roles : sequence of str, optional
        Roles of their colours; default: by sign.
    labels : sequence of str, optional
        Words before the numbers, ``""`` for none.

    Examples
    --------
    >>> write_sum(["7.76", "−4.05"], "3.71", ["positive", "negative"])
    [('7.76', 'positive'), ('− 4.05', 'negative'), '= 3.71']
    """
    out: list[Term] = []
    for k, text in enumerate(texts):
        negative, label = text.startswith("−"), labels[k] if labels else ""
        role = roles[k] if roles else "negative" if negative else "positive"
        if label:
            word = f"{label} {text}"
            out.append((f"+ {word}" if k else word, role))
        elif k:
            out.append((f"− {text[1:]}" if negative else f"+ {text}", role))
        else:
            out.append((text, role))
    return [*out, f"= {total}"]


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
            Texts, or pairs of a text and a role of the theme; `BREAK` between two rows.
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

    def extend(self, *terms: Term, delay: float = 0.0) -> list[Animate]:
        """Return the animations that add terms at the end of the line."""
        if not terms:
            return []
        shown = [(line.text, line.rgb) for line in self.lines]
        pairs: list[Term] = [*(text for text, _ in shown), *terms]
        new, old = self.place(pairs), self.lines
        out = []
        for line, before in zip(new, old, strict=False):
            line.rgb = before.rgb
            out.append(Animate(line, start={"points": before.points}, points=line.points.copy(), run_time=FADE_SECONDS))
        gone = [Animate(m, opacity=0.0, run_time=0.04, remover=True) for m in old]
        fresh = [
            Animate(line, start={"opacity": 0.0}, opacity=1.0, run_time=FADE_SECONDS, delay=delay + FADE_SECONDS)
            for line in new[len(old) :]
        ]
        self.lines = new
        return [*gone, *out, *fresh]

    def show_formula(self, typst: str, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which a formula replaces the line."""
        gone = [Animate(m, opacity=0.0, run_time=FADE_SECONDS, delay=delay, remover=True) for m in self.lines]
        line = formula(typst, SUM_LINE, self.theme.rgb("foreground"))
        factor = min(1.0, self.box.height / line.height, self.box.width / line.width)
        line = formula(typst, SUM_LINE * factor, self.theme.rgb("foreground"), at=self.box.center)
        self.lines = [line]
        start = delay + (FADE_SECONDS if gone else 0.0)
        return [*gone, Animate(line, start={"opacity": 0.0}, opacity=1.0, run_time=FADE_SECONDS, delay=start)]

    def place(self, terms: Sequence[Term]) -> list[TextLine]:
        """Set terms in the middle of the box, as large as fits."""
        pairs = [(term, "foreground") if isinstance(term, str) else term for term in terms]
        step, y = self.box.height / 3.4, self.box.center[1]
        texts = [text for text, _ in pairs]
        if BREAK in texts:
            at = texts.index(BREAK)
            rows = pairs[:at], pairs[at + 1 :]
            if max(self._width(row, LABEL) for row in rows) <= self.box.width:
                return self._row(rows[0], LABEL, y + step) + self._row(rows[1], LABEL, y - step)
            pairs = rows[0] + rows[1]
        for size in (SUM_LINE, (SUM_LINE + LABEL) / 2, LABEL):
            if self._width(pairs, size) <= self.box.width:
                return self._row(pairs, size, self.box.center[1])
        cut = min(
            range(1, len(pairs)) if len(pairs) > 1 else [1],
            key=lambda k: max(self._width(pairs[:k], LABEL), self._width(pairs[k:], LABEL)),
        )
        below = [(text.lstrip() if k == 0 else text, role) for k, (text, role) in enumerate(pairs[cut:])]
        return self._row(pairs[:cut], LABEL, y + step) + self._row(below, LABEL, y - step)

    def _width(self, pairs: Sequence[tuple[str, str]], size: float) -> float:
        return sum(line_width(text, size) for text, _ in pairs) + line_width(" ", size) * max(0, len(pairs) - 1)

    def _row(self, pairs: Sequence[tuple[str, str]], size: float, y: float) -> list[TextLine]:
        x = self.box.center[0] - self._width(pairs, size) / 2
        out = []
        for text, role in pairs:
            out.append(text_line(text, size, self.theme.rgb(role), at=(x, y), align=(-1, 0)))
            x += line_width(text, size) + line_width(" ", size)
        return out

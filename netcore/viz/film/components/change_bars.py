"""How much layers change, as bars."""

from collections.abc import Sequence

import numpy as np

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.components.pooling_wording import percent
from netcore.viz.film.mobjects import BarMobject
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

GAP, NAME_SHARE, ROW = 0.2, 0.4, 0.62  # beside a bar; of the width for names; height of a row at most


class ChangeBars:
    """Bars one below another, names at the left, percentages at the right; the full bar is the largest, or 100 %.

    Parameters
    ----------
    theme : Theme
    area : Area
    rows : sequence of (str, float)
        Name and share of each.
    marked : sequence of str
        Names in ink and bold; others are muted.
    title : str
        Above the bars.
    """

    def __init__(
        self, theme: Theme, area: Area, rows: Sequence[tuple[str, float]], marked: Sequence[str], title: str
    ) -> None:
        shares = np.array([share for _, share in rows])
        self.shares, texts = shares, [percent(float(share)) for share in shares]
        names = [ellipsize_line(name, NAME_SHARE * area.width, LABEL, bold=True) for name, _ in rows]
        left = area.left + max(line_width(name, LABEL, bold=True) for name in names) + GAP
        right = area.right - max(line_width(text, NUMBER) for text in texts) - GAP
        tall = min(area.height, ROW * (len(rows) + 1))
        top = area.center[1] + tall / 2
        head, *cells = Area(left, top - tall, right, top).rows([1] * (len(rows) + 1))
        bars = np.concatenate([cell.part(0, 0.2, 1, 0.8).corners for cell in cells])
        fractions = shares / max(1.0, float(shares.max(initial=0.0)))
        self.bars = BarMobject(bars, fractions, theme.rgb("foreground"), theme.rgb("faint"))
        ink, muted = theme.rgb("foreground"), theme.rgb("muted")
        self.texts: list[ArrayMobject] = [
            text_line(name, LABEL, ink if row[0] in marked else muted, bold=row[0] in marked,
                      at=(left - GAP, cell.center[1]), align=(1, 0))
            for name, row, cell in zip(names, rows, cells, strict=True)
        ]  # fmt: skip
        self.texts += [
            text_line(text, NUMBER, ink, at=(right + GAP, cell.center[1]), align=(-1, 0))
            for text, cell in zip(texts, cells, strict=True)
        ]
        title = ellipsize_line(title, area.width, LABEL)
        self.texts.append(text_line(title, LABEL, muted, at=(area.center[0], head.center[1])))

    def grow(self, delay: float = 0.0) -> list[Animate]:
        """Let the texts appear and the bars grow."""
        start = {"values": np.zeros(len(self.bars.values))}
        grown = Animate(self.bars, start=start, values=self.bars.values.copy(), run_time=1.2, delay=delay)
        return [*fade_in(self.texts, delay), grown]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Bars and texts."""
        return [self.bars, *self.texts]

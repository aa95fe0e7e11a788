"""Horizontal bars of shares with names and percentages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.core.formatting import format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.mobjects import BarMobject
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

GAP = 0.2  # between a bar and its texts


class LabelledBars:
    """Bars one below another, names at the left, percentages at the right.

    Parameters
    ----------
    theme : Theme
    area : Area
        Of names, bars and percentages.
    names : sequence of str
    shares : sequence of float
        In [0, 1].

    Attributes
    ----------
    bars : BarMobject
        Its `values` are the shares.
    """

    def __init__(self, theme: Theme, area: Area, names: Sequence[str], shares: Sequence[float]) -> None:
        self.shares: NDArray[np.float64] = np.asarray(shares, float)
        self.percents = [format_percent(share) for share in shares]
        left = area.left + max(line_width(name, LABEL) for name in names) + GAP
        right = area.right - max(line_width(text, NUMBER) for text in self.percents) - GAP
        rows = Area(left, area.bottom, right, area.top).rows([1] * len(names), gap=0.3 * area.height / len(names))
        ink = theme.rgb("foreground")
        self.bars = BarMobject(np.concatenate([row.corners for row in rows]), shares, ink, theme.rgb("faint"))
        self.texts = [
            text_line(name, LABEL, ink, at=(left - GAP, row.center[1]), align=(1, 0))
            for name, row in zip(names, rows, strict=True)
        ]
        self.texts += [
            text_line(text, NUMBER, ink, at=(right + GAP, row.center[1]), align=(-1, 0))
            for text, row in zip(self.percents, rows, strict=True)
        ]

    def grow(self, delay: float = 0.0) -> list[Animate]:
        """Return the animations that show the texts and let the bars grow."""
        start = {"values": np.zeros(len(self.shares))}
        return [
            *fade_in(self.texts, delay),
            Animate(self.bars, start=start, values=self.shares, run_time=1.0, delay=delay),
        ]

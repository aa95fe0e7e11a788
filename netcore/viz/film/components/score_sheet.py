"""A sheet with one line per class: score, power, share."""

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.hand_softmax import hand_softmax
from netcore.analysis.units import top_k
from netcore.core.formatting import format_percent
from netcore.core.trace import Trace
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.number_table import NumberTable
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

LARGEST_TERMS = 3  # of the sum of powers that are written


class ScoreSheet:
    """Columns of the sheet; classes that have no line share the last one.

    Parameters
    ----------
    theme : Theme
    area : Area
    trace : Trace
    scores : ndarray, shape (K,)
    limit : int
        Lines, at most.

    Attributes
    ----------
    columns : list of list of ArrayMobject
        Class, score, power, share, PyTorch's share, each with a yellow outline at the answer.
    shares : ndarray, shape (K,)
        Softmax of the scores, computed here.
    hand : HandSoftmax
        The printed numbers.
    """

    def __init__(self, theme: Theme, area: Area, trace: Trace, scores: NDArray[np.float64], limit: int) -> None:
        keep = [k for k in (trace.prediction, trace.label) if k is not None]
        lines = limit if len(scores) <= limit else max(limit - 1, len(keep))
        self.index = top_k(trace.probabilities, lines, keep)
        self.rest = np.setdiff1d(np.arange(len(scores)), self.index)
        self.row = self.index.tolist().index(trace.prediction)
        self.hand = hand_softmax(scores, self.index)
        powers = np.exp(scores - scores.max())
        self.shares = powers / powers.sum()
        self.percents = self._percents(self.shares)
        self.torch_percents = self._percents(trace.probabilities)
        more = bool(len(self.rest))
        names = [ellipsize_line(trace.classes[k], 2.4, LABEL) for k in self.index]
        texts = [
            [*names, *[f"{len(self.rest):,} more"] * more],
            [*self.hand.scores, *[""] * more],
            self.hand.powers,
            self.percents,
            self.torch_percents,
        ]
        heads = ["class", "score z", "e to (z − largest)" if self.hand.shift else "e to the z", "share", "PyTorch"]
        areas = area.columns([0.9, 1, 1.2, 1, 1], gap=0.3)
        tables = [NumberTable(theme, a, h, t, 1) for a, h, t in zip(areas, heads, texts, strict=True)]
        line = [*theme.rgb("emphasis"), 1.0]
        self.columns: list[list[ArrayMobject]] = [
            [*table.mobjects, Rectangles(table.cells[self.row].corners, line=line, width=2)] for table in tables
        ]

    @property
    def power_line(self) -> str:
        """The answer's power and its score."""
        return self.hand.power(self.row)

    @property
    def sum_line(self) -> str:
        """The sum of the powers: the largest ones, all others as one, and the total."""
        top, rest = self.hand.terms(LARGEST_TERMS)
        more = f" + {len(self.shares) - len(top):,} more: {rest}" if rest else ""
        return f"{' + '.join(top)}{more} = {self.hand.total}"

    def _percents(self, shares: NDArray[np.floating]) -> list[str]:
        """Printed shares; none is 0 or 1, even where floating-point numbers are."""
        ends = np.finfo(float).tiny, 1 - np.finfo(float).eps
        return [format_percent(float(share)) for share in np.clip(self._grouped(shares), *ends)]

    def _grouped(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        rest = [values[self.rest].sum()] if len(self.rest) else []
        return np.append(np.asarray(values, np.float64)[self.index], rest)

"""A sheet with one line per class: score, power, share."""

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.hand_computation import add_texts
from netcore.analysis.units import top_k
from netcore.core.formatting import format_percent, format_terms
from netcore.core.trace import Trace
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.number_table import NumberTable
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

LARGEST_SCORE = 13.0  # the largest score is subtracted from all if it is larger
MAX_DECIMALS = 8  # of a score
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
    powers : list of str
        Their printed sum is `total`.
    """

    def __init__(self, theme: Theme, area: Area, trace: Trace, scores: NDArray[np.float64], limit: int) -> None:
        keep = [k for k in (trace.prediction, trace.label) if k is not None]
        lines = limit if len(scores) <= limit else max(limit - 1, len(keep))
        self.index = top_k(trace.probabilities, lines, keep)
        self.rest = np.setdiff1d(np.arange(len(scores)), self.index)
        self.row = self.index.tolist().index(trace.prediction)
        self.shift = float(scores.max()) if scores.max() > LARGEST_SCORE else 0.0
        self.scores = scores - self.shift
        powers = np.exp(self.scores)
        self.shares = powers / powers.sum()
        grouped = self._grouped(powers)
        self.powers, self.total = format_terms(grouped, 3 + max(0, int(np.log10(powers.max()))))
        self.order = np.argsort(-grouped, kind="stable")
        self.percents = self._percents(self.shares)
        self.torch_percents = self._percents(trace.probabilities)
        more = bool(len(self.rest))
        names = [ellipsize_line(trace.classes[k], 2.4, LABEL) for k in self.index]
        texts = [
            [*names, *[f"{len(self.rest):,} more"] * more],
            [*(f"{scores[k]:.3f}".replace("-", "−") for k in self.index), *[""] * more],
            self.powers,
            self.percents,
            self.torch_percents,
        ]
        heads = ["class", "score z", "e to (z − largest)" if self.shift else "e to the z", "share", "PyTorch"]
        areas = area.columns([0.9, 1, 1.2, 1, 1], gap=0.3)
        tables = [NumberTable(theme, a, h, t, 1) for a, h, t in zip(areas, heads, texts, strict=True)]
        line = [*theme.rgb("emphasis"), 1.0]
        self.columns: list[list[ArrayMobject]] = [
            [*table.mobjects, Rectangles(table.cells[self.row].corners, line=line, width=2)] for table in tables
        ]

    @property
    def power_line(self) -> str:
        """The answer's power, its score with as many digits as give it."""
        z, text = float(self.scores[self.index[self.row]]), self.powers[self.row]
        decimals = len(text.partition(".")[2])
        for d in range(3, MAX_DECIMALS):
            written = f"{z:.{d}f}"
            if f"{np.exp(float(written)):,.{decimals}f}" == text:
                break
        return f"e to the {written.replace('-', '−')} = {text}"

    @property
    def sum_line(self) -> str:
        """The sum of the powers: the largest ones, all others as one, and the total."""
        top = [self.powers[k] for k in self.order[:LARGEST_TERMS]]
        count = len(self.scores) - len(top)
        more = f" + {count:,} more: {add_texts([self.total, *('−' + t for t in top)])}" if count > 0 else ""
        return f"{' + '.join(top)}{more} = {self.total}"

    def _percents(self, shares: NDArray[np.floating]) -> list[str]:
        """Printed shares; none is 0 or 1, even where floating-point numbers are."""
        ends = np.finfo(float).tiny, 1 - np.finfo(float).eps
        return [format_percent(float(share)) for share in np.clip(self._grouped(shares), *ends)]

    def _grouped(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        rest = [values[self.rest].sum()] if len(self.rest) else []
        return np.append(np.asarray(values, np.float64)[self.index], rest)

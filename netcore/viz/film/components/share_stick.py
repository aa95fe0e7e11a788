"""A stick cut into the probabilities of classes."""

from collections.abc import Sequence
from typing import Any

import cairo
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from netcore.core.formatting import format_percent
from netcore.viz.colors import text_color_on
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

CUT = 2 * PIXEL  # between pieces
GREYS = 0.55, 0.35  # of the pieces after the first, in turn
MIN_NAMED = 0.35  # width of a piece that is named
TITLE = 0.3  # of its middle, above the uppermost row
TEMPERATURES = 0.5, 1.0, 2.0, 5.0


class ShareStick(ArrayMobject):
    """A horizontal stick of length 1, cut into the softmax of scores.

    Parameters
    ----------
    area : Area
    scores : array_like, shape (K,)
        Logits of all classes.
    groups : array_like of int, shape (K,)
        Piece of each class, from the left; several classes may share one.
    fill : array_like, shape (P, 3)
        Colours of the pieces.
    temperature : float
        That scores are divided by.
    **keys
        Of `ArrayMobject`.
    """

    def __init__(
        self,
        area: Area,
        scores: ArrayLike,
        groups: ArrayLike,
        fill: ArrayLike,
        temperature: float = 1.0,
        **keys: Any,
    ) -> None:
        super().__init__(area.corners[0], **keys)
        self.scores, self.groups = np.asarray(scores, float), np.asarray(groups, int)
        self.fill = np.asarray(fill, float)
        self.temperature = float(temperature)

    def shares(self) -> NDArray[np.float64]:
        """Return the lengths of the pieces (P,), which add up to 1."""
        p = softmax(self.scores / self.temperature)
        return np.bincount(self.groups, weights=p, minlength=len(self.fill)).astype(np.float64)

    def pieces(self) -> NDArray[np.float64]:
        """Return lower left and upper right corners (P, 2, 2) of the pieces."""
        (x0, y0), (x1, y1) = self.points[:, :2]
        ends = x0 + (x1 - x0) * np.concatenate([[0.0], np.cumsum(self.shares())])
        low = np.column_stack([ends[:-1], np.full(len(ends) - 1, y0)])
        high = np.column_stack([ends[1:], np.full(len(ends) - 1, y1)])
        return np.stack([low, high], axis=1)

    def draw(self, ctx: cairo.Context) -> None:
        """Fill the pieces, a cut between them where they are wide enough."""
        end = self.points[1, 0]
        for (low, high), rgb in zip(self.pieces(), self.fill, strict=True):
            width = high[0] - low[0]
            cut = CUT if width > 2 * CUT and high[0] < end - CUT else 0.0  # the stick ends where its last piece does
            ctx.rectangle(low[0], low[1], width - cut, high[1] - low[1])
            self.set_source(ctx, rgb)
            ctx.fill()


def stick_ruler(theme: Theme, stick: ShareStick, low: str, high: str) -> list[ArrayMobject]:
    """Draw a line under a stick with a number at each end."""
    (left, y, _), (right, _, _) = stick.points
    muted = theme.rgb("muted")
    line = Edges([(left, y - 0.15)], [(right, y - 0.15)], [*muted, 1.0], 1.5)
    sides = ((low, left, -1), (high, right, 1))
    return [line, *(text_line(text, NUMBER, muted, at=(x, y - 0.45), align=(a, 0)) for text, x, a in sides)]


def sorted_stick(
    theme: Theme, area: Area, scores: NDArray[np.float64], index: NDArray[np.int64]
) -> tuple[ShareStick, NDArray[np.int64]]:
    """Cut a stick by probability, largest first; classes that are not in `index` share the last piece.

    Returns
    -------
    stick : ShareStick
    places : ndarray of int, shape (P,)
        Piece of each class of `index`, then that of the rest.
    """
    order = np.argsort(-scores[index], kind="stable")
    groups = np.full(len(scores), len(index))
    groups[index[order]] = np.arange(len(index))
    pieces = len(index) + (len(index) < len(scores))
    fill = theme.activation_colors([1.0, *np.resize(GREYS, pieces - 1)])
    places = np.append(np.argsort(order), np.arange(len(index), pieces))
    return ShareStick(area, scores, groups, fill), places


def piece_names(theme: Theme, pieces: NDArray[np.float64], names: Sequence[str]) -> list[ArrayMobject]:
    """Write names over the pieces (P, 2, 2) that are wide enough for one."""
    out: list[ArrayMobject] = []
    for name, (low, high) in zip(names, pieces, strict=True):
        if high[0] - low[0] > MIN_NAMED:
            at = (low[0] + high[0]) / 2, high[1] + 0.3
            text = ellipsize_line(name, high[0] - low[0], NUMBER)
            out.append(text_line(text, NUMBER, theme.rgb("foreground"), at=at))
    return out


def others_name(theme: Theme, pieces: NDArray[np.float64], count: int) -> list[ArrayMobject]:
    """Say above a stick how many classes (of `count`) have pieces (P, 2, 2) too narrow for a name."""
    narrow = pieces[pieces[:, 1, 0] - pieces[:, 0, 0] <= MIN_NAMED]
    left = count - (len(pieces) - len(narrow))
    if not len(narrow):
        return []
    low, high = float(narrow[:, 0, 0].min()), float(narrow[:, 1, 0].max())
    muted, top = theme.rgb("muted"), float(narrow[0, 1, 1])
    text = "1 other" if left == 1 else f"{left:,} others"
    at = (high, top + 0.66)
    leader = Edges([((low + high) / 2, top + 0.05)], [((low + high) / 2, top + 0.5)], [*muted, 1.0], 1.5)
    return [leader, text_line(text, LABEL, muted, at=at, align=(1, 0))]


def inner_names(theme: Theme, stick: ShareStick, names: Sequence[str]) -> list[ArrayMobject]:
    """Write names of pieces, from the left, into those that are wide enough."""
    out: list[ArrayMobject] = []
    for name, (low, high), rgb in zip(names, stick.pieces(), stick.fill, strict=True):
        width = float(high[0] - low[0]) - 0.05
        text = ellipsize_line(name, max(width, 0.01), LABEL) if width > 0 else ""
        if text and line_width(text, LABEL) <= width and text != "…":
            color = to_rgb(text_color_on(theme, tuple(rgb.tolist())))
            out.append(text_line(text, LABEL, color, at=tuple((low + high) / 2), z_index=2))
    return out


def piece_shares(theme: Theme, stick: ShareStick) -> list[ArrayMobject]:
    """Write the probabilities of pieces into those that have room for the whole text."""
    widths = np.ptp(stick.pieces()[:, :, 0], axis=1)
    texts = [format_percent(share) for share in stick.shares()]
    fitting = [t if line_width(t, LABEL) < w - 0.1 else "" for t, w in zip(texts, widths, strict=True)]
    return inner_names(theme, stick, fitting)


def labelled_stick(
    theme: Theme, area: Area, scores: NDArray[np.float64], index: NDArray[np.int64], names: Sequence[str]
) -> list[ArrayMobject]:
    """Return a stick cut by probability, with the names and probabilities of the pieces that have room for them."""
    stick, places = sorted_stick(theme, area, scores, index)
    return [stick, *piece_names(theme, stick.pieces()[places], names), *piece_shares(theme, stick)]


class TemperatureSticks:
    """The stick at several temperatures, one below another, with the share of one class beside each.

    Parameters
    ----------
    theme : Theme
    area : Area
    stick : ShareStick
        The stick at temperature 1, which takes its place among them.
    label : int
        Class whose share is written.
    name : str
        Its name.
    names : sequence of str
        Of the pieces, from the left.
    """

    def __init__(
        self, theme: Theme, area: Area, stick: ShareStick, label: int, name: str, names: Sequence[str] = ()
    ) -> None:
        self.names = list(names)
        self.theme, self.stick, self.label, self.right = theme, stick, label, area.right
        bands = area.rows([1] * len(TEMPERATURES))
        self.rows = {t: band.part(0.12, 0.25, 0.86, 0.75) for t, band in zip(TEMPERATURES, bands, strict=True)}
        at = (area.right, self.rows[1.0].top + TITLE)
        text = f"probability of {ellipsize_line(name, 1.2, LABEL)}"
        self.title = text_line(text, LABEL, theme.rgb("muted"), at=at, align=(1, 0))
        self.sticks = {1.0: stick}
        self.mobjects: list[ArrayMobject] = [self.title, stick]

    def begin(self) -> list[Animate]:
        """Return the animations that move the stick to its row and name it."""
        move = Animate(self.stick, points=self.rows[1.0].corners[0], run_time=0.6)
        return [move, *fade_in([self.title, *self._labels(1.0)], 0.6)]

    def add(self, temperature: float) -> list[Animate]:
        """Return the animations of a copy that moves to its row and then changes its temperature."""
        stick = ShareStick(self.rows[1.0], self.stick.scores, self.stick.groups, self.stick.fill)
        self.sticks[temperature] = stick
        self.mobjects.append(stick)
        rise = self.rows[temperature].top + TITLE - float(self.title.points[:, 1].mean())
        lift = [Animate(self.title, points=np.add(self.title.points, [0.0, rise, 0.0]), run_time=0.5)]
        return [
            *(lift if rise > 0 else []),
            Animate(stick, points=self.rows[temperature].corners[0], run_time=0.5),
            Animate(stick, temperature=temperature, run_time=0.9, delay=0.5),
            *fade_in(self._labels(temperature), 1.1),
        ]

    def _labels(self, temperature: float) -> list[ArrayMobject]:
        row = self.rows[temperature]
        y, share = row.center[1], float(softmax(self.stick.scores / temperature)[self.label])
        left, ink = self.theme.rgb("muted"), self.theme.rgb("foreground")
        labels: list[ArrayMobject] = [
            text_line(f"T = {temperature:g}", NUMBER, left, at=(row.left - 0.2, y), align=(1, 0)),
            text_line(format_percent(share), NUMBER, ink, at=(self.right, y), align=(1, 0)),
        ]
        if self.names:
            goal = ShareStick(row, self.stick.scores, self.stick.groups, self.stick.fill, temperature)
            labels += inner_names(self.theme, goal, self.names)
        self.mobjects += labels
        return labels

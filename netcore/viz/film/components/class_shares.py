"""An image and the probabilities of its classes through training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.units import top_k
from netcore.core.formatting import format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.components.time_axis import TimedBars, TimedText
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

NAME_ROOM, NUMBER_ROOM = 1.6, 1.4  # at most of names at the left, of percentages at the right
LINE = 0.4  # height of a line of the legend
MARK = 0.4  # width of a mark in the legend
SMALL_IMAGE = 1.6
MOST_DECIMALS = 4  # of a percentage
GHOST = 2.0  # width of the outlines of the first snapshot, in pixels


class ClassShares:
    """Image, legend, and a bar for each class, at one snapshot at a time; a line marks an even guess.

    Parameters
    ----------
    theme : Theme
    area : Area
    image : ndarray, shape (H, W, 3)
        Colours.
    times : ndarray, shape (T,)
        Places of the snapshots, see `TimeAxis`.
    shares : ndarray, shape (T, K)
        Probabilities.
    classes : sequence of str
    true : int
        The true class: its name is underlined.
    limit : int
        Maximum number of bars; of more classes the last bar has the sum of all others.
    large : bool
        Whether the image is beside the bars, as large as they are; else above them.

    Attributes
    ----------
    index : ndarray of int
        Classes that have a bar of their own.
    rows : ndarray, shape (T, R)
        Values of the bars.
    """

    def __init__(
        self, theme: Theme, area: Area, image: NDArray[np.float64], times: NDArray[np.float64],
        shares: NDArray[np.float64], classes: Sequence[str], true: int, limit: int = 10, large: bool = False,
    ) -> None:  # fmt: skip
        self.theme, self.even, (h, w) = theme, 1.0 / shares.shape[1], image.shape[:2]
        keep = [true, int(shares[-1].argmax())]
        count = shares.shape[1] if shares.shape[1] <= limit else max(limit - 1, 2)
        self.index = top_k(shares.max(0), count, list(dict.fromkeys(keep)))
        rest = np.setdiff1d(np.arange(shares.shape[1]), self.index)
        self.rows = np.column_stack([shares[:, self.index], *([shares[:, rest].sum(1)] if len(rest) else [])])
        names = [classes[k] for k in self.index] + ([f"{len(rest):,} more"] if len(rest) else [])
        picture, legend, body = _areas(area, large)
        self.image = PixelImages(image, picture.fit(w, h).frame, outline=theme.rgb("faint"))
        places = body.rows([1] * len(names))
        short = [ellipsize_line(name, NAME_ROOM, LABEL) for name in names]
        self.left = body.left + max(line_width(name, LABEL) for name in short) + 0.15
        self.right = body.right - NUMBER_ROOM
        ys = np.array([place.center[1] for place in places])
        half = min(0.5, 0.32 * places[0].height)
        ink, muted = theme.rgb("foreground"), theme.rgb("muted")
        corners = [[[self.left, y - half], [self.right, y + half]] for y in ys]
        self.bars = TimedBars(times, self.rows, corners, fill=ink, track=theme.rgb("faint"))
        self.names = [
            text_line(text, LABEL, ink, at=(self.left - 0.15, y), align=(1, 0))
            for text, y in zip(short, ys, strict=True)
        ]
        self.percents = [
            TimedText(times, texts, NUMBER, ink, (body.right, y), (1, 0))
            for *texts, y in zip(*map(print_shares, self.rows), ys, strict=True)
        ]
        self.true = int(np.flatnonzero(self.index == true)[0])
        box = self.names[self.true].bounding_box()
        self.underline = self._strip(box[0], box[1] - 0.07, box[2] - box[0], "emphasis")
        x = self.left + self.even * (self.right - self.left)
        self.even_line = Rectangles(
            [[[x - 1.25 * PIXEL, body.bottom], [x + 1.25 * PIXEL, body.top]]], fill=[*muted, 1.0], z_index=1
        )
        self.legend = self._legend(legend)

    def _legend(self, area: Area) -> list[list[ArrayMobject]]:
        """What bars, underline, line and outlines are: two mobjects each."""
        muted, ink = self.theme.rgb("muted"), self.theme.rgb("foreground")
        words = ("probability", "true class", f"even guess: {format_percent(self.even)}", "at the start")
        left, middle, right = area.left, area.left + MARK / 2, area.left + MARK
        y = [area.top - LINE * (k + 0.5) for k in range(len(words))]
        marks = [
            Rectangles([[[left, y[0] - 0.08], [right, y[0] + 0.08]]], fill=[*ink, 1.0]),
            self._strip(left, y[1] - 0.12, MARK, "emphasis"),
            Rectangles([[[middle - PIXEL, y[2] - 0.15], [middle + PIXEL, y[2] + 0.15]]], fill=[*muted, 1.0]),
            Rectangles([[[left, y[3] - 0.08], [right, y[3] + 0.08]]], line=[*muted, 1.0], width=GHOST),
        ]
        texts = [
            text_line(word, LABEL, muted, at=(right + 0.15, at), align=(-1, 0))
            for word, at in zip(words, y, strict=True)
        ]
        return [[mark, text] for mark, text in zip(marks, texts, strict=True)]

    def _strip(self, left: float, y: float, width: float, role: str) -> Rectangles:
        return Rectangles([[[left, y - PIXEL], [left + width, y + PIXEL]]], fill=[*self.theme.rgb(role), 1.0])

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of it but the outlines of the first snapshot."""
        legend = [m for line in self.legend[:3] for m in line]
        return [self.image, self.bars, *self.names, *self.percents, self.underline, self.even_line, *legend]

    @property
    def timed(self) -> list[TimedBars | TimedText]:
        """What follows the time."""
        return [self.bars, *self.percents]

    def grow(self) -> list[Animate]:
        """Return the animations in which names, bars and the first two lines of the legend appear."""
        legend = [m for line in self.legend[:2] for m in line]
        start = {"values": np.zeros(len(self.bars.values))}
        return [
            *fade_in([*self.names, self.underline, *legend]),
            Animate(self.bars, start=start, values=self.bars.values.copy(), run_time=1.2),
            *fade_in(self.percents, 1.0),
        ]

    def move(self, other: "ClassShares", run_time: float = 0.8) -> list[Animate]:
        """Return the animations that move everything to the places that it has in another layout of the same."""
        pairs = zip(self.mobjects, other.mobjects, strict=True)
        return [Animate(a, points=b.points.copy(), run_time=run_time) for a, b in pairs]

    def ghost(self) -> list[ArrayMobject]:
        """Return outlines of the bars as they were at the first snapshot, and what they are."""
        corners = self.bars.points[:, :2].reshape(-1, 2, 2).copy()
        corners[:, 1, 0] = corners[:, 0, 0] + self.rows[0] * (corners[:, 1, 0] - corners[:, 0, 0])
        return [Rectangles(corners, line=[*self.theme.rgb("muted"), 1.0], width=GHOST, z_index=1), *self.legend[3]]


def print_shares(shares: NDArray[np.float64]) -> list[str]:
    """Return percentages; those that print the same as the largest, but are less, get more digits, as it does.

    Examples
    --------
    >>> print_shares(np.array([0.1031, 0.1026, 0.0983]))
    ['10.31 %', '10.26 %', '9.8 %']
    """
    texts = [format_percent(v) for v in shares]
    top = int(np.argmax(shares))
    for decimals in range(2, MOST_DECIMALS + 1):
        same = [k for k, text in enumerate(texts) if text == texts[top]]
        if all(shares[k] == shares[top] for k in same):
            break
        for k in same:
            texts[k] = format_percent(shares[k], decimals)
    return texts


def _areas(area: Area, large: bool) -> tuple[Area, Area, Area]:
    """Places of image, legend and bars."""
    if not large:
        head, body = Area(area.left, area.top - SMALL_IMAGE, area.right, area.top), area
        picture, legend = head.columns([SMALL_IMAGE, head.width - SMALL_IMAGE - 0.3], 0.3)
        return picture, legend, Area(body.left, body.bottom, body.right, head.bottom - 0.2)
    sides = area.divide([0.34, 0.66], 0.5)
    if area.width >= area.height:
        side = Area(sides[0].left, sides[0].bottom + 3 * LINE + 0.2, sides[0].right, sides[0].top)
        return side, Area(side.left, area.bottom, side.right, area.bottom + 3 * LINE), sides[1]
    picture, legend = sides[0].columns([0.6, 0.4], 0.4)
    return picture, legend, sides[1]

"""A curve over training with a cursor at the present snapshot."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject, as_points
from netcore.viz.film.components.time_axis import Timed, TimedText
from netcore.viz.film.mobjects import Neurons, Rectangles
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.time_axis import MOST_TICKS, TimeAxis
from netcore.viz.theme import Color, Theme

LINE_WIDTH, DOT = 2.5, 5 * PIXEL
SPACE = 0.15  # between two labels, at least
TITLE_GAP = 5 * PIXEL  # between the title and the label of the upper end
FOOT, HEAD = 26 * PIXEL, 26 * PIXEL  # heights of the labels below and above a chart


class TimedCurve(ArrayMobject):
    """A line through points from left to right, drawn up to `time` of its width.

    Attributes
    ----------
    rest : float
        Opacity of what comes later.
    """

    def __init__(self, points: ArrayLike, rgb: ArrayLike, left: float, width: float, **keys: Any) -> None:
        super().__init__(points, **keys)
        self.rgb, self.time, self.rest = np.asarray(rgb, float), 1.0, 0.0
        self.left, self.width_units = left, width

    def draw(self, ctx: cairo.Context) -> None:
        """Stroke the part left of the end, and all of it faintly if the rest is shown."""
        x, y = self.points[:, 0], self.points[:, 1]
        if self.rest:
            self._stroke(ctx, x.tolist(), y.tolist(), self.rest)
        end = self.left + self.time * self.width_units
        inside = x <= end + 1e-9
        if not inside.any():
            return
        xs, ys = x[inside].tolist(), y[inside].tolist()
        if not inside.all():
            xs.append(end)
            ys.append(float(np.interp(end, x, y)))
        self._stroke(ctx, xs, ys, 1.0)

    def _stroke(self, ctx: cairo.Context, xs: list[float], ys: list[float], alpha: float) -> None:
        for a, b in zip(xs, ys, strict=True):
            ctx.line_to(a, b)
        ctx.set_line_width(LINE_WIDTH * PIXEL)
        ctx.set_line_join(cairo.LINE_JOIN_ROUND)
        self.set_source(ctx, self.rgb, alpha)
        ctx.stroke()


class TimeChart:
    """A curve over training, with ticks at the snapshots, a cursor, and the value at the cursor.

    Parameters
    ----------
    theme : Theme
    area : Area
        With heading and labels.
    axis : TimeAxis
    title : str
        What is drawn.
    steps, values : array_like, shape (E,)
        The curve.
    at_snapshots : array_like, shape (T,)
        Values at the snapshots, NaN where not known.
    form : callable
        Turns a value into text.
    low, high : float
        Ends of the vertical axis.
    words : bool
        Whether the ends of the time axis are written below it.
    margin : float
        Room at the left of the plot, at least: charts above one another have the same.
    """

    def __init__(
        self, theme: Theme, area: Area, axis: TimeAxis, title: str, steps: ArrayLike, values: ArrayLike,
        at_snapshots: ArrayLike, form: Callable[[float], str], low: float, high: float, words: bool = True,
        margin: float = 0.0,
    ) -> None:  # fmt: skip
        self.theme, self.axis, self.form = theme, axis, form
        ends = [form(high), form(low)]
        margin = max(margin, *(line_width(text, LABEL) + 0.12 for text in ends))
        foot = FOOT if words else 6 * PIXEL
        self.plot = Area(area.left + margin, area.bottom + foot, area.right - 0.1, area.top - HEAD - DOT - TITLE_GAP)
        self.low, self.high = low, high
        plot, muted, emphasis = self.plot, theme.rgb("muted"), theme.rgb("emphasis")
        known = np.isfinite(np.asarray(values, float))
        x = plot.left + axis.places(np.asarray(steps, float)[known]) * plot.width
        self.curve = TimedCurve(
            np.column_stack([x, self.height_of(np.asarray(values, float)[known])]),
            theme.rgb("muted"),
            plot.left,
            plot.width,
        )
        tick = np.column_stack([plot.left + axis.times * plot.width, np.full(len(axis.times), plot.bottom)])
        low_ = tick - np.array([0.6 * PIXEL, 5 * PIXEL])
        self.ticks = Rectangles(np.stack([low_, tick + np.array([0.6 * PIXEL, 0.0])], axis=1), fill=[*muted, 1.0])
        self.playhead = Playhead(axis.times, tick[:, 0], (plot.bottom - 8 * PIXEL, plot.top), theme.rgb("emphasis"))
        line = [[[plot.left, plot.bottom - PIXEL / 2], [plot.right, plot.bottom + PIXEL / 2]]]
        self.frame = Rectangles(line, fill=[*theme.rgb("faint"), 1.0])
        self.at_snapshots = np.asarray(at_snapshots, float)
        spots = np.column_stack([tick[:, 0], self.height_of(np.nan_to_num(self.at_snapshots, nan=low))])
        self.cursor = Cursor(axis.times, spots, emphasis, np.isfinite(self.at_snapshots))
        texts = [
            label + (f": {form(v)}" if np.isfinite(v) else "")
            for label, v in zip(axis.labels, self.at_snapshots, strict=True)
        ]
        self.words = TimedText(axis.times, texts, NUMBER, emphasis, (area.right, area.top - HEAD / 2), (1, 0))
        self.texts: list[ArrayMobject] = [
            text_line(title, LABEL, muted, at=(area.left, area.top - HEAD / 2), align=(-1, 0)),
            *(
                text_line(t, LABEL, muted, at=(plot.left - 0.12, y), align=(1, 0))
                for t, y in zip(ends, (plot.top, plot.bottom), strict=True)
            ),
        ]
        if words:
            self.texts += self._time_labels(area.bottom + FOOT / 2 - 4 * PIXEL)

    def _time_labels(self, y: float) -> list[ArrayMobject]:
        """Write both ends of the axis of time, and between them as many round numbers as have room."""
        plot, muted, axis = self.plot, self.theme.rgb("muted"), self.axis
        first, last = axis.ends
        ends = [
            text_line(first, LABEL, muted, at=(plot.left, y), align=(-1, 0)),
            text_line(last, LABEL, muted, at=(plot.right, y), align=(1, 0)),
        ]
        for most in range(MOST_TICKS, 0, -1):
            ticks = {plot.left + place * plot.width: text for place, text in axis.ticks(most).items()}
            inner = [text_line(text, LABEL, muted, at=(x, y)) for x, text in ticks.items()]
            boxes = [line.bounding_box() for line in (ends[0], *inner, ends[1])]
            if all(a[2] + SPACE < b[0] for a, b in pairwise(boxes)):
                break
        else:
            return [*ends]
        foot, half = plot.bottom, 0.6 * PIXEL
        marks = [[[x - half, foot - 9 * PIXEL], [x + half, foot]] for x in ticks]
        return [*ends, *inner, *([Rectangles(marks, fill=[*muted, 1.0], width=0)] if marks else [])]

    def height_of(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the vertical place of values."""
        share = (np.asarray(values, float) - self.low) / (self.high - self.low)
        return self.plot.bottom + np.clip(share, 0, 1) * self.plot.height

    def line_at(self, value: float, role: str = "muted") -> Rectangles:
        """Return a thin horizontal line at a value."""
        y = float(self.height_of(value))
        return Rectangles(
            [[[self.plot.left, y - PIXEL / 2], [self.plot.right, y + PIXEL / 2]]], fill=[*self.theme.rgb(role), 1.0]
        )

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of it."""
        return [self.frame, self.ticks, self.curve, self.playhead, *self.texts, self.cursor, self.words]

    @property
    def timed(self) -> list[Any]:
        """What follows the time."""
        return [self.curve, self.playhead, self.cursor, self.words]


class Playhead(Timed, Rectangles):
    """An upright line through the place of the present snapshot; `span` is its foot and top."""

    def __init__(
        self, times: NDArray[np.float64], xs: NDArray[np.float64], span: tuple[float, float], rgb: Color
    ) -> None:
        self.times, self.xs, self.span = times, xs, span
        super().__init__(self._corners(0), fill=[*rgb, 1.0], width=0, z_index=-0.5)
        self.time = 0.0

    def show_snapshot(self, k: int) -> None:
        """Show snapshot `k`."""
        self.points = as_points(self._corners(k))

    def _corners(self, k: int) -> list[list[list[float]]]:
        x, (low, high) = float(self.xs[k]), self.span
        return [[[x - PIXEL / 2, low], [x + PIXEL / 2, high]]]


class Cursor(Timed, Neurons):
    """A dot at the value of the present snapshot, hidden where it is not known."""

    def __init__(
        self, times: NDArray[np.float64], spots: NDArray[np.float64], rgb: ArrayLike, known: ArrayLike
    ) -> None:
        super().__init__(spots[:1], DOT, rgb, rgb, width=0)
        self.times, self.spots, self.known = times, spots, np.asarray(known, bool)
        self.time = 0.0

    def show_snapshot(self, k: int) -> None:
        """Show snapshot `k`."""
        x, y = self.spots[k]
        self.points = np.array([[x - DOT, y - DOT, 0.0], [x + DOT, y + DOT, 0.0]])
        self.opacity = float(self.known[k])

"""Mobjects that show one snapshot, and a chart over training.

All have an attribute `time` in [0, 1], a place on the axis: animated together, they keep in step. Between snapshots the
values of the one before are held.
"""

from collections.abc import Callable, Sequence
from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.tiles import Tiles
from netcore.viz.film.glyph_paths import text_path
from netcore.viz.film.mobjects import BarMobject, Neurons, Rectangles
from netcore.viz.film.text import TextLine, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.time_axis import TimeAxis
from netcore.viz.theme import Theme

LINE_WIDTH, DOT = 2.5, 5 * PIXEL
FOOT, HEAD = 26 * PIXEL, 26 * PIXEL  # heights of the labels below and above a chart


def held_index(times: NDArray[np.float64], time: float) -> int:
    """Return the index of the last snapshot at or before a time."""
    return int(np.clip(np.searchsorted(times, time + 1e-9, side="right") - 1, 0, len(times) - 1))


class TimedImages(Tiles):
    """Images that show one snapshot at a time.

    Parameters
    ----------
    times : ndarray, shape (T,)
    colors : ndarray, shape (T, N, H, W, 3)
    frames : array_like, shape (N, 3, 2)
    values : ndarray, shape (T, N, H, W)
    vmax : float
        Value of the full colour.
    **keys
        Of `Tiles`.
    """

    def __init__(
        self,
        times: NDArray[np.float64],
        colors: NDArray[np.float64],
        frames: ArrayLike,
        values: NDArray[np.floating],
        vmax: float = 1.0,
        **keys: Any,
    ) -> None:
        super().__init__(colors[0], frames, values[0], vmax, **keys)
        self.times, self.colors, self.all_values = times, list(colors), values
        self.time = 0.0

    @property
    def time(self) -> float:
        """Place on the axis."""
        return self._time

    @time.setter
    def time(self, time: float) -> None:
        self._time = float(time)
        k = held_index(self.times, self._time)
        self.rgb, self.values = self.colors[k], np.asarray(self.all_values[k], float)


class TimedBars(BarMobject):
    """Bars that show one snapshot at a time; `all_values` is (T, N)."""

    def __init__(
        self, times: NDArray[np.float64], all_values: NDArray[np.floating], corners: ArrayLike, **keys: Any
    ) -> None:
        super().__init__(corners, all_values[0], **keys)
        self.times, self.all_values = times, all_values
        self.time = 0.0

    @property
    def time(self) -> float:
        """Place on the axis."""
        return self._time

    @time.setter
    def time(self, time: float) -> None:
        self._time = float(time)
        self.values = np.asarray(self.all_values[held_index(self.times, self._time)], float).copy()


class TimedText(TextLine):
    """A line of text for each snapshot; the point `align` of its box stays in place."""

    def __init__(
        self, times: NDArray[np.float64], texts: Sequence[str], size: float, rgb: ArrayLike, at: ArrayLike = (0, 0),
        align: ArrayLike = (0, 0), **keys: Any,
    ) -> None:  # fmt: skip
        super().__init__(text_path(texts[0]), texts[0], size, rgb, at, align, **keys)
        self.times, self.texts = times, list(texts)
        self._share = (np.asarray(align, float) + 1) / 2
        self.time = 0.0

    @property
    def time(self) -> float:
        """Place on the axis."""
        return self._time

    @time.setter
    def time(self, time: float) -> None:
        self._time = float(time)
        text = self.texts[held_index(self.times, self._time)]
        if text == self.text:
            return
        low, high = self.points[0, :2], self.points[1, :2]
        at = low + self._share * (high - low)
        self.text, self.outline = text, text_path(text)
        extent = np.array([self.outline.width, self.outline.height]) * self.size * PIXEL
        corner = at - self._share * extent
        self.points = np.array([[*corner, 0.0], [*(corner + extent), 0.0]])


class TimedCurve(ArrayMobject):
    """A line through points from left to right, drawn up to `time` of its width."""

    def __init__(self, points: ArrayLike, rgb: ArrayLike, left: float, width: float, **keys: Any) -> None:
        super().__init__(points, **keys)
        self.rgb, self.time = np.asarray(rgb, float), 1.0
        self.left, self.width_units = left, width

    def draw(self, ctx: cairo.Context) -> None:
        """Stroke the part left of the end."""
        x, y = self.points[:, 0], self.points[:, 1]
        end = self.left + self.time * self.width_units
        inside = x <= end + 1e-9
        if not inside.any():
            return
        xs, ys = x[inside].tolist(), y[inside].tolist()
        if not inside.all():
            xs.append(end)
            ys.append(float(np.interp(end, x, y)))
        for a, b in zip(xs, ys, strict=True):
            ctx.line_to(a, b)
        ctx.set_line_width(LINE_WIDTH * PIXEL)
        ctx.set_line_join(cairo.LINE_JOIN_ROUND)
        self.set_source(ctx, self.rgb)
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
        self.plot = Area(area.left + margin, area.bottom + foot, area.right - 0.1, area.top - HEAD - DOT)
        self.low, self.high = low, high
        plot, muted, ink = self.plot, theme.rgb("muted"), theme.rgb("foreground")
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
        line = [[[plot.left, plot.bottom - PIXEL / 2], [plot.right, plot.bottom + PIXEL / 2]]]
        self.frame = Rectangles(line, fill=[*theme.rgb("faint"), 1.0])
        self.at_snapshots = np.asarray(at_snapshots, float)
        spots = np.column_stack([tick[:, 0], self.height_of(np.nan_to_num(self.at_snapshots, nan=low))])
        self.cursor = Cursor(axis.times, spots, theme.rgb("emphasis"), np.isfinite(self.at_snapshots))
        texts = [
            label + (f": {form(v)}" if np.isfinite(v) else "")
            for label, v in zip(axis.labels, self.at_snapshots, strict=True)
        ]
        self.words = TimedText(axis.times, texts, NUMBER, ink, (area.right, area.top - HEAD / 2), (1, 0))
        self.texts: list[ArrayMobject] = [
            text_line(title, LABEL, muted, at=(area.left, area.top - HEAD / 2), align=(-1, 0)),
            *(
                text_line(t, LABEL, muted, at=(plot.left - 0.12, y), align=(1, 0))
                for t, y in zip(ends, (plot.top - 6 * PIXEL, plot.bottom + 6 * PIXEL), strict=True)
            ),
        ]
        if words:
            y = area.bottom + FOOT / 2 - 4 * PIXEL
            last = axis.labels[-1] + (", logarithmic" if axis.is_log else "")
            self.texts.append(text_line(axis.labels[0], LABEL, muted, at=(plot.left, y), align=(-1, 0)))
            self.texts.append(text_line(last, LABEL, muted, at=(plot.right, y), align=(1, 0)))

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
        return [self.frame, self.ticks, self.curve, *self.texts, self.cursor, self.words]

    @property
    def timed(self) -> list[Any]:
        """What follows the time."""
        return [self.curve, self.cursor, self.words]


class Cursor(Neurons):
    """A dot at the value of the present snapshot, hidden where it is not known."""

    def __init__(
        self, times: NDArray[np.float64], spots: NDArray[np.float64], rgb: ArrayLike, known: ArrayLike
    ) -> None:
        super().__init__(spots[:1], DOT, rgb, rgb, width=0)
        self.times, self.spots, self.known = times, spots, np.asarray(known, bool)
        self.time = 0.0

    @property
    def time(self) -> float:
        """Place on the axis."""
        return self._time

    @time.setter
    def time(self, time: float) -> None:
        self._time = float(time)
        k = held_index(self.times, self._time)
        x, y = self.spots[k]
        self.points = np.array([[x - DOT, y - DOT, 0.0], [x + DOT, y + DOT, 0.0]])
        self.opacity = float(self.known[k])


def set_time(mobjects: Sequence[Any], time: float) -> None:
    """Set the time of several mobjects at once."""
    for mobject in mobjects:
        mobject.time = time


def run_time_line(mobjects: Sequence[Any], start: float, end: float, run_time: float) -> list[Animate]:
    """Return the animations that move several mobjects from one time to another together."""
    return [Animate(m, start={"time": start}, time=end, run_time=run_time, rate_func=lambda t: t) for m in mobjects]

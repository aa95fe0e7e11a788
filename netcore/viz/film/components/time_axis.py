"""Mobjects that show one snapshot of the training at a time.

All have an attribute `time` in [0, 1], a place on the axis: animated together, they keep in step. Between snapshots the
values of the one before are held.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import PIXEL
from netcore.viz.film.components.tiles import Tiles
from netcore.viz.film.glyph_paths import text_path
from netcore.viz.film.mobjects import BarMobject
from netcore.viz.film.text import TextLine


def held_index(times: NDArray[np.float64], time: float) -> int:
    """Return the index of the last snapshot at or before a time."""
    return int(np.clip(np.searchsorted(times, time + 1e-9, side="right") - 1, 0, len(times) - 1))


class Timed:
    """Mixin of what shows one snapshot at a time, which `show_snapshot` draws.

    Attributes
    ----------
    times : ndarray, shape (T,)
        Of the snapshots.
    """

    times: NDArray[np.float64]
    _time: float

    @property
    def time(self) -> float:
        """Place on the axis."""
        return self._time

    @time.setter
    def time(self, time: float) -> None:
        self._time = float(time)
        self.show_snapshot(held_index(self.times, self._time))

    def show_snapshot(self, k: int) -> None:
        """Show snapshot `k`."""
        raise NotImplementedError


class TimedImages(Timed, Tiles):
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

    def show_snapshot(self, k: int) -> None:
        """Show snapshot `k`."""
        self.rgb, self.values = self.colors[k], np.asarray(self.all_values[k], float)


class TimedBars(Timed, BarMobject):
    """Bars that show one snapshot at a time; `all_values` is (T, N)."""

    def __init__(
        self, times: NDArray[np.float64], all_values: NDArray[np.floating], corners: ArrayLike, **keys: Any
    ) -> None:
        super().__init__(corners, all_values[0], **keys)
        self.times, self.all_values = times, all_values
        self.time = 0.0

    def show_snapshot(self, k: int) -> None:
        """Show snapshot `k`."""
        self.values = np.asarray(self.all_values[k], float).copy()


class TimedText(Timed, TextLine):
    """A line of text for each snapshot; the point `align` of its box stays in place."""

    def __init__(
        self, times: NDArray[np.float64], texts: Sequence[str], size: float, rgb: ArrayLike, at: ArrayLike = (0, 0),
        align: ArrayLike = (0, 0), **keys: Any,
    ) -> None:  # fmt: skip
        super().__init__(text_path(texts[0]), texts[0], size, rgb, at, align, **keys)
        self.times, self.texts = times, list(texts)
        self._share = (np.asarray(align, float) + 1) / 2
        self.time = 0.0

    def show_snapshot(self, k: int) -> None:
        """Show snapshot `k`."""
        text = self.texts[k]
        if text == self.text:
            return
        low, high = self.points[0, :2], self.points[1, :2]
        at = low + self._share * (high - low)
        self.text, self.outline = text, text_path(text)
        extent = np.array([self.outline.width, self.outline.height]) * self.size * PIXEL
        corner = at - self._share * extent
        self.points = np.array([[*corner, 0.0], [*(corner + extent), 0.0]])


def set_time(mobjects: Sequence[Any], time: float) -> None:
    """Set the time of several mobjects at once."""
    for mobject in mobjects:
        mobject.time = time


def run_time_line(mobjects: Sequence[Any], start: float, end: float, run_time: float) -> list[Animate]:
    """Return the animations that move several mobjects from one time to another together."""
    return [Animate(m, start={"time": start}, time=end, run_time=run_time, rate_func=lambda t: t) for m in mobjects]

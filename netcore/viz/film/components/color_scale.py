"""What shades stand for: a ramp with its two ends in numbers."""

from typing import Any

import numpy as np

from netcore.core.formatting import format_number
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.number_line import NumberLine
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import line_width
from netcore.viz.layout.image_frames import axis_aligned_frame
from netcore.viz.theme import Theme

RAMP = (0.8, 0.17)  # width and height
GAP = 0.1


class ColorScale:
    """A ramp from one end of a palette to the other, flush at the right; its ends count to new values.

    Parameters
    ----------
    theme : Theme
    ends : (float, float)
        Values of both ends.
    signed : bool
        Whether colours show signs; else they go from ground to ink.
    at : (float, float)
        Right end, and middle of the height.
    """

    def __init__(self, theme: Theme, ends: tuple[float, float], signed: bool, at: tuple[float, float]) -> None:
        self.theme, self.signed = theme, signed
        muted, (width, height) = theme.rgb("muted"), RAMP
        self.room = max(line_width(text, LABEL) for text in ("−0.00", *map(format_number, ends)))
        x, y = at
        left = x - self.room - GAP - width
        self.high = NumberLine(ends[1], (left + width + GAP, y), rgb=muted, align=(-1, 0))
        self.low = NumberLine(ends[0], (left - GAP, y), rgb=muted, align=(1, 0))
        frame = axis_aligned_frame(left, y - height / 2, width, height)
        self.ramp = PixelImages(self._rgb(), frame, outline=theme.rgb("faint"))

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Lower end, ramp and upper end."""
        return [self.low, self.ramp, self.high]

    @property
    def width(self) -> float:
        """Horizontal extent, with some space."""
        return 2 * (self.room + GAP) + RAMP[0] + 0.2

    def change(self, ends: tuple[float, float], signed: bool, run_time: float) -> list[Animate]:
        """Count to new ends; with another palette the ramp changes too."""
        self.signed = signed
        return [
            Animate(self.high, value=ends[1], run_time=run_time),
            Animate(self.low, value=ends[0], run_time=run_time),
            Animate(self.ramp, rgb=self._rgb()[None], run_time=run_time),
        ]

    def place(self, at: tuple[float, float]) -> None:
        """Set the right end at a point."""
        step = self._step(at)
        for m in self.mobjects:
            m.points = m.points + step

    def move(self, at: tuple[float, float], **keys: Any) -> list[Animate]:
        """Move the right end to a point."""
        return [Animate(m, points=m.points + self._step(at), **keys) for m in self.mobjects]

    def _step(self, at: tuple[float, float]) -> np.ndarray:
        now = self.ramp.points[1, :2] + [self.room + GAP, -RAMP[1] / 2]
        return np.array([at[0] - now[0], at[1] - now[1], 0.0])

    def _rgb(self) -> np.ndarray:
        shade = self.theme.signed_colors if self.signed else self.theme.activation_colors
        return shade(np.linspace(-1 if self.signed else 0, 1, 48))[None]

"""The curve of an activation function with a tangent."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netcore.core.formatting import format_value
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.activation_curve import ActivationCurve
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import TextLine, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

REACH = 0.3  # half of the tangent's extent, as a share of the plot's width
RADIUS = 6 * PIXEL


class TangentCurve(ActivationCurve):
    """Axes, curve, dot and tangent.

    Parameters
    ----------
    theme, area, function, z, a
        As in `ActivationCurve`.
    slope : float
        Of the curve at `z`.
    text : str
        The slope as text.
    title : str
        Above the plot, at the right.

    Attributes
    ----------
    tangent : Edges
        `values` holds the slope.
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        z: float,
        a: float,
        slope: float,
        text: str,
        title: str,
    ) -> None:
        area = Area(area.left, area.bottom, area.right - 0.1, area.top)  # room for "sum" at its right
        super().__init__(theme, area, function, z, a, (format_value(z), format_value(a)))
        half = REACH * 2 * self._limit
        if slope:  # as far as the plot reaches upwards and downwards
            half = min(half, *(max(abs(limit - a) / abs(slope), 0.04 * half) for limit in (self._low, self._high)))
        ends = [self.at(z + side * half, a + side * half * slope) for side in (-1, 1)]
        yellow = [*theme.rgb("emphasis"), 1.0]
        self.tangent = Edges(ends[:1], ends[1:], yellow, 3.0, values=[slope], z_index=1)
        self.label = self._place_label(f"slope {text}", slope)
        at = (self.plot.right, self.plot.top + 0.35)
        self.title = text_line(title, LABEL, theme.rgb("foreground"), at=at, align=(1, 0))

    def _place_label(self, words: str, slope: float) -> TextLine:
        """Write the slope below a rising tangent, at its right; at its left where there is no room."""
        x, y = self.at(self.z, self.a)
        side = 1 if x + 0.3 + line_width(words, LABEL) < self.plot.right else -1
        rise = -0.34 if (slope >= 0) == (side > 0) else 0.34
        at = (x + side * 0.3, y + rise)
        return text_line(words, LABEL, self.theme.rgb("emphasis"), at=at, align=(-side, 0))

    def appear(self) -> list[list[Animate]]:
        """Return the plays in which the curve appears, the dot goes to it, and the tangent is drawn."""
        goal = np.add(self.at(self.z, self.a), [[-RADIUS, -RADIUS], [RADIUS, RADIUS]])
        tangent = Animate(self.tangent, start={"progress": 0.0}, progress=1.0, run_time=0.5)
        return [
            fade_in([self.axes, self.curve, self.title, *self.labels, self.z_text]),
            [*fade_in([self.dot], run_time=0.2), Animate(self.dot, points=goal, run_time=0.5), *fade_in([self.a_text])],
            [tangent, *fade_in([self.label], 0.3)],
        ]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """What is shown at the end."""
        texts = [self.title, *self.labels, self.z_text, self.a_text, self.label]
        return [self.axes, self.curve, *texts, self.dot, self.tangent]

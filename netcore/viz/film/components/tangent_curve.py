"""The curve of an activation function with its tangent at one neuron's sum."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netcore.core.formatting import format_value
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.activation_curve import ActivationCurve
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import line_width, text_line
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
    ) -> None:
        super().__init__(theme, area, function, z, a, (format_value(z), format_value(a)))
        half = REACH * 2 * self._limit
        if slope:  # as far as the plot reaches upwards and downwards
            half = min(half, *(max(abs(limit - a) / abs(slope), 0.04 * half) for limit in (self._low, self._high)))
        ends = [self.at(z + side * half, a + side * half * slope) for side in (-1, 1)]
        yellow = [*theme.rgb("emphasis"), 1.0]
        self.tangent = Edges(ends[:1], ends[1:], yellow, 3.0, values=[slope], z_index=1)
        words = f"slope {text}"
        x, y = self.at(z, a)
        y += 0.34 if y < self.plot.center[1] else -0.34
        room = line_width(words, LABEL) / 2
        x = float(np.clip(x + 0.2 + room, self.plot.left + room, self.plot.right - room))
        self.label = text_line(words, LABEL, theme.rgb("emphasis"), at=(x, y))

    def appear(self) -> list[list[Animate]]:
        """Return the plays in which the curve appears, the dot goes to it, and the tangent is drawn."""
        goal = np.add(self.at(self.z, self.a), [[-RADIUS, -RADIUS], [RADIUS, RADIUS]])
        tangent = Animate(self.tangent, start={"progress": 0.0}, progress=1.0, run_time=0.5)
        return [
            fade_in([self.axes, self.curve, *self.labels, self.z_text]),
            [*fade_in([self.dot], run_time=0.2), Animate(self.dot, points=goal, run_time=0.5), *fade_in([self.a_text])],
            [tangent, *fade_in([self.label], 0.3)],
        ]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """What is shown at the end."""
        return [self.axes, self.curve, *self.labels, self.z_text, self.a_text, self.dot, self.tangent, self.label]

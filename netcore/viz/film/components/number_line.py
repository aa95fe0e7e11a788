"""A number that counts, as a line of text."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from netcore.core.formatting import format_number
from netcore.viz.film.base_mobject import LABEL, PIXEL
from netcore.viz.film.glyph_paths import text_path
from netcore.viz.film.text import TextLine


class NumberLine(TextLine):
    """A number; while `value` is animated it counts, its point `align` staying in place.

    Parameters
    ----------
    value : float
    at : array_like, shape (2,)
        Position of the point `align` of the box.
    form : callable
        Turns the value into text.
    size : float
        Pixels per em.
    rgb : array_like, shape (3,)
    align : array_like, shape (2,)
        -1 left or bottom, 0 centre, 1 right or top.
    **keys
        Of `ArrayMobject`.
    """

    def __init__(
        self,
        value: float,
        at: ArrayLike,
        form: Callable[[float], str] = format_number,
        size: float = LABEL,
        rgb: ArrayLike = (1, 1, 1),
        align: ArrayLike = (0, 0),
        **keys: Any,
    ) -> None:
        self._value, self._form = float(value), form
        self._share = (np.asarray(align, float) + 1) / 2
        text = form(value)
        super().__init__(text_path(text), text, size, rgb, at, align, **keys)

    @property
    def value(self) -> float:
        """The number shown."""
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        self._value = float(value)
        text = self._form(self._value)
        if text == self.text:
            return
        low, high = self.points[0, :2], self.points[1, :2]
        at = low + self._share * (high - low)
        self.text, self.outline = text, text_path(text)
        extent = np.array([self.outline.width, self.outline.height]) * self.size * PIXEL
        corner = at - self._share * extent
        self.points = np.array([[*corner, 0.0], [*(corner + extent), 0.0]])

"""A small array as cells, with its numbers on them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cairo
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray

from netcore.viz.colors import text_color_on
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL
from netcore.viz.film.glyph_paths import EM, text_path
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import line_width
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

MARGIN = 0.08  # beside a number in its cell
MAX_LINED = 144  # cells with lines between them, and numbers


class NumberCells(PixelImages):
    """An image of few pixels with a number on each, left out if the cells are too small for them.

    Parameters
    ----------
    theme : Theme
    rgb : array_like, shape (H, W, 3)
    texts : sequence of str
        H × W numbers along the rows; empty for none.
    area : Area
        Of the whole array.
    values : array_like, shape (H, W)
        What the numbers are.
    **keys
        Of `PixelImages`.
    """

    def __init__(
        self, theme: Theme, rgb: ArrayLike, texts: Sequence[str], area: Area, values: ArrayLike = (), **keys: Any
    ) -> None:
        super().__init__(rgb, area.frame, outline=theme.rgb("faint"), **keys)
        self.theme, self.values = theme, np.asarray(values, float)
        h, w = self.rgb.shape[1:3]
        self.number_size = number_size(texts, area.width / w, area.height / h)
        self.texts = list(texts) if self.number_size else []

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle points (H × W, 2) of the cells."""
        h, w = self.rgb.shape[1:3]
        origin, right, down = self.corners()[0]
        y, x = np.divmod(np.arange(h * w), w)
        return origin + (right - origin) * ((x + 0.5) / w)[:, None] + (down - origin) * ((y + 0.5) / h)[:, None]

    def draw(self, ctx: cairo.Context) -> None:
        """Draw cells, and if they are not too many, lines between them and numbers."""
        super().draw(ctx)
        h, w = self.rgb.shape[1:3]
        if h * w > MAX_LINED:
            return
        origin, right, down = self.corners()[0]
        ctx.set_line_width(PIXEL)
        self.set_source(ctx, self.theme.rgb("faint"))
        for k in range(1, w):
            ctx.move_to(*(origin + (right - origin) * k / w))
            ctx.line_to(*(origin + (right - origin) * k / w + down - origin))
        for k in range(1, h):
            ctx.move_to(*(origin + (down - origin) * k / h))
            ctx.line_to(*(origin + (down - origin) * k / h + right - origin))
        ctx.stroke()
        for text, center, rgb in zip(self.texts, self.centers, self.rgb.reshape(-1, 3), strict=False):
            self._number(ctx, text, center, rgb)

    def _number(self, ctx: cairo.Context, text: str, center: NDArray[np.float64], rgb: NDArray[np.float64]) -> None:
        outline, unit = text_path(text), self.number_size * PIXEL
        ctx.save()
        ctx.translate(*(center - np.array([outline.width, outline.height]) * unit / 2))
        ctx.scale(unit / EM, unit / EM)
        ctx.append_path(outline.path)
        ctx.restore()
        self.set_source(ctx, _number_color(self.theme, tuple(rgb.tolist())))
        ctx.fill()


@lru_cache(4096)
def _number_color(theme: Theme, rgb: tuple[float, ...]) -> tuple[float, float, float]:
    return to_rgb(text_color_on(theme, rgb))


def number_size(texts: Sequence[str], width: float, height: float) -> float:
    """Return the size of numbers that fits into cells, 0 if even the smallest does not."""
    if not texts:
        return 0.0
    for size in (NUMBER, LABEL):
        if max(line_width(text, size) for text in texts) + MARGIN <= width and size * PIXEL <= height:
            return float(size)
    return 0.0

"""Lines of text and formulas as mobjects."""

from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike

from netcore.viz.film.base_mobject import BODY, PIXEL, ArrayMobject
from netcore.viz.film.glyph_paths import EM, GlyphPath, formula_path, text_path


class TextLine(ArrayMobject):
    """A line of text or a formula; `points` are two corners of its box.

    Parameters
    ----------
    outline : GlyphPath
    text : str
        Its source.
    size : float
        Pixels per em.
    rgb : array_like, shape (3,)
    at : array_like, shape (2,)
        Position of the point `align` of the box.
    align : array_like, shape (2,)
        -1 left or bottom, 0 centre, 1 right or top.
    **keys
        Of `ArrayMobject`.
    """

    def __init__(
        self,
        outline: GlyphPath,
        text: str,
        size: float,
        rgb: ArrayLike,
        at: ArrayLike = (0, 0),
        align: ArrayLike = (0, 0),
        **keys: Any,
    ) -> None:
        extent = np.array([outline.width, outline.height]) * size * PIXEL
        low = np.asarray(at, float)[:2] - (np.asarray(align, float) + 1) / 2 * extent
        super().__init__([low, low + extent], **keys)
        self.outline, self.text, self.size = outline, text, float(size)
        self.rgb = np.asarray(rgb, float)

    def draw(self, ctx: cairo.Context) -> None:
        """Fill the glyphs."""
        if self.opacity <= 0:
            return
        ctx.save()
        ctx.translate(*self.points[0, :2])
        scale = self._unit / EM
        ctx.scale(scale, scale)
        ctx.append_path(self.outline.path)
        ctx.restore()
        self.set_source(ctx, self.rgb)
        ctx.fill()

    @property
    def _unit(self) -> float:
        """Scene units per em, after scaling."""
        return float(self.points[1, 0] - self.points[0, 0]) / self.outline.width

    def bounding_box(self) -> np.ndarray:
        """Return left, bottom, right and top of the glyphs: (4,)."""
        origin, unit = self.points[0, :2], self._unit
        return np.concatenate([origin + self.outline.low * unit, origin + self.outline.high * unit])


def text_line(text: str, size: float = BODY, rgb: ArrayLike = (1, 1, 1), bold: bool = False, **keys: Any) -> TextLine:
    """Make a line of text; its vertical centre is that of capitals, so that labels in a row align."""
    return TextLine(text_path(text, bold), text, size, rgb, **keys)


def formula(typst: str, size: float = BODY, rgb: ArrayLike = (1, 1, 1), **keys: Any) -> TextLine:
    """Typeset a formula in Typst's syntax (``a^((1)) = sigma(z^((1)))``)."""
    return TextLine(formula_path(typst), typst, size, rgb, **keys)


def line_width(text: str, size: float = BODY, bold: bool = False) -> float:
    """Return the width of a line of text in scene units."""
    return text_path(text, bold).width * size * PIXEL


def ellipsize_line(text: str, width: float, size: float = BODY, bold: bool = False) -> str:
    """Cut a text to `width` scene units, with an ellipsis if it is longer."""
    if not text or line_width(text, size, bold) <= width:
        return text
    cuts = (text[:n].rstrip() + "…" for n in range(len(text) - 1, 0, -1))
    return next((cut for cut in cuts if line_width(cut, size, bold) <= width), "…")

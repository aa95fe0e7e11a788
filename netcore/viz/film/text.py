"""Text and formulas as single mobjects, filled by Cairo from the outlines of `netcore.viz.film.glyph_paths`."""

from typing import Any

import cairo
import numpy as np

from netcore.viz.film.base_mobject import BODY, PIXEL, ArrayMobject
from netcore.viz.film.glyph_paths import EM, GlyphPath, formula_path, text_path


class TextLine(ArrayMobject):
    """Something written: `text` tells what, `points` are two corners of the box that it is placed by.

    Parameters
    ----------
    outline : Outline
    text : str
    size : float, pixels an em
    rgb : (3,)
    at : (2,), where the point `align` of the box lies
    align : (2,), -1 left or bottom, 0 middle, 1 right or top
    """

    def __init__(
        self, outline: GlyphPath, text: str, size: float, rgb: Any, at: Any = (0, 0), align: Any = (0, 0), **keys: Any
    ) -> None:
        extent = np.array([outline.width, outline.height]) * size * PIXEL
        low = np.asarray(at, float)[:2] - (np.asarray(align, float) + 1) / 2 * extent
        super().__init__([low, low + extent], **keys)
        self.outline, self.text, self.size = outline, text, float(size)
        self.rgb = np.asarray(rgb, float)

    def paint(self, ctx: cairo.Context) -> None:
        if self.opacity <= 0:
            return
        ctx.save()
        ctx.translate(*self.points[0, :2])
        scale = self._unit / EM
        ctx.scale(scale, scale)
        ctx.append_path(self.outline.path)
        ctx.restore()
        self.ink(ctx, self.rgb)
        ctx.fill()

    @property
    def _unit(self) -> float:
        """Scene units an em, after whatever scaling was done."""
        return float(self.points[1, 0] - self.points[0, 0]) / self.outline.width

    def box(self) -> np.ndarray:
        """What is inked: (4,) left, bottom, right, top."""
        origin, unit = self.points[0, :2], self._unit
        return np.concatenate([origin + self.outline.low * unit, origin + self.outline.high * unit])


def text_line(text: str, size: float = BODY, rgb: Any = (1, 1, 1), bold: bool = False, **keys: Any) -> TextLine:
    """A line of text; the middle of its height is that of its capitals, so that labels in a row stand in a row."""
    return TextLine(text_path(text, bold), text, size, rgb, **keys)


def formula(typst: str, size: float = BODY, rgb: Any = (1, 1, 1), **keys: Any) -> TextLine:
    """A formula in Typst's mathematics (``a^((1)) = sigma(z^((1)))``)."""
    return TextLine(formula_path(typst), typst, size, rgb, **keys)


def line_width(text: str, size: float = BODY, bold: bool = False) -> float:
    """Width of a line of text in scene units."""
    return text_path(text, bold).width * size * PIXEL


def ellipsize_line(text: str, width: float, size: float = BODY, bold: bool = False) -> str:
    """Cut a text to `width` scene units, an ellipsis at its end where something was cut."""
    if line_width(text, size, bold) <= width:
        return text
    cuts = (text[:n].rstrip() + "…" for n in range(len(text) - 1, 0, -1))
    return next((cut for cut in cuts if line_width(cut, size, bold) <= width), "…")

"""Texts drawn from cached glyph bitmaps.

Matplotlib shapes a text and rasterises its glyphs again each time it draws it. Without this cache, setting up and
drawing all frames took 1.3 times the CPU time for the confusion matrix and 1.6 times for the dashboard. A Matplotlib
without the inner functions that this needs draws its texts itself.
"""

from functools import lru_cache
from types import MethodType
from typing import Any

import numpy as np
from matplotlib.backends import backend_agg
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, fontManager, get_font
from numpy.typing import NDArray

POSSIBLE = hasattr(RendererAgg, "_draw_text_glyphs_and_boxes") and hasattr(backend_agg, "RenderMode")
MAX_GLYPHS = 20_000  # each digit at each of 64 places within a pixel, in a few sizes


def cache_glyphs(renderer: RendererAgg) -> RendererAgg:
    """Return the renderer, which draws texts from cached glyphs from now on."""
    if POSSIBLE and "draw_text" not in vars(renderer):
        renderer.draw_text = MethodType(_draw_text, renderer)  # type: ignore[method-assign]  # of this renderer alone
    return renderer


def _draw_text(
    self: Any, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False, mtext: Any = None
) -> None:
    special = mtext is not None and (mtext.get_fontfeatures() or mtext.get_language())
    if ismath or angle or special or not gc.get_antialiased():
        RendererAgg.draw_text(self, gc, x, y, s, prop, angle, ismath, mtext)
        return
    size, flags, height = prop.get_size_in_points(), backend_agg.get_hinting_flag(), int(self.height)
    for font, index, dx, dy in _shaped(s, prop, self.dpi, flags):
        left, up = round(64 * (x + dx)), round(64 * (self.height - y + dy))  # y is downwards, glyphs go upwards
        buffer, right, top = _glyph(font, size, self.dpi, index, left % 64, up % 64, flags)
        self._renderer.draw_text_image(buffer, right + left // 64, height - top - up // 64 + len(buffer), 0, gc)


@lru_cache(MAX_GLYPHS)
def _shaped(s: str, prop: FontProperties, dpi: float, flags: Any) -> tuple[tuple[Any, int, float, float], ...]:
    """Font, glyph, and place in pixels of each letter."""
    font = get_font(fontManager._find_fonts_by_props(prop))
    font.clear()
    font.set_size(prop.get_size_in_points(), dpi)
    items = font._layout(s, flags=flags, features=None, language=None)
    return tuple((item.ft_object, item.glyph_index, item.x, item.y) for item in items)


@lru_cache(MAX_GLYPHS)
def _glyph(
    font: Any, size: float, dpi: float, index: int, dx: int, dy: int, flags: Any
) -> tuple[NDArray[Any], int, int]:
    """Bitmap of a glyph, `dx` and `dy` 64ths of a pixel off, with its left and its upper end."""
    font.set_size(size, dpi)
    font._set_transform(np.array([[0x10000, 0], [0, 0x10000]]), [dx, dy])
    bitmap = font._render_glyph(index, flags, backend_agg.RenderMode.NORMAL)
    return np.array(bitmap.buffer), bitmap.left, bitmap.top

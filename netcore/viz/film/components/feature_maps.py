"""Feature maps in a film, with shape, count and color scale."""

from typing import Any

import cairo
import numpy as np

from netcore.core.formatting import format_number, format_shape
from netcore.viz.colors import map_colors
from netcore.viz.film.base_mobject import BODY, NOTE, PIXEL, ArrayMobject
from netcore.viz.film.mobjects import Neurons, PixelImages
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.grid_layout import free_cell, grid_frames, max_pixel_size
from netcore.viz.layout.image_frames import axis_aligned_frame
from netcore.viz.theme import Theme

GAP = 0.1  # between maps
SIDE = 4.4  # of the square around a volume: three maps of 28 × 28 then have three screen pixels per pixel
RAMP = (0.72, 0.16)  # width and height of the scale
DOT = 2 * PIXEL  # radius of the dots that stand for what is left out
LINES = (0.24, 0.3)  # distance of the text above and of the text below from the square


class FeatureMaps(PixelImages):
    """Images of one size, the first in front, drawn row by row as far as `progress` in [0, 1] says.

    `values` (N, H, W) is what the colours `rgb` (N, H, W, 3) stand for, `scale` the value of the full colour.
    """

    def __init__(self, rgb: Any, frames: Any, values: Any = (), scale: float = 1.0, **keys: Any) -> None:
        super().__init__(rgb, frames, **keys)
        self.values, self.scale = np.asarray(values, dtype=float), float(scale)
        self.progress = 1.0
        self._bytes: tuple[Any, np.ndarray] = (None, np.zeros(0))

    def draw(self, ctx: cairo.Context) -> None:
        n, h, w, _ = self.rgb.shape
        if self._bytes[0] is not self.rgb:
            bytes_ = np.full((n, h, w, 4), 255, dtype=np.uint8)
            bytes_[..., :3] = np.clip(np.rint(self.rgb * 255), 0, 255)
            self._bytes = self.rgb, bytes_
        rows = int(np.floor(self.progress * h + 1e-6))
        for image, (origin, right, down) in list(zip(self._bytes[1], self.corners(), strict=True))[::-1]:
            self._image(ctx, image, origin, (right - origin) / w, (down - origin) / h, rows)
            if self.outline is not None:
                for x, y in (origin, right, right + down - origin, down):
                    ctx.line_to(x, y)
                ctx.close_path()
                ctx.set_line_width(self.width_px * PIXEL)
                self.set_source(ctx, self.outline)
                ctx.stroke()

    def _image(self, ctx: cairo.Context, image: Any, origin: Any, across: Any, down: Any, rows: int) -> None:
        h, w, _ = image.shape
        if rows == 0 or abs(across[0] * down[1] - across[1] * down[0]) < 1e-12:
            return
        ctx.save()
        ctx.transform(cairo.Matrix(*across, *down, *origin))
        ctx.set_source_surface(cairo.ImageSurface.create_for_data(image, cairo.FORMAT_ARGB32, w, h))
        fine = min(abs(across).max(), abs(down).max()) < PIXEL * 0.9
        ctx.get_source().set_filter(cairo.FILTER_GOOD if fine else cairo.FILTER_NEAREST)
        ctx.rectangle(0, 0, w, rows)
        if self.opacity < 1:
            ctx.clip()
            ctx.paint_with_alpha(self.opacity)
        else:
            ctx.fill()
        ctx.restore()

    def __deepcopy__(self, memo: Any) -> "FeatureMaps":
        return self  # nothing here copies mobjects, and Manim's own copies of what moves are not needed


class FeatureMapGroup:
    """Some maps of a layer in a square, and what they are: shape above, count and scale below.

    Parameters
    ----------
    theme : Theme
    values : (C, H, W), all maps of the layer
    chosen : (N,), those shown
    centre : (2,), of the square
    unit : side of a pixel; None: as large as fits, never larger
    """

    def __init__(
        self,
        theme: Theme,
        values: np.ndarray,
        chosen: np.ndarray,
        center: tuple[float, float],
        unit: float | None = None,
    ) -> None:
        self.theme, self.chosen, self.center, self.shape = theme, chosen, center, values.shape
        self.size = values.shape[1:]
        fit = max_pixel_size(len(chosen), self.size, SIDE, GAP)
        self.unit = fit if unit is None else min(unit, fit)
        rgb, scale, signed = map_colors(theme, values[chosen])
        place = grid_frames(len(chosen), self.size, center, self.unit, GAP)
        self.maps = FeatureMaps(rgb, place, values[chosen], scale, outline=theme.rgb("faint"))
        self.scale = self.legend(scale, signed)
        self.texts: list[ArrayMobject] = [self._title()]
        if len(chosen) < len(values):
            self.texts += self._count(len(values))

    @property
    def everything(self) -> list[ArrayMobject]:
        return [self.maps, *self.texts, *self.scale]

    @property
    def top(self) -> float:
        return self.center[1] + SIDE / 2 + LINES[0]

    @property
    def bottom(self) -> float:
        return self.center[1] - SIDE / 2 - LINES[1]

    def _title(self) -> ArrayMobject:
        return text_line(
            format_shape(self.shape), BODY, self.theme.rgb("foreground"), bold=True, at=(self.center[0], self.top)
        )

    def _count(self, total: int) -> list[ArrayMobject]:
        muted, n = self.theme.rgb("muted"), len(self.chosen)
        at = (self.center[0] - SIDE / 2, self.bottom)
        text = f"{n:,} of {total:,}"
        room = self.scale[0].bounding_box()[0] - at[0] - 0.15
        text += " maps" if line_width(text + " maps", NOTE) < room else ""
        out: list[ArrayMobject] = [text_line(text, NOTE, muted, at=at, align=(-1, 0))]
        dots = self.dots()
        if dots is not None:
            out.append(Neurons(dots, DOT, muted, muted, width=0))
        return out

    def dots(self) -> np.ndarray | None:
        """Centres (3, 2) of the dots in the free place, which stand for the maps that are left out."""
        free = free_cell(len(self.chosen), self.size, self.center, self.unit, GAP)
        step = min(0.28 * self.size[1] * self.unit, 0.2)
        return None if free is None else free + np.array([[-1, 0], [0, 0], [1, 0]]) * step

    def legend(self, scale: float, signed: bool) -> list[ArrayMobject]:
        """What the shades stand for."""
        return color_scale(self.theme, self.center[0] + SIDE / 2, self.bottom, scale, signed)


def color_scale(theme: Theme, right: float, y: float, scale: float, signed: bool) -> list[ArrayMobject]:
    """What shades stand for, from one end of the palette to the other: lower number, ramp, upper number."""
    muted, (width, height) = theme.rgb("muted"), RAMP
    low = f"−{format_number(scale)}" if signed else "0"
    high = text_line(format_number(scale), NOTE, muted, at=(right, y), align=(1, 0))
    left = right - line_width(format_number(scale), NOTE) - 0.1 - width
    rgb = (theme.signed_colors if signed else theme.activation_colors)(np.linspace(-1 if signed else 0, 1, 48))[None]
    ramp = PixelImages(rgb, axis_aligned_frame(left, y - height / 2, width, height), outline=theme.rgb("faint"))
    return [text_line(low, NOTE, muted, at=(left - 0.1, y), align=(1, 0)), ramp, high]

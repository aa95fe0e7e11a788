"""Feature maps on the stage: one mobject for many maps, and a volume: maps with shape, count and scale beside them."""

from typing import Any

import cairo
import numpy as np

from netcore.core.formatting import format_number, format_shape
from netcore.stage.layout import upright
from netcore.stage.mobjects import BODY, NOTE, PX, Drawn, Neurons, Pixels
from netcore.stage.text import label, text_width
from netcore.stage.theme import Theme
from netcore.stage.tiles import free_place, largest_unit, tiles

GAP = 0.1  # between maps
SIDE = 4.4  # of the square that a volume stands in: three maps of 28 × 28 are three screen pixels a pixel then
RAMP = (0.72, 0.16)  # width and height of the scale
DOT = 2 * PX  # radius of the dots that stand for what is left out
LINES = (0.24, 0.3)  # distance of the text above and of the text below from the square


class Maps(Pixels):
    """Images of one size, the first in front, drawn row by row as far as `progress` in [0, 1] says.

    `values` (N, H, W) is what the colours `rgb` (N, H, W, 3) stand for, `scale` the value of the full colour.
    """

    def __init__(self, rgb: Any, frames: Any, values: Any = (), scale: float = 1.0, **keys: Any) -> None:
        super().__init__(rgb, frames, **keys)
        self.values, self.scale = np.asarray(values, dtype=float), float(scale)
        self.progress = 1.0
        self._bytes: tuple[Any, np.ndarray] = (None, np.zeros(0))

    def paint(self, ctx: cairo.Context) -> None:
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
                ctx.set_line_width(self.width_px * PX)
                self.ink(ctx, self.outline)
                ctx.stroke()

    def _image(self, ctx: cairo.Context, image: Any, origin: Any, across: Any, down: Any, rows: int) -> None:
        h, w, _ = image.shape
        if rows == 0 or abs(across[0] * down[1] - across[1] * down[0]) < 1e-12:
            return
        ctx.save()
        ctx.transform(cairo.Matrix(*across, *down, *origin))
        ctx.set_source_surface(cairo.ImageSurface.create_for_data(image, cairo.FORMAT_ARGB32, w, h))
        fine = min(abs(across).max(), abs(down).max()) < PX * 0.9
        ctx.get_source().set_filter(cairo.FILTER_GOOD if fine else cairo.FILTER_NEAREST)
        ctx.rectangle(0, 0, w, rows)
        if self.opacity < 1:
            ctx.clip()
            ctx.paint_with_alpha(self.opacity)
        else:
            ctx.fill()
        ctx.restore()

    def __deepcopy__(self, memo: Any) -> "Maps":
        return self  # nothing here copies mobjects, and Manim's own copies of what moves are not needed


def colours(theme: Theme, values: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """Colours (…, 3) of maps on one scale, the value of the full colour, and whether the palette is the signed one."""
    values = np.asarray(values, dtype=float)
    scale = float(np.abs(values).max()) or 1.0
    signed = bool((values < 0).any())
    return (theme.signed if signed else theme.activation)(values / scale), scale, signed


class Volume:
    """Some maps of a layer in a square, and what they are: shape above, count and scale below.

    Parameters
    ----------
    theme : Theme
    values : (C, H, W), all maps of the layer
    chosen : (N,), those shown
    centre : (2,), of the square
    unit : side of a pixel; as large as fits where it is None, never larger
    """

    def __init__(
        self,
        theme: Theme,
        values: np.ndarray,
        chosen: np.ndarray,
        centre: tuple[float, float],
        unit: float | None = None,
    ) -> None:
        self.theme, self.chosen, self.centre, self.shape = theme, chosen, centre, values.shape
        self.size = values.shape[1:]
        fit = largest_unit(len(chosen), self.size, SIDE, GAP)
        self.unit = fit if unit is None else min(unit, fit)
        rgb, scale, signed = colours(theme, values[chosen])
        place = tiles(len(chosen), self.size, centre, self.unit, GAP)
        self.maps = Maps(rgb, place, values[chosen], scale, outline=theme.rgb("faint"))
        self.scale = self.legend(scale, signed)
        self.texts: list[Drawn] = [self._title()]
        if len(chosen) < len(values):
            self.texts += self._count(len(values))

    @property
    def everything(self) -> list[Drawn]:
        return [self.maps, *self.texts, *self.scale]

    @property
    def top(self) -> float:
        return self.centre[1] + SIDE / 2 + LINES[0]

    @property
    def bottom(self) -> float:
        return self.centre[1] - SIDE / 2 - LINES[1]

    def _title(self) -> Drawn:
        return label(format_shape(self.shape), BODY, self.theme.rgb("ink"), bold=True, at=(self.centre[0], self.top))

    def _count(self, total: int) -> list[Drawn]:
        muted, n = self.theme.rgb("muted"), len(self.chosen)
        at = (self.centre[0] - SIDE / 2, self.bottom)
        text = f"{n:,} of {total:,}"
        room = self.scale[0].box()[0] - at[0] - 0.15
        text += " maps" if text_width(text + " maps", NOTE) < room else ""
        out: list[Drawn] = [label(text, NOTE, muted, at=at, align=(-1, 0))]
        dots = self.dots()
        if dots is not None:
            out.append(Neurons(dots, DOT, muted, muted, width=0))
        return out

    def dots(self) -> np.ndarray | None:
        """Centres (3, 2) of the dots in the free place, which stand for the maps that are left out."""
        free = free_place(len(self.chosen), self.size, self.centre, self.unit, GAP)
        step = min(0.28 * self.size[1] * self.unit, 0.2)
        return None if free is None else free + np.array([[-1, 0], [0, 0], [1, 0]]) * step

    def legend(self, scale: float, signed: bool) -> list[Drawn]:
        """What the shades stand for."""
        return scale_bar(self.theme, self.centre[0] + SIDE / 2, self.bottom, scale, signed)


def scale_bar(theme: Theme, right: float, y: float, scale: float, signed: bool) -> list[Drawn]:
    """What shades stand for, from one end of the palette to the other: lower number, ramp, upper number."""
    muted, (width, height) = theme.rgb("muted"), RAMP
    low = f"−{format_number(scale)}" if signed else "0"
    high = label(format_number(scale), NOTE, muted, at=(right, y), align=(1, 0))
    left = right - text_width(format_number(scale), NOTE) - 0.1 - width
    rgb = (theme.signed if signed else theme.activation)(np.linspace(-1 if signed else 0, 1, 48))[None]
    ramp = Pixels(rgb, upright(left, y - height / 2, width, height), outline=theme.rgb("faint"))
    return [label(low, NOTE, muted, at=(left - 0.1, y), align=(1, 0)), ramp, high]

"""Image and detail at the side, tiles of one layer beside them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import format_count
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.color_scale import ColorScale
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.tiles import Tiles, hatching, tile_frames, value_cells
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

LINE = 24 * PIXEL  # height of a line of text
RAIL, GAP = 0.215, 0.025  # widths of the rail and of the space beside it, as shares of the stage
NUMBER_ROOM = 38 * PIXEL  # left of tiles
STRIP_CELL = 9 * PIXEL


class MapScreen:
    """The image and a detail in a rail, the tiles of one layer, a heading and a scale.

    Parameters
    ----------
    theme : Theme
    stage : Area
    pixels : ndarray of uint8, shape (C, H, W)
        The image.
    layers : sequence of str
        Titles of the layers that the film passes, for the row of marks at the upper right.
    pixel : float
        Side of a pixel of the frame.

    Attributes
    ----------
    image, tiles : PixelImages
        The image, and the tiles on screen.
    body, grid : Area
        Place of a picture; of the tiles of many maps, at whose left are numbers.
    """

    def __init__(
        self, theme: Theme, stage: Area, pixels: NDArray[np.uint8], layers: Sequence[str] = (), pixel: float = PIXEL
    ) -> None:
        self.theme, self.stage, self.pixel, self.layers = theme, stage, pixel, list(layers)
        wide = stage.width > 1.3 * stage.height
        if wide:
            rail, main = stage.columns([RAIL, 1 - RAIL - GAP], GAP * stage.width)
            upper, lower = rail.rows([0.44, 0.56], 0.2)
        else:
            rail, main = stage.rows([0.3, 0.67], 0.03 * stage.height)
            upper, lower = rail.columns([1, 1], 0.4)
        self.picture_area, self.detail_area = (_below(a, LINE) for a in (upper, lower))
        self.heads = [a.at(0.5, 0)[0] for a in (upper, lower)], [a.top - LINE / 2 for a in (upper, lower)]
        self.main = main
        self.body = Area(main.left, main.bottom + 1.1 * LINE, main.right, main.top - 1.3 * LINE)
        self.grid = Area(self.body.left + NUMBER_ROOM, self.body.bottom, self.body.right, self.body.top)
        rgb = image_rgb(theme, pixels)
        self.size: tuple[int, int] = rgb.shape[:2]
        middle = Area(stage.left, self.body.bottom, stage.right, self.body.top if wide else stage.top)
        self.image = PixelImages(rgb, middle.fit(*self.size[::-1]).frame, outline=theme.rgb("faint"))
        self.tiles: Tiles | None = None
        self.dead: list[ArrayMobject] = []
        self.texts: list[ArrayMobject] = []
        self.legend: list[ArrayMobject] = []
        self.details: list[ArrayMobject] = []
        self.marks: list[ArrayMobject] = []
        self.strip: Rectangles | None = None

    # ---- the rail

    def image_frame(self) -> NDArray[np.float64]:
        """Frame (1, 3, 2) of the image in the rail."""
        return self.picture_area.fit(*self.size[::-1]).frame

    def image_to_rail(self) -> list[Animate]:
        """Move the image into the rail; its heading appears."""
        head = text_line("image", LABEL, self.theme.rgb("muted"), at=(self.heads[0][0], self.heads[1][0]))
        return [*travel(self.image, self.image_frame()), *fade_in([head], delay=0.5)]

    def show_detail(
        self, title: str, values: ArrayLike, limit: float, signed: bool, delay: float = 0.0, texts: Sequence[str] = ()
    ) -> list[Animate]:
        """Replace the cells in the rail: values (H, W) with their numbers, and their scale."""
        old, area = self.details, self.detail_area
        title = ellipsize_line(title, area.width + 0.3, LABEL)
        cells = Area(area.left, area.bottom + LINE, area.right, area.top)
        y = area.bottom + LINE / 2 - 2 * PIXEL
        self.details = [
            text_line(title, LABEL, self.theme.rgb("muted"), at=(self.heads[0][1], self.heads[1][1])),
            value_cells(self.theme, values, cells, limit, signed, texts),
        ]
        self.details += centered_scale(self.theme, limit, signed, (area.center[0], y))
        return [*fade_out(old), *fade_in(self.details, delay=delay + (0.3 if old else 0.0))]

    def clear_detail(self) -> list[Animate]:
        """Remove the cells in the rail."""
        old, self.details = self.details, []
        return fade_out(old)

    # ---- heading and scale

    def head(self, title: str, note: str = "", at: int | None = None) -> list[Animate]:
        """Replace the line above the tiles, and mark the layer `at` in the row of marks."""
        theme, y = self.theme, self.main.top - LINE / 2
        old, x = self.texts, self.main.left
        place = f"layer {at + 1} of {len(self.layers)}" if self.layers and at is not None else ""
        cells = len(self.layers) * 1.5 * STRIP_CELL
        room = self.main.width - cells - line_width(place, LABEL) - 0.5
        title = ellipsize_line(title, room, NUMBER, bold=True)
        self.texts = [text_line(title, NUMBER, theme.rgb("foreground"), bold=True, at=(x, y), align=(-1, 0))]
        left = line_width(title, NUMBER, bold=True) + 0.3
        if note and room - left > 1:
            note = ellipsize_line(note, room - left, LABEL)
            self.texts.append(text_line(note, LABEL, theme.rgb("muted"), at=(x + left, y), align=(-1, 0)))
        if place:
            end = (self.main.right - cells - 0.15, y)
            self.texts.append(text_line(place, LABEL, theme.rgb("muted"), at=end, align=(1, 0)))
        return [*fade_out(old), *fade_in(self.texts, delay=0.3 if old else 0.0), *self._go_to(at)]

    def _go_to(self, at: int | None) -> list[Animate]:
        if not self.layers or at is None:
            return []
        n, y = len(self.layers), self.main.top - LINE / 2
        fill = np.tile([*self.theme.rgb("faint"), 1.0], (n, 1))
        fill[at] = [*self.theme.rgb("emphasis"), 1.0]
        if self.strip is None:
            left = self.main.right - 1.5 * STRIP_CELL * np.arange(n, 0, -1)
            low = np.column_stack([left, np.full(n, y - STRIP_CELL / 2)])
            self.strip = Rectangles(np.stack([low, low + STRIP_CELL], axis=1), fill)
            return fade_in([self.strip])
        return [Animate(self.strip, fill=fill, run_time=0.3)]

    def scale(self, limit: float, signed: bool, note: str = "") -> list[Animate]:
        """Replace the colour scale below the tiles, with a note at its left."""
        old, y = self.legend, self.main.bottom + LINE / 2 - 2 * PIXEL
        scale = ColorScale(self.theme, scale_ends(limit, signed), signed, (self.main.right, y))
        self.legend = list(scale.mobjects)
        if note:
            room = self.main.width - scale.width
            text = ellipsize_line(note, room, LABEL)
            self.legend.append(text_line(text, LABEL, self.theme.rgb("muted"), at=(self.main.left, y), align=(-1, 0)))
        return [*fade_out(old), *fade_in(self.legend, delay=0.3 if old else 0.0)]

    # ---- tiles

    def make_tiles(self, values: NDArray[np.floating], limit: float, area: Area | None = None) -> Tiles:
        """Return maps (N, H, W) as tiles in the body, on a scale that ends at `limit`."""
        signed = bool((values < 0).any())
        rgb = (self.theme.signed_colors if signed else self.theme.activation_colors)(values / limit)
        size = values.shape[1:]
        frames = tile_frames(area or self.grid, len(values), (size[0], size[1]), pixel=self.pixel)
        return Tiles(rgb, frames, values, limit, outline=self.theme.rgb("faint"))

    def hatch(self, tiles: Tiles) -> list[ArrayMobject]:
        """Return the hatching of the tiles that are 0 everywhere."""
        dead = ~tiles.values.reshape(len(tiles.values), -1).any(1)
        return [hatching(self.theme, tiles.corners()[dead])] if dead.any() else []

    def clear(self, *keep: ArrayMobject) -> list[Animate]:
        """Remove tiles, hatching and marks."""
        old = [m for m in [self.tiles, *self.dead, *self.marks] if m is not None and m not in keep]
        self.dead, self.marks = [], []
        return fade_out(old)


def image_rgb(theme: Theme, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the colours (H, W, 3) of an image (C, H, W): its own, or from ground to ink."""
    return pixels.transpose(1, 2, 0) / 255 if len(pixels) == 3 else theme.activation_colors(pixels.mean(0) / 255)


def map_limit(values: NDArray[np.floating]) -> tuple[float, bool]:
    """Return the value of the full colour of maps, and whether they are signed."""
    return float(np.abs(values).max()) or 1.0, bool((values < 0).any())


def scale_ends(limit: float, signed: bool) -> tuple[float, float]:
    """Return the ends of a scale of colours."""
    return (-limit if signed else 0.0), limit


def centered_scale(theme: Theme, limit: float, signed: bool, at: tuple[float, float]) -> list[ArrayMobject]:
    """Return a scale of colours whose middle is at a point."""
    found = ColorScale(theme, scale_ends(limit, signed), signed, (0.0, at[1])).mobjects
    left, right = found[0].bounding_box()[0], found[-1].bounding_box()[2]
    for mobject in found:
        mobject.shift(np.array([at[0] - (left + right) / 2, 0.0, 0.0]))
    return found


def dead_note(values: NDArray[np.floating]) -> str:
    """Say how many maps (N, …) are 0 everywhere, "" if none is."""
    dead = int((~values.reshape(len(values), -1).any(1)).sum())
    return f"{format_count(dead, 'map')} all 0, hatched" if dead else ""


def _below(area: Area, line: float) -> Area:
    return Area(area.left, area.bottom, area.right, area.top - line)

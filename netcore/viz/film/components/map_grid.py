"""All maps of a layer as tiles, one of them larger."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import linear
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.color_scale import ColorScale
from netcore.viz.film.components.feature_maps import FeatureMaps, abs_max, map_rgb
from netcore.viz.film.text import TextLine, ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import TILE_GAP, followed_frames, pixel_corners
from netcore.viz.theme import Theme

LINE = 0.38  # height of the title above the tiles, and of the scale below
APPEAR, CHANGE, TRAVEL = 0.3, 0.6, 0.8  # seconds
MANY, QUICK = 8, 0.3  # more maps than these move and change in so many seconds: each frame of it costs a clip much


def value_ends(vmax: float, signed: bool) -> tuple[float, float]:
    """Values of both ends of a scale."""
    return (-vmax if signed else 0.0), vmax


class MapGrid:
    """All maps of a layer on one colour scale: one followed, at the upper left, and larger.

    Parameters
    ----------
    theme : Theme
    values : array_like, shape (C, H, W)
    area : Area
        For tiles, title above and scale below.
    index : sequence of int
        Maps that are shown, the followed one first.
    title, note : str
        Above the tiles, and at the left below them.
    rgb : array_like, shape (N, H, W, 3), optional
        Colours of an image, which has no scale unless `ends` is given.
    vmax : float, optional
        Value of the full colour; default: the largest magnitude.
    signed : bool, optional
        Whether colours show signs; default: whether any value is negative.
    ends : (float, float), optional
        Ends of the scale.
    gap : float
        Between tiles, as a share of their pitch.

    Attributes
    ----------
    label : str
        What the tiles are, where they are shown without title: at first the title.
    """

    def __init__(
        self,
        theme: Theme,
        values: ArrayLike,
        area: Area,
        index: Sequence[int] = (0,),
        title: str = "",
        note: str = "",
        rgb: ArrayLike | None = None,
        vmax: float | None = None,
        signed: bool | None = None,
        ends: tuple[float, float] | None = None,
        gap: float = TILE_GAP,
    ) -> None:
        self.gap, self.label = gap, title
        self.theme, self.area, self.index = theme, area, list(index)
        every = np.asarray(values, float)
        chosen = every[self.index]
        self.size: tuple[int, int] = (every.shape[1], every.shape[2])
        vmax = abs_max(every) if vmax is None else vmax
        self.signed = bool((every < 0).any()) if signed is None else signed
        colors = map_rgb(theme, chosen, vmax, self.signed) if rgb is None else np.asarray(rgb, float)
        self.maps = FeatureMaps(colors, self.frames(area), chosen, vmax, outline=theme.rgb("faint"))
        ink, muted, box = theme.rgb("foreground"), theme.rgb("muted"), self._box(area)
        self.title = text_line(ellipsize_line(title, area.width, LABEL), LABEL, ink, at=self._title_at(box))
        if ends is None and rgb is None:
            ends = value_ends(vmax, self.signed)
        self.scale = ColorScale(theme, ends, self.signed, (0.0, 0.0)) if ends else None
        if self.scale:
            self.scale.place(self._scale_at(box))
        room = box.width - (self.scale.width if self.scale else 0.0)
        self.note = text_line(ellipsize_line(note, room, LABEL), LABEL, muted, at=self._note_at(box), align=(-1, 0))

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Tiles, title, scale and note."""
        words = [line for line in (self.title, self.note) if line.text]
        return [self.maps, *words, *(self.scale.mobjects if self.scale else [])]

    def tiles(self, area: Area) -> Area:
        """Part of an area for the tiles."""
        return Area(area.left, area.bottom + LINE, area.right, area.top - LINE)

    def rows_of(self, area: Area, other: Area) -> Area:
        """Return the part of another area at the height that title, tiles and scale have in an area."""
        box = self._box(area)
        return Area(other.left, box.bottom - LINE, other.right, box.top + LINE)

    def place_of_one(self, box: Area) -> Area:
        """Return the area in which one tile fills a box."""
        x, y = box.center
        half = np.array([box.width, box.height]) / 2 / (1 - self.gap)
        return Area(x - half[0], y - half[1] - LINE, x + half[0], y + half[1] + LINE)

    def frames(self, area: Area) -> NDArray[np.float64]:
        """Frames (N, 3, 2) of the tiles in an area."""
        return followed_frames(self.tiles(area), len(self.index), self.size, self.gap)

    def _box(self, area: Area) -> Area:
        """Bounds of the tiles, at least wide enough for the scale."""
        frames = self.frames(area).reshape(-1, 2)
        (x0, y0), (x1, y1) = frames.min(0), frames.max(0)
        wide = max(x1 - x0, min(area.width, 3.4))
        middle = float(np.clip((x0 + x1) / 2, area.left + wide / 2, area.right - wide / 2))
        return Area(middle - wide / 2, float(y0), middle + wide / 2, float(y1))

    def _title_at(self, box: Area) -> tuple[float, float]:
        return box.center[0], box.top + LINE / 2

    def _scale_at(self, box: Area) -> tuple[float, float]:
        """Right end of the scale: in the middle below one tile, else flush with the tiles."""
        middle = len(self.index) == 1 and self.scale is not None
        right = box.center[0] + self.scale.width / 2 - 0.1 if middle and self.scale else box.right
        return right, box.bottom - LINE / 2 - 0.02

    def _note_at(self, box: Area) -> tuple[float, float]:
        return box.left, box.bottom - LINE / 2 - 0.02

    def appear(self, run_time: float = APPEAR, delay: float = 0.0) -> list[Animate]:
        """Let everything appear."""
        return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=run_time, delay=delay) for m in self.mobjects]

    def leave(self, run_time: float = APPEAR, keep_tiles: bool = False) -> list[Animate]:
        """Let everything leave; with `keep_tiles` only what is written."""
        gone = [m for m in self.mobjects if not (keep_tiles and m is self.maps)]
        return [Animate(m, opacity=0.0, run_time=run_time, remover=True) for m in gone]

    def show_empty(self) -> list[Animate]:
        """Let an empty map appear."""
        self.maps.first = self.maps.last = 0.0
        return self.appear()

    def show_pixel(self, row: int, column: int, delay: float = 0.0) -> list[Animate]:
        """Let an empty map appear, with one of its pixels."""
        h, w = self.size
        self.maps.first, self.maps.last = (row * w + column) / (h * w), (row * w + column + 1) / (h * w)
        return self.appear(delay=delay)

    def fill(self, run_time: float, delay: float = 0.0) -> Animate:
        """Let all maps fill at once, along the rows."""
        return Animate(
            self.maps, start={"first": 0.0, "last": 0.0}, last=1.0, run_time=run_time, delay=delay, rate_func=linear
        )

    def move(self, area: Area, run_time: float = TRAVEL, delay: float = 0.0) -> list[Animate]:
        """Move everything to another area."""
        self.area = area
        box = self._box(area)
        keys: dict[str, Any] = {"run_time": self._seconds(run_time), "delay": delay}
        out = [Animate(self.maps, points=self.frames(area).reshape(-1, 2), **keys)]
        if self.title.text:
            out.append(_shift(self.title, self._title_at(box), 0, keys))
        if self.note.text:
            out.append(_shift(self.note, self._note_at(box), -1, keys))
        return out + (self.scale.move(self._scale_at(box), **keys) if self.scale else [])

    @property
    def travel_seconds(self) -> float:
        """How long its tiles take to move."""
        return self._seconds(TRAVEL)

    def pixel(self, row: int, column: int) -> NDArray[np.float64]:
        """Corners (2, 3) of a pixel of the followed map, where it is or goes."""
        corners = pixel_corners(self.frames(self.area)[0], self.size, (row, row + 1), (column, column + 1))
        return np.pad(corners, ((0, 0), (0, 1)))

    def change(
        self, values: ArrayLike, title: str = "", run_time: float = CHANGE, signed: bool | None = None
    ) -> list[Animate]:
        """Turn the maps into others of the same size; their scale counts over.

        Parameters
        ----------
        values : array_like, shape (C, H, W)
            All maps of the layer.
        title : str
            New title, if it is another one.
        run_time : float
        signed : bool, optional
            Whether colours show signs; default: whether any value is negative.
        """
        every = np.asarray(values, float)
        vmax, self.signed = abs_max(every), bool((every < 0).any()) if signed is None else signed
        chosen, run_time = every[self.index], self._seconds(run_time)
        self.maps.values, self.maps.vmax = chosen, vmax
        out = [Animate(self.maps, rgb=map_rgb(self.theme, chosen, vmax, self.signed), run_time=run_time)]
        if self.scale:
            out += self.scale.change(value_ends(vmax, self.signed), self.signed, run_time)
        return out + (self.retitle(title) if title and title != self.title.text else [])

    def _seconds(self, run_time: float) -> float:
        return min(run_time, QUICK) if len(self.index) > MANY else run_time

    def retitle(self, title: str) -> list[Animate]:
        """Replace the title."""
        old, box = self.title, self._box(self.area)
        rgb = self.theme.rgb("foreground")
        self.title = text_line(ellipsize_line(title, self.area.width, LABEL), LABEL, rgb, at=self._title_at(box))
        return [
            Animate(old, opacity=0.0, run_time=APPEAR, remover=True),
            Animate(self.title, start={"opacity": 0.0}, opacity=1.0, run_time=APPEAR, delay=APPEAR),
        ]


def _shift(line: TextLine, at: tuple[float, float], side: int, keys: dict[str, Any]) -> Animate:
    """Move a line so that its middle (0) or left end (-1) is at a point."""
    low, high = line.points[0], line.points[1]
    x = (low[0] + high[0]) / 2 if side == 0 else low[0]
    step = np.array([at[0] - x, at[1] - (low[1] + high[1]) / 2, 0.0])
    return Animate(line, points=line.points + step, **keys)

"""A map, one window of it, what is kept, the pooled map."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from manim import linear
from numpy.typing import NDArray

from netcore.analysis.pooling_examples import PoolingExample
from netcore.viz.film.animation import Animate
from netcore.viz.film.components.cell_tables import CellTables
from netcore.viz.film.components.convolution_screen import around, replace_table
from netcore.viz.film.components.convolution_tables import GAP, TALL, WIDE
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.feature_maps import abs_max, map_rgb
from netcore.viz.film.components.map_grid import LINE, MapGrid, value_ends
from netcore.viz.film.components.tiles import hatching, ring
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import pixel_corners
from netcore.viz.theme import Theme

DIM = 0.75  # share of the ground in values that are not kept
MAX_WINDOWS = 1600  # that are outlined and moved one by one


class PoolingPlaces(NamedTuple):
    """Areas of the parts of a screen."""

    map: Area
    window: Area
    kept: Area
    pooled: Area


def pooling_places(stage: Area) -> PoolingPlaces:
    """Divide a stage: columns if it is wide, rows if it is tall, else the map beside all others."""
    if stage.width >= WIDE * stage.height:
        left, middle, right = stage.columns([4.9, 3.0, 4.8], GAP)
        window, kept = middle.rows([1.35, 0.85], 0.1)
        return PoolingPlaces(left, window, kept, right)
    if stage.width > TALL * stage.height:
        left, right = stage.columns([1, 1], GAP)
        upper, lower = right.rows([1, 1], GAP)
        window, kept = upper.columns([1.2, 0.8], GAP)
        return PoolingPlaces(left, window, kept, lower)
    above, middle, below = stage.rows([7, 4, 6], GAP)
    window, kept = middle.columns([1, 1], GAP)
    return PoolingPlaces(above, window, kept, below)


class PoolingScreen:
    """The parts of a film on one pooling.

    Parameters
    ----------
    theme : Theme
    example : PoolingExample
    name : str
        Of the map: ``"map 6"``.
    stage : Area

    Attributes
    ----------
    map, pooled : MapGrid
    window, kept : CellTables
        Values of one window, and what is kept of them.
    winners : Rectangles or None
        The kept values on the map until it is forgotten; None for a mean or if there are too many.
    blank : Edges
        Hatching of the pooled map until it is computed.
    """

    def __init__(self, theme: Theme, example: PoolingExample, name: str, stage: Area) -> None:
        self.theme, self.example, self.stage = theme, example, stage
        self.places = pooling_places(stage)
        x, y, unit = example.x, example.y, example.unit
        self.vmax, self.signed = abs_max(x[unit]), bool((x[unit] < 0).any())
        (h, w), (a, b) = x.shape[1:], y.shape[1:]
        keys = {"vmax": self.vmax, "signed": self.signed, "gap": 0.0}
        self.map = MapGrid(theme, x, self.places.map, [unit], f"{name}: {h} × {w}", **keys)  # type: ignore[arg-type]
        frame = self.map.frames(self.places.map)[0]
        side = float(frame[1, 0] - frame[0, 0]) / w
        room = self.places.pooled
        side = min(side, room.width / b, (room.height - 2 * LINE) / a)
        cell = max(side, min(0.6, room.width)) if a == b == 1 else side
        (cx, cy), wide, tall = room.center, cell * b, cell * a + 2 * LINE
        wide_ = max(wide, min(room.width, 3.4))
        area = Area(cx - wide_ / 2, cy - tall / 2, cx + wide_ / 2, cy + tall / 2)
        self.pooled = MapGrid(theme, y, area, [unit], f"pooled: {a} × {b}", **keys)  # type: ignore[arg-type]
        self.window = self.window_table(example.place)
        self.kept = self.kept_table(example.place)
        yellow = [*theme.rgb("emphasis"), 1.0]
        self.ring = Rectangles([self.corners(example.place)], line=yellow, width=2.0, z_index=2)
        self.spot = Rectangles([around(self.pooled_corners(example.place))], line=yellow, width=2.0, z_index=2)
        self.cell = self._cell_ring(example.place)
        self.grid = self._grid_lines()
        self.blank = hatching(theme, self.pooled.frames(self.pooled.area))
        self.blank.z_index = -1
        self.landed: list[Rectangles] = []
        self.winners = self._winners() if example.is_max and len(self._all_places()) <= MAX_WINDOWS else None

    # ---- making

    @property
    def image_place(self) -> Area:
        """Area of the image, where the pooled map will be: as large as the map beside it if both are in one row."""
        left, right = self.places.map, self.places.pooled
        if not np.isclose(left.height, right.height):
            return right
        wider = float(np.clip(left.width - right.width, 0.0, GAP / 2))
        return self.map.rows_of(left, Area(right.left - wider, right.bottom, right.right, right.top))

    def window_table(self, place: tuple[int, int]) -> CellTables:
        """Make the table of a window's values."""
        values = self.example.values(place)[None]
        h, w = values.shape[1:]
        rgb = map_rgb(self.theme, values, self.vmax, self.signed)
        title = f"window of {h} × {w}"
        return CellTables(self.theme, values, rgb, self.places.window, title, value_ends(self.vmax, self.signed),
                          self.signed, self.example.decimals)  # fmt: skip

    def kept_table(self, place: tuple[int, int]) -> CellTables:
        """Make the table of the one value that is kept, its cell as large as those of the window."""
        value = self.example.y[(self.example.unit, *place)].reshape(1, 1, 1)
        cell = self.window.boxes[0].width / self.window.values.shape[2]
        room = self.places.kept
        side = float(np.clip(cell, 1.0, min(room.width, room.height - 2 * LINE)))
        (_x, y), tall = room.center, side + 2 * LINE
        area = Area(room.left, y - tall / 2, room.right, y + tall / 2)
        rgb = map_rgb(self.theme, value, self.vmax, self.signed)
        return CellTables(self.theme, value, rgb, area, "largest" if self.example.is_max else "mean",
                          decimals=self.example.decimals)  # fmt: skip

    def _all_places(self) -> list[tuple[int, int]]:
        return [(r, c) for r in range(len(self.example.rows)) for c in range(len(self.example.columns))]

    def _grid_lines(self) -> Rectangles | None:
        """Outlines of all windows; None if they overlap or are too many."""
        places = self._all_places()
        if self.example.overlaps or not 1 < len(places) <= MAX_WINDOWS:
            return None
        corners = np.array([self.corners(place) for place in places])
        return Rectangles(corners, line=[*self.theme.rgb("muted"), 0.4], width=0.8, z_index=1)

    def _winners(self) -> Rectangles:
        e = self.example
        at = e.winners()
        frame = self.map.frames(self.map.area)[0]
        corners = [pixel_corners(frame, self.map.size, (r, r + 1), (c, c + 1)) for r, c in at]
        rgb = map_rgb(self.theme, e.x[e.unit][at[:, 0], at[:, 1]], self.vmax, self.signed)
        fill = np.column_stack([rgb, np.ones(len(rgb))])
        return Rectangles(np.array(corners), fill=fill, width=0.0, z_index=0.5)

    def _cell_ring(self, place: tuple[int, int]) -> Rectangles:
        """Outline of the largest value in the table of the window."""
        values = self.example.values(place)
        row, column = divmod(int(values.argmax()), values.shape[1])
        return ring(self.theme, self.window.boxes[0].frame[0], values.shape, [row], [column])

    # ---- moving

    def show_empty(self) -> list[Animate]:
        """Let the pooled map appear, hatched as nothing of it is computed."""
        return [*self.pooled.show_empty(), *fade_in([self.blank])]

    def open_window(self) -> list[Animate]:
        """Mark a window on the map, and let its values grow out of it."""
        (x0, y0), (x1, y1) = self.corners(self.example.place)
        frame = np.array([[x0, y1, 0.0], [x1, y1, 0.0], [x0, y0, 0.0]])
        lines = fade_in([self.grid]) if self.grid else []
        return [*lines, *fade_in([self.ring]), *self.window.appear([frame], delay=0.4)]

    def keep(self) -> list[Animate]:
        """Let the largest value travel to its own cell, or all values together."""
        h, w = self.window.values.shape[1:]
        origin, right, down = self.window.tables[0].corners()[0]
        start = np.array([origin, right, down])
        marks: list[Animate] = []
        if self.example.is_max:
            row, column = divmod(int(self.window.values[0].argmax()), w)
            across, along = (right - origin) / w, (down - origin) / h
            corner = origin + across * column + along * row
            start = np.array([corner, corner + across, corner + along])
            marks = fade_in([self.cell])
        return [*marks, *self.kept.appear([np.pad(start, ((0, 0), (0, 1)))], delay=0.3 if marks else 0.0)]

    def land(self, place: tuple[int, int]) -> list[Animate]:
        """Let one value of the pooled map appear, with its mark."""
        e = self.example
        color = map_rgb(self.theme, float(e.y[(e.unit, *place)]), self.vmax, self.signed)
        self.landed.append(Rectangles([self.pooled_corners(place)], fill=[*color, 1.0], width=0.0, z_index=1))
        mark = fade_in([self.spot]) if len(self.landed) == 1 else travel(self.spot, around(self.pooled_corners(place)))
        return [*fade_in(self.landed[-1:], 0.2), *mark]

    def go_to(self, place: tuple[int, int]) -> list[Animate]:
        """Move the mark to another window; its values replace those of the table."""
        old, self.window = self.window, self.window_table(place)
        kept, self.kept = self.kept, self.kept_table(place)
        cell = self._cell_ring(place)
        marks = travel(self.cell, cell.points[:2, :2]) if self.example.is_max else []
        return [
            *travel(self.ring, self.corners(place)), *marks, *replace_table(old, self.window),
            *replace_table(kept, self.kept),
        ]  # fmt: skip

    def sweep(self, back: tuple[int, int]) -> Iterator[list[Animate]]:
        """Run the window along the first row, then down while the pooled map fills, then back; plays in order."""
        maps = self.pooled.maps
        h, w = maps.size
        maps.first, maps.last = 0.0, 1 / (h * w)
        start = (0, 0)
        yield [*travel(self.ring, self.corners(start)), *travel(self.spot, around(self.pooled_corners(start)))]
        for place, share, seconds in (((0, w - 1), 1 / h, 1.2), ((h - 1, w - 1), 1.0, 1.8)):
            yield [
                Animate(self.ring, points=_points(self.corners(place)), run_time=seconds, rate_func=linear),
                Animate(
                    self.spot, points=_points(around(self.pooled_corners(place))), run_time=seconds, rate_func=linear
                ),
                Animate(maps, last=share, run_time=seconds, rate_func=linear),
            ]
        home = [*travel(self.ring, self.corners(back)), *travel(self.spot, around(self.pooled_corners(back)))]
        yield [*fade_out([*self.landed, self.blank]), *home, *self.dim()]

    def dim(self) -> list[Animate]:
        """Dim all values of the map but the kept ones."""
        if self.winners is None:
            return []
        ground = self.theme.rgb("background")
        rgb = self.map.maps.rgb * (1 - DIM) + ground * DIM
        return [*fade_in([self.winners]), Animate(self.map.maps, rgb=rgb, run_time=0.6)]

    def forget(self) -> list[Animate]:
        """Show what is known after pooling: every window filled with what is kept of it."""
        rgb = map_rgb(self.theme, self.example.spread(), self.vmax, self.signed)[None]
        gone = fade_out([self.winners]) if self.winners else []
        self.winners, title = None, f"{self.map.title.text.partition(':')[0]}, from what is kept"
        return [*gone, Animate(self.map.maps, rgb=rgb, run_time=1.0), *self.map.retitle(title)]

    def clear(self) -> list[Animate]:
        """Let everything leave."""
        rest = [
            m
            for m in (self.ring, self.spot, self.grid, self.winners, self.cell if self.example.is_max else None)
            if m is not None
        ]
        parts = (self.map, self.window, self.kept, self.pooled)
        return [*(a for part in parts for a in part.leave()), *fade_out(rest)]

    def stand_in(self, area: Area) -> None:
        """Move the tables of the first window to another area."""
        window, kept = area.rows([1.35, 0.85], 0.1)
        self.places = self.places._replace(window=window, kept=kept)
        self.window = self.window_table(self.example.place)
        self.kept = self.kept_table(self.example.place)
        self.cell = self._cell_ring(self.example.place)

    def remember(self) -> list[Animate]:
        """Show the tables again."""
        marks = fade_in([self.cell], 0.4) if self.example.is_max else []
        return [*self.window.appear(delay=0.4), *self.kept.appear(delay=0.4), *marks]

    # ---- places

    def corners(self, place: tuple[int, int]) -> NDArray[np.float64]:
        """Corners (2, 2) of a window on the map."""
        return pixel_corners(self.map.frames(self.map.area)[0], self.map.size, *self.example.spans(place))

    def pooled_corners(self, place: tuple[int, int]) -> NDArray[np.float64]:
        """Corners (2, 2) of a value on the pooled map."""
        row, column = place
        frame = self.pooled.frames(self.pooled.area)[0]
        return pixel_corners(frame, self.pooled.size, (row, row + 1), (column, column + 1))


def _points(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.pad(np.asarray(corners).reshape(-1, 2), ((0, 0), (0, 1)))

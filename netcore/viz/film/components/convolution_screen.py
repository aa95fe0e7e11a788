"""Picture, window, kernel and map of one convolution, side by side."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from manim import linear
from numpy.typing import NDArray

from netcore.analysis.convolution import OutputTerms
from netcore.analysis.kernel_examples import KernelExamples
from netcore.analysis.printed_window import PrintedWindow
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL
from netcore.viz.film.components.cell_tables import CellTables, table_boxes
from netcore.viz.film.components.convolution_tables import GAP, ConvolutionTables
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.feature_maps import map_rgb
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import line_width
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import pixel_corners
from netcore.viz.theme import Theme

MARGIN = 1.5 * PIXEL  # between a value of a map and its mark


class ConvolutionScreen(ConvolutionTables):
    """What a convolution reads, one window of it, a kernel, and the map that they make.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    examples : KernelExamples
    stage : Area

    Attributes
    ----------
    table : CellTables
        Values of the window.
    kernel : CellTables
    products : CellTables or None
        In the place of the map, until this appears.
    lines : Edges
        From the window on the picture to its values.
    ring, spot : Rectangles
        The window on the picture, and its value on the map.
    blank : Rectangles
        Gray ground of the map as long as it is not computed.
    landed : list of Rectangles
        Single values of the map that is not filled yet.
    """

    def __init__(self, theme: Theme, trace: Trace, examples: KernelExamples, stage: Area) -> None:
        super().__init__(theme, trace, examples, stage)
        self.map = self.make_map(examples.unit, self.places.map)
        self.kernel = self.kernel_table(examples.base, self.places.kernel)
        self.table: CellTables | None = None
        self.products: CellTables | None = None
        yellow = [*theme.rgb("emphasis"), 1.0]
        self.ring = Rectangles(self._ring_corners(examples.base), line=yellow, width=2.0, z_index=2)
        self.spot = Rectangles([around(self._map_corners(examples.base))], line=yellow, width=2.0, z_index=2)
        ends = self._line_ends(examples.base)
        self.lines = Edges(*ends, [*theme.rgb("emphasis"), 0.6], 1.0, z_index=1)
        self.blank = self._blank(self.map)
        self.landed: list[Rectangles] = []
        self.first_spot: list[Rectangles] = []  # on the first map, while the second one is made

    def open_window(self, terms: OutputTerms) -> list[Animate]:
        """Mark a window on the picture, and let its values grow out of it."""
        self.table = self.value_table(terms)
        (x0, y0), (x1, y1) = self.ring.points[:2, :2]
        frame = np.array([[x0, y1, 0.0], [x1, y1, 0.0], [x0, y0, 0.0]])
        return [*fade_in([self.ring]), *self.table.appear([frame], delay=0.4), *fade_in([self.lines], delay=1.0)]

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle points of the cells of the products."""
        return self.products.centers if self.products else np.zeros((0, 2))

    def multiply(self, terms: OutputTerms, printed: PrintedWindow) -> list[Animate]:
        """Slide a copy of the kernel over the values; the products come out of both."""
        copy = self.kernel_table(terms, self.places.kernel).tables[0]
        self.products = self.product_table(terms, printed)
        assert self.table is not None
        copy.z_index = 1
        over = self.table.tables[0].points.copy()
        return [
            Animate(copy, points=over, run_time=0.8),
            *fade_out([copy], delay=0.8),
            *self.products.appear([over], delay=0.8),
        ]

    def make_room(self) -> list[Animate]:
        """Let the map, gray as nothing of it is computed, take the place of the products."""
        gone = self.products.leave() if self.products else []
        self.products = None
        return [*gone, *self.map.show_empty(), *fade_in([self.blank])]

    def show_table(self, table: CellTables) -> list[Animate]:
        """Replace the table in the window's place; a title and a scale that are the same stay."""
        old, self.table = self.table, table
        return replace_table(old, table) if old else table.appear()

    def show_kernel(self, terms: OutputTerms) -> list[Animate]:
        """Replace the kernel."""
        old, self.kernel = self.kernel, self.kernel_table(terms, self.places.kernel)
        return replace_table(old, self.kernel)

    def move_to(self, terms: OutputTerms, run_time: float = 0.8, **keys: Any) -> list[Animate]:
        """Move the window's mark, and the mark of its value if it is shown."""
        out = [Animate(self.ring, points=_points(self._ring_corners(terms)), run_time=run_time, **keys)]
        ends = np.stack(self._line_ends(terms), axis=1)
        out.append(Animate(self.lines, points=_points(ends), run_time=run_time, **keys))
        return [*out, Animate(self.spot, points=_points(around(self._map_corners(terms))), run_time=run_time, **keys)]

    def show_lines(self, opacity: float) -> list[Animate]:
        """Let the lines from the window to its values leave (0), or come back (1)."""
        return [Animate(self.lines, opacity=opacity, run_time=0.3)]

    def show_rim(self) -> list[Animate]:
        """Let the rim of the padding appear, and say in the picture's title how large it is with it."""
        (h, w), pads, picture = self.picture.size, self.examples.pads, self.picture
        title = f"{h} × {w}, with rim {h + sum(pads[0])} × {w + sum(pads[1])}"
        fits = any(map(sum, pads)) and line_width(title, LABEL) <= picture.area.width
        return [*picture.show_rim(0.4), *(picture.retitle(title) if fits else [])]

    def show_marks(self) -> list[Animate]:
        """Let both marks appear, if they are gone."""
        return [Animate(m, opacity=1.0, run_time=0.3) for m in (self.ring, self.spot) if m.opacity < 1]

    def land(self, terms: OutputTerms, grid: MapGrid | None = None) -> list[Animate]:
        """Let one value of the map, or of another map, appear."""
        color = map_rgb(self.theme, terms.total, self.map_max, True)
        self.landed.append(Rectangles([self._map_corners(terms, grid)], fill=[*color, 1.0], width=0.0, z_index=1))
        return fade_in(self.landed[-1:])

    def clear(self) -> list[Animate]:
        """Let all but the maps leave."""
        marks = [m for m in (self.ring, self.spot, self.lines, *self.first_spot) if m.opacity > 0]
        table = self.table.leave() if self.table else []
        return [*fade_out([*marks, *self.picture.rim]), *self.picture.leave(), *self.kernel.leave(), *table]

    def sweep(self) -> Iterator[list[Animate]]:
        """Run the window along the first row, a value of the map each time, then down while the map fills, and back."""
        maps, e = self.map.maps, self.examples
        h, w = maps.size
        end = replace(e.corner, column=w - 1, columns=e.last.columns)
        maps.first, maps.last = 0.0, 1 / (h * w)
        for terms, share, run_time in ((end, 1 / h, 1.2), (e.last, 1.0, 1.8)):
            fill = Animate(maps, last=share, run_time=run_time, rate_func=linear)
            yield [*self.move_to(terms, run_time, rate_func=linear), fill]
        yield [
            *self.uncover(),
            *self.move_to(e.base),
            *self.show_table(self.value_table(e.base)),
            *self.show_lines(1.0),
        ]

    def uncover(self) -> list[Animate]:
        """Remove single values and gray ground under a map that is filled."""
        gone = fade_out([*self.landed, self.blank], run_time=0.04)
        self.landed = []
        return gone

    def second_map(self) -> tuple[MapGrid, list[Animate]]:
        """Make room for the second kernel's map below or beside the first; return it, with one value so far."""
        other = self.examples.other
        assert other is not None
        first, second = self.places.map.divide([1, 1], GAP / 2)
        moves = self.map.move(first)
        grid = self.make_map(other.unit, second)
        self.blank = self._blank(grid)
        moves += travel(self.spot, around(self._map_corners(other, grid)))
        yellow = [*self.theme.rgb("emphasis"), 1.0]
        place = around(self._map_corners(self.examples.smallest))
        self.first_spot = [Rectangles([place], line=yellow, width=2.0, z_index=2)]
        moves += fade_in(self.first_spot, delay=0.8)
        return grid, [*moves, *grid.show_empty(), *fade_in([self.blank]), *self.land(other, grid)]

    # ---- places

    def _blank(self, grid: MapGrid) -> Rectangles:
        (x0, y1), (x1, _), (_, y0) = grid.frames(grid.area)[0]
        return Rectangles([[[x0, y0], [x1, y1]]], fill=[*self.theme.rgb("faint"), 1.0], width=0.0, z_index=-1)

    def _line_ends(self, terms: OutputTerms) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Two corners of a window on the picture, and those of the table that they face."""
        (x0, y0), (x1, y1) = self._ring_corners(terms)[0]
        h, w = terms.weights.shape[1:]
        box = table_boxes(self.places.window, (1, h, w))[0]
        if box.left > self.places.picture.right:
            return np.array([[x1, y1], [x1, y0]]), np.array([[box.left, box.top], [box.left, box.bottom]])
        return np.array([[x0, y0], [x1, y0]]), np.array([[box.left, box.top], [box.right, box.top]])

    def _ring_corners(self, terms: OutputTerms) -> NDArray[np.float64]:
        """Corners (N, 2, 2) of a window on the picture, and of its taps if there are gaps between them."""
        frame, size = self.picture.frames(self.picture.area)[0], self.picture.size
        rows, columns = (np.asarray(at) for at in (terms.rows, terms.columns))
        boxes = [((rows.min(), rows.max() + 1), (columns.min(), columns.max() + 1))]
        if max(self.examples.window[1]) > 1:
            boxes += [((r, r + 1), (c, c + 1)) for r in rows for c in columns]
        return np.array([pixel_corners(frame, size, *box) for box in boxes])

    def _map_corners(self, terms: OutputTerms, grid: MapGrid | None = None) -> NDArray[np.float64]:
        """Corners (2, 2) of a value on its map."""
        grid = grid or self.map
        row, column = terms.row, terms.column
        return pixel_corners(grid.frames(grid.area)[0], grid.size, (row, row + 1), (column, column + 1))


def around(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (2, 2) of a mark around a pixel, so that the pixel itself is seen."""
    return corners + np.array([[-MARGIN], [MARGIN]])


def replace_table(old: CellTables, new: CellTables) -> list[Animate]:
    """Replace a table by another in the same place; a title and a scale that are the same stay."""
    same_title = old.title.text == new.title.text
    same_scale = bool(
        old.scale and new.scale and old.scale.signed == new.scale.signed
        and (old.scale.low.text, old.scale.high.text) == (new.scale.low.text, new.scale.high.text)
    )  # fmt: skip
    if same_title:
        new.title = old.title
    if same_scale:
        new.scale = old.scale
    kept = {id(m) for m in new.mobjects}
    return [
        *fade_out([m for m in old.mobjects if id(m) not in kept]),
        *fade_in([m for m in new.mobjects if not any(m is o for o in old.mobjects)], delay=0.2),
    ]


def _points(corners: Any) -> NDArray[np.float64]:  # noqa: ANN401 - an array or a list of arrays
    return np.pad(np.asarray(corners, float).reshape(-1, 2), ((0, 0), (0, 1)))

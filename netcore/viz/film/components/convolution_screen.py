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
from netcore.viz.film.base_mobject import PIXEL
from netcore.viz.film.components.cell_tables import CellTables
from netcore.viz.film.components.convolution_tables import GAP, ConvolutionTables
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.feature_maps import map_rgb
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.mobjects import Rectangles
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
        In the place of the window: values or products.
    kernel : CellTables
    ring, spot : Rectangles
        The window on the picture, and its value on the map.
    second_spot : Rectangles or None
        The same place on the map of the second kernel.
    landed : list of Rectangles
        Single values of the map that is still empty.
    """

    def __init__(self, theme: Theme, trace: Trace, examples: KernelExamples, stage: Area) -> None:
        super().__init__(theme, trace, examples, stage)
        self.map = self.make_map(examples.unit, self.places.map)
        self.kernel = self.kernel_table(examples.base, self.places.kernel)
        self.table: CellTables | None = None
        yellow = [*theme.rgb("emphasis"), 1.0]
        self.ring = Rectangles(self._ring_corners(examples.base), line=yellow, width=2.0, z_index=2)
        self.spot = Rectangles([around(self._map_corners(examples.base))], line=yellow, width=2.0, z_index=2)
        self.second_spot: Rectangles | None = None
        self.landed: list[Rectangles] = []

    def open_window(self, terms: OutputTerms) -> list[Animate]:
        """Mark a window on the picture, and let its values grow out of it."""
        self.table = self.value_table(terms)
        (x0, y0), (x1, y1) = self.ring.points[:2, :2]
        frame = np.array([[x0, y1, 0.0], [x1, y1, 0.0], [x0, y0, 0.0]])
        return [*fade_in([self.ring]), *self.table.appear([frame], delay=0.4)]

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle points of the cells of the table."""
        return self.table.centers if self.table else np.zeros((0, 2))

    def multiply(self, terms: OutputTerms, printed: PrintedWindow) -> list[Animate]:
        """Slide a copy of the kernel over the values; products take the place of both."""
        copy = self.kernel_table(terms, self.places.kernel).tables[0]
        old, self.table = self.table, self.product_table(terms, printed)
        assert old is not None
        copy.z_index = 1
        return [
            Animate(copy, points=old.tables[0].points.copy(), run_time=0.8),
            *fade_out([copy, *old.mobjects], delay=0.8),
            *self.table.appear(delay=0.8),
        ]

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
        return [*out, Animate(self.spot, points=_points(around(self._map_corners(terms))), run_time=run_time, **keys)]

    def show_marks(self) -> list[Animate]:
        """Let both marks appear, if they are gone."""
        return [Animate(m, opacity=1.0, run_time=0.3) for m in (self.ring, self.spot) if m.opacity < 1]

    def land(self, terms: OutputTerms, delay: float = 0.0) -> list[Animate]:
        """Let one value of the map appear."""
        color = map_rgb(self.theme, terms.total, self.map_max, True)
        self.landed.append(Rectangles([self._map_corners(terms)], fill=[*color, 1.0], width=0.0, z_index=1))
        return fade_in(self.landed[-1:], delay)

    def clear(self) -> list[Animate]:
        """Let all but the maps leave."""
        marks = [m for m in (self.ring, self.spot, self.second_spot) if m is not None and m.opacity > 0]
        table = self.table.leave() if self.table else []
        return [*fade_out([*marks, *self.picture.rim]), *self.picture.leave(), *self.kernel.leave(), *table]

    def sweep(self) -> Iterator[list[Animate]]:
        """Run the window along the first row, a value of the map each time, then down while the map fills."""
        maps, e = self.map.maps, self.examples
        h, w = maps.size
        end = replace(e.corner, column=w - 1, columns=e.last.columns)
        maps.first, maps.last = 0.0, 1 / (h * w)
        for terms, share, run_time in ((end, 1 / h, 1.2), (e.last, 1.0, 1.8)):
            fill = Animate(maps, last=share, run_time=run_time, rate_func=linear)
            yield [*self.move_to(terms, run_time, rate_func=linear), fill]
        yield [*fade_out(self.landed, run_time=0.04), *self.show_table(self.value_table(e.last))]

    def second_map(self) -> tuple[MapGrid, list[Animate]]:
        """Make room for the map of the second kernel below or beside the first, and return it."""
        other = self.examples.other
        assert other is not None
        first, second = self.places.map.divide([1, 1], GAP / 2)
        moves = self.map.move(first)
        grid = self.make_map(other.unit, second)
        moves += travel(self.spot, around(self._map_corners(other)))
        yellow = [*self.theme.rgb("emphasis"), 1.0]
        self.second_spot = Rectangles([around(self._map_corners(other, grid=grid))], line=yellow, width=2.0, z_index=2)
        return grid, moves

    # ---- places

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

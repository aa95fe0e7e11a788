"""One window of a pooling in numbers."""

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.cnn_stages import Stage
from netcore.analysis.followed_maps import pool_window
from netcore.viz.film.animation import Animate
from netcore.viz.film.components.cell_tables import LINE, CellTables, table_boxes
from netcore.viz.film.components.feature_maps import abs_max, map_rgb
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sums import format_fixed
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import pixel_corners
from netcore.viz.theme import Theme

MAX_PRINTED = 9  # values that the sum line names


class PoolWindow:
    """A window of a map, its values in numbers, and the one value that is made of them.

    Parameters
    ----------
    theme : Theme
    stage : Stage
        Of a pooling with a window.
    unit : int
        Number of the map.
    place : (int, int)
        Row and column of the output value.
    area : Area
        Of both tables.
    """

    def __init__(self, theme: Theme, stage: Stage, unit: int, place: tuple[int, int], area: Area) -> None:
        self.theme, self.stage, self.place = theme, stage, place
        window = stage.block.window
        assert window is not None
        self.rows, self.columns = pool_window(window, place, stage.reads.shape[1:3])
        self.values = stage.reads[unit][self.rows, self.columns]
        self.result = float(stage.values[unit][place])
        self.is_max = "Max" in stage.block.main.kind
        vmax, signed = abs_max(stage.reads), bool((stage.reads < 0).any())
        upper, lower = area.rows([1.15, 0.85], 0.1)
        self.decimals = 2
        self.cells = CellTables(
            theme,
            self.values[None],
            map_rgb(theme, self.values, vmax, signed)[None],
            upper,
            f"yellow: {self.values.shape[0]} × {self.values.shape[1]}",
            decimals=2,
        )
        one = np.array([[[self.result]]])
        side = min(self.cells.boxes[0].width / self.values.shape[1], table_boxes(lower, one.shape)[0].width)
        lower = Area(lower.left, lower.top - side - 2 * LINE, lower.right, lower.top)  # a cell as large as the others
        self.kept = CellTables(
            theme, one, map_rgb(theme, one, vmax, signed), lower, "largest" if self.is_max else "mean", decimals=2
        )
        self.mark = Rectangles(np.zeros((1, 2, 2)), line=[*theme.rgb("emphasis"), 1.0], width=2.0, z_index=2)

    @property
    def caption(self) -> str:
        """What the pooling does, with the value that it keeps."""
        kept, n = format_fixed(self.result, self.decimals), self.values.size
        return f"Max pooling keeps 1 of {n}: {kept}" if self.is_max else f"Average pooling: mean of {n}, {kept}"

    def corners(self, grid: MapGrid) -> NDArray[np.float64]:
        """Lower left and upper right corner (2, 2) of the window on the followed map."""
        frame = grid.frames(grid.area)[0]
        return pixel_corners(
            frame, grid.size, (self.rows.start, self.rows.stop), (self.columns.start, self.columns.stop)
        )

    def open(self, grid: MapGrid) -> list[Animate]:
        """Mark the window on its map, and let its values grow out of it."""
        (x0, y0), (x1, y1) = self.corners(grid)
        frame = np.array([[x0, y1, 0.0], [x1, y1, 0.0], [x0, y0, 0.0]])
        return [self.show_frame(grid), *self.cells.appear([frame], delay=0.3)]

    def show_frame(self, grid: MapGrid) -> Animate:
        """Mark the window on its map."""
        self.mark.points = np.pad(self.corners(grid), ((0, 0), (0, 1)))
        return Animate(self.mark, start={"opacity": 0.0}, opacity=1.0, run_time=0.3)

    def hide_frame(self) -> Animate:
        """Let the mark of the window leave."""
        return Animate(self.mark, opacity=0.0, run_time=0.3, remover=True)

    def keep(self) -> list[Animate]:
        """Let the value that is kept travel to its own cell: the largest, or all values together."""
        table = self.cells.tables[0]
        h, w = self.values.shape
        row, column = divmod(int(self.values.argmax()), w)
        origin, right, down = table.corners()[0]
        across, along = (right - origin) / w, (down - origin) / h
        start = np.array([origin, right, down])
        if self.is_max:
            corner = origin + across * column + along * row
            start = np.array([corner, corner + across, corner + along])
        return self.kept.appear([np.pad(start, ((0, 0), (0, 1)))])

    def terms(self) -> list[Term]:
        """The same in the sum line."""
        numbers = [format_fixed(float(v), self.decimals) for v in self.values.ravel()]
        result = format_fixed(self.result, self.decimals)
        if len(numbers) > MAX_PRINTED:
            word = "largest" if self.is_max else "mean"
            return [(f"{word} of {len(numbers):,} values", "muted"), "=", result]
        if self.is_max:
            return [("largest of", "muted"), ", ".join(numbers), "=", (result, "foreground")]
        return ["(" + " + ".join(numbers).replace("+ −", "− ") + ")", f"÷ {len(numbers)}", "=", (result, "foreground")]

    def leave(self) -> list[Animate]:
        """Let everything leave."""
        return [self.hide_frame(), *self.cells.leave(), *self.kept.leave()]

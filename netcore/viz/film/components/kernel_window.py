"""One window of a convolution in numbers: values, kernel, products, sum."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from manim import linear
from numpy.typing import NDArray

from netcore.analysis.examples import WindowExample
from netcore.viz.film.animation import Animate
from netcore.viz.film.components.cell_tables import CellTables, pair_areas
from netcore.viz.film.components.feature_maps import FeatureMaps, abs_max, map_rgb
from netcore.viz.film.components.map_grid import value_ends
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sums import sum_terms
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import pixel_corners
from netcore.viz.theme import Theme

MAX_CHANNELS = 3  # of which windows and kernels are shown: the strongest
DROP = np.array([0.0, 0.5, 0.0])  # from which a kernel comes down
SLOW_STOPS = 3  # places at which the window stops before it runs
COLORS = ("red", "green", "blue")


class KernelWindow:
    """A window on what is read, the kernel over it, and what both give.

    Parameters
    ----------
    theme : Theme
    example : WindowExample
    area : Area
        Of both tables and the map that they make.
    rgb : ndarray, shape (I, kernel rows, kernel columns, 3)
        Colours of the values in the window.
    ends : (float, float), optional
        Ends of the scale of these colours.
    title : str
        Of the kernel.
    words : str
        What the window shows: ``"pixels"``.
    """

    def __init__(
        self,
        theme: Theme,
        example: WindowExample,
        area: Area,
        rgb: NDArray[np.floating],
        ends: tuple[float, float] | None,
        title: str,
        words: str,
    ) -> None:
        self.theme, self.example, self.area = theme, example, area
        terms = example.terms
        order = np.argsort(-np.abs(terms.partial_sums), kind="stable")[:MAX_CHANNELS]
        self.channels = np.sort(order)
        count, kernel = len(self.channels), terms.weights.shape[1:]
        if count > 1:  # two rows of tables, the map beside them
            area, self.result = area.divide([1.5, 1], 0.4)
        self.left, self.right = pair_areas(area, count, (kernel[0], kernel[1]))
        self.result = self.right if count == 1 else self.result
        weights, self.vmax = terms.weights[self.channels], abs_max(terms.weights)
        self.title, decimals = title, example.decimals
        if count == 3 and len(terms.inputs) == 3:
            words += ": red, green, blue"
        elif count < len(terms.inputs):
            words += f": {count} of {len(terms.inputs)} maps"
        self.values = CellTables(
            theme, terms.inputs[self.channels], rgb[self.channels], self.left, words, ends, False, decimals
        )
        weight_rgb = map_rgb(theme, weights, self.vmax, True)
        self.kernel = CellTables(
            theme, weights, weight_rgb, self.right, title, value_ends(self.vmax, True), True, decimals
        )
        products = terms.products[self.channels]
        self.product_vmax = abs_max(terms.products)
        self.products = CellTables(
            theme, products, map_rgb(theme, products, self.product_vmax, True), self.left,
            "pixel × weight" if words.startswith("pixel") else "value × weight",
            value_ends(self.product_vmax, True), True, decimals if example.agrees else -1,
        )  # fmt: skip
        self.held = CellTables(
            theme, weights, weight_rgb, self.left, title, value_ends(self.vmax, True), True, decimals
        )
        self.mark = Rectangles(np.zeros((1, 2, 2)), line=[*theme.rgb("emphasis"), 1.0], width=2.0, z_index=2)

    def open(self, source: FeatureMaps) -> list[Animate]:
        """Mark the window on its source, and let its values grow out of it; the kernel comes down from above."""
        self.mark.points = _points(window_corners(source, self.example))
        frame = _frame(window_corners(source, self.example))
        self.zoom = self._zoom_lines()
        above = [table.points + DROP for table in self.kernel.tables]
        return [
            Animate(self.mark, start={"opacity": 0.0}, opacity=1.0, run_time=0.3),
            *self.values.appear([frame] * len(self.channels), delay=0.4),
            Animate(self.zoom, start={"progress": 0.0}, progress=1.0, run_time=0.8, delay=0.4),
            *self.kernel.appear(above, delay=1.4),
        ]

    def _zoom_lines(self) -> Edges:
        """Lines from the window's corners to the table of its values: sideways, or down where it is below."""
        (x0, y0), (x1, y1) = self.mark.points[:, :2]
        box = self.values.boxes[0]
        starts, ends = [(x1, y1), (x1, y0)], [(box.left, box.top), (box.left, box.bottom)]
        if box.left < x1:  # the title is above the table
            starts, ends = [(x0, y0), (x1, y0)], [(box.left, box.top), (self.values.boxes[-1].right, box.top)]
        return Edges(starts, ends, [*self.theme.rgb("emphasis"), 0.6], 1.0, z_index=2)

    def multiply(self) -> list[Animate]:
        """Slide the kernel over the values; products take the place of both."""
        moves = [
            Animate(k, points=v.points.copy(), run_time=0.8)
            for k, v in zip(self.kernel.tables, self.values.tables, strict=True)
        ]
        words = [m for m in self.kernel.mobjects if m not in self.kernel.tables]
        gone = [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in words]
        swap = [
            Animate(m, opacity=0.0, run_time=0.3, delay=0.8, remover=True)
            for m in (*self.kernel.tables, *self.values.mobjects)
        ]
        return [*moves, *gone, *swap, *self.products.appear(delay=0.8)]

    def sum_terms(self) -> tuple[list[Term], dict[int, Sequence[float]]]:
        """Terms of the sum line, and where they come from."""
        terms, bias = self.example.terms, None if not self.example.has_bias else self.example.terms.bias
        if len(terms.inputs) == 1:
            found, index = sum_terms(terms.products.ravel(), bias, self.example.decimals)
            points: Any = self.products.centers
        else:
            sums = terms.partial_sums
            names = dict(enumerate(COLORS)) if len(sums) == 3 else {int(k): f"map {k + 1}" for k in range(len(sums))}
            found, index = sum_terms(sums, bias, self.example.decimals, names)
            points = {int(c): self.products.middles[k] for k, c in enumerate(self.channels)}
        known = range(len(points)) if not isinstance(points, dict) else points
        return found, {k: points[i] for k, i in enumerate(index) if i in known}

    def hold_kernel(self) -> list[Animate]:
        """Let the products give way to the kernel, which stays in view."""
        gone = Animate(self.zoom, opacity=0.0, run_time=0.3, remover=True)
        return [gone, *self.products.leave(), *self.held.appear(delay=0.3)]

    def sweep(self, source: FeatureMaps, made: FeatureMaps) -> Iterator[list[Animate]]:
        """Move the window along its row, a pixel of the map each time, then let the rest of the map fill.

        Yields
        ------
        list of Animate
            To be played one after the other.
        """
        (h, w), (_, row, column) = made.size, self.example.place
        for k in range(column + 1, min(column + 1 + SLOW_STOPS, w)):
            move = self.travel(source, row, k, 0.25)
            yield [move, Animate(made, last=(row * w + k + 1) / (h * w), run_time=0.25)]
        if column + 1 + SLOW_STOPS < w:
            move = self.travel(source, row, w - 1, 1.0, rate_func=linear)
            yield [move, Animate(made, last=(row + 1) / h, run_time=1.0, rate_func=linear)]
        gone = Animate(self.mark, opacity=0.0, run_time=0.3, remover=True)
        yield [gone, Animate(made, first=0.0, last=1.0, run_time=1.5, rate_func=linear)]

    def travel(self, source: FeatureMaps, row: int, column: int, run_time: float, **keys: Any) -> Animate:
        """Move the window's mark to the place of another output value."""
        corners = window_corners(source, self.example, row, column)
        return Animate(self.mark, points=_points(corners), run_time=run_time, **keys)


def window_corners(
    source: FeatureMaps, example: WindowExample, row: int | None = None, column: int | None = None, tile: int = 0
) -> NDArray[np.float64]:
    """Lower left and upper right corner (2, 2) of the window of an output value, cut to the image.

    Parameters
    ----------
    source : FeatureMaps
    example : WindowExample
    row, column : int, optional
        Place of another value of the same map.
    tile : int
        Of the source.
    """
    terms, stride = example.terms, example.stride
    rows, columns = (places[np.abs(places) < 10**5] for places in (terms.rows, terms.columns))
    down = 0.0 if row is None else (row - terms.row) * stride[0]
    across = 0.0 if column is None else (column - terms.column) * stride[1]
    h, w = source.size
    top, bottom = (float(np.clip(v + down, 0, h)) for v in (rows.min(), rows.max() + 1))
    left, right = (float(np.clip(v + across, 0, w)) for v in (columns.min(), columns.max() + 1))
    return pixel_corners(source.corners()[tile], source.size, (top, bottom), (left, right))


def _points(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.pad(corners, ((0, 0), (0, 1)))


def _frame(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    (x0, y0), (x1, y1) = corners
    return np.array([[x0, y1, 0.0], [x1, y1, 0.0], [x0, y0, 0.0]])

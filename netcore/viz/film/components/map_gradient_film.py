"""Steps of the film on backpropagation for convolutional networks."""

import numpy as np
from numpy.typing import ArrayLike

from netcore.analysis.map_gradients import (
    KernelGradient,
    find_kernel_gradient,
    find_map_deltas,
    find_pooled_gradient,
    find_two_ways,
    gradient_of,
)
from netcore.analysis.units import top_k
from netcore.core.formatting import format_number, format_percent, format_subset, format_sum
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.gradient_film import MAX_MAPS, GradientFilm, digits_of
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.sum_line import Term, write_sum
from netcore.viz.film.components.tiles import ring, value_cells
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area

MAX_CONVOLUTIONS = 3  # whose deltas are shown one by one


class MapGradientFilm(GradientFilm):
    """A film that shows gradients of feature maps and kernels too."""

    def maps_back(self) -> None:
        """Maps of a convolutional network: pooling, shortcut, convolutions, one kernel weight."""
        self.pooled = find_pooled_gradient(self.trace, self.graph)
        self.vector_to_maps()
        self.pool()
        self.shortcut()
        self.deltas = find_map_deltas(self.trace, self.graph, MAX_CONVOLUTIONS)
        before: Term = self.why_zero()
        for number, layer in enumerate(self.deltas, 1):
            name = ellipsize_line(layer.block.title, 4.0, LABEL).capitalize()
            text = "{layer}: sums of kernel weight × delta" if number > 1 else "{layer}: a delta for each pixel"
            with self.step(text, name=f"maps-{number}", layer=name):
                self.play(self.line.change(), self.clear_stage())
                self.play(self.put_up(self.map_grid(layer.values, layer.block.title, "deltas").mobjects))
                size = format_number(layer.mean_size)
                self.play(self.line.change(f"mean size of the deltas: {size}", *([before] if before else [])))
                before = (f"     {name.lower()}: {size}", "muted")
        if self.deltas and (found := find_kernel_gradient(self.trace, self.deltas[-1])):
            self.kernel_weight(found)

    def why_zero(self) -> Term:
        """Say how many deltas of the last convolution are 0, if most are, and why."""
        share = float((self.deltas[0].values == 0).mean()) if self.deltas else 0.0
        if share < 0.5:
            return ""
        lost = "not the pool's winner, or slope 0" if self.pooled and self.pooled.is_max else "slope 0"
        scaled = any(op.kind.startswith("BatchNorm") for op in self.deltas[0].block.operations)
        more = "; batch norm scales the rest" if scaled else ""
        return f"     {format_percent(share)} are 0: {lost}{more}", "muted"

    def map_grid(self, values: ArrayLike, title: str, kind: str = "gradients") -> MapGrid:
        """Make the tiles of the maps with the largest gradients, the very largest first."""
        array = np.asarray(values, float)
        size = np.abs(array).reshape(len(array), -1).max(1)
        first = int(size.argmax())
        shown = [first, *(int(k) for k in top_k(size, min(MAX_MAPS, self.max_units), [first]) if k != first)]
        words = f"{title}: {kind} of {format_subset(len(shown), len(array), 'map')}, largest: map {first + 1:,}"
        return self.gradient_grid(array, shown, words, self.area, "should fall or rise")

    def vector_to_maps(self) -> None:
        """The gradients of the vector become those of the maps that it was made of."""
        assert self.blocks is not None
        last = self.blocks.maps.blocks[-1]
        gradients = gradient_of(self.trace, last.output)
        if gradients is None:
            return
        gradients = last.unit_values(gradients)
        vector = self.found[0].by_input
        text, n = "{n} gradients, back at their {m} maps", len(vector)
        if len(vector) == len(gradients):
            n = gradients[0].size
            shared = np.allclose(gradients, vector[:, None, None] / n, atol=1e-6 * float(np.abs(vector).max()))
            text = "Average: each of {n} pixels gets 1/{n}" if shared else "{m} gradients, one for each map"
        with self.step(text, name="maps", n=n, m=len(gradients)):
            self.play(self.line.change(), self.clear_stage())
            grid = self.map_grid(gradients, "last maps")
            mark = self.next_window(grid, gradients)
            self.play(self.put_up([*grid.mobjects, *mark]))
            if mark:
                self.play(self.line.change(("framed: the value followed next", "muted")))

    def next_window(self, grid: MapGrid, gradients: ArrayLike) -> list[ArrayMobject]:
        """Frame the pooled value whose window comes next, if it is in the largest map."""
        found, values = self.pooled, np.asarray(gradients)
        if found is None or grid.index[0] != found.unit or not is_inside(found.row, found.column, grid.size):
            return []
        same = values[found.unit, found.row, found.column] == found.given
        return [ring(self.theme, grid.maps.corners()[0], grid.size, [found.row], [found.column])] * int(same)

    def pool(self) -> None:
        """One pooling window: who gets the gradient."""
        found = self.pooled
        if found is None:
            return
        text = "Max-pooling: only the winner gets it" if found.is_max else "Average pooling: each gets the same share"
        with self.step(text, name="pooling"):
            self.play(self.line.change(), self.clear_stage())
            halves = [Area(a.left, a.bottom + 0.5, a.right, a.top) for a in self.area.divide([1, 1], 1.0)]
            limit = float(np.abs(found.values).max()) or 1.0
            cells = value_cells(self.theme, found.values, halves[0].inset(0.4), limit, bool((found.values < 0).any()))
            scale = float(np.abs(found.gradients).max()) or 1.0
            texts = [format_number(float(v)) for v in found.gradients.ravel()]
            back = value_cells(self.theme, -found.gradients, halves[1].inset(0.4), scale, True, texts)
            size, best = found.values.shape, np.unravel_index(int(found.values.argmax()), found.values.shape)
            rings = [ring(self.theme, m.corners()[0], size, [best[0]], [best[1]]) for m in (cells, back)] * found.is_max
            words = f"map {found.unit + 1:,}, one window: values", f"gradients: {format_number(found.given)} arrives"
            labels = [self.caption_below(m, text) for m, text in zip((cells, back), words, strict=True)]
            self.play(self.put_up([cells, labels[0], *rings[:1]]))
            self.play(self.put_up([back, labels[1], *rings[1:]]))

    def caption_below(self, picture: PixelImages, text: str) -> ArrayMobject:
        """Make a muted line below a picture."""
        x0, y0, x1, _ = picture.bounding_box()
        return text_line(text, LABEL, self.theme.rgb("muted"), at=((x0 + x1) / 2, y0 - 0.25))

    def shortcut(self) -> None:
        """A residual block has two ways back, whose gradients add up."""
        self.ways = found = find_two_ways(self.trace, self.graph)
        if found is None:
            return
        unit, row, column = found.place
        maps = np.stack([found.through_block[unit], found.through_shortcut[unit], found.total[unit]])
        title = ellipsize_line(found.title, 3.0, LABEL)
        with self.step("{block}: two ways back add up", name="shortcut", block=title.capitalize()):
            self.play(self.line.change(), self.clear_stage())
            limit = float(np.abs(maps).max()) or 1.0
            words = ("through block", "through shortcut", "sum")
            grids = []
            for part, values, text in zip(self.area.divide([1, 1, 1], 0.4), maps, words, strict=True):
                ends = (limit, -limit) if text == "sum" else None  # one scale for all three
                rgb = self.theme.signed_colors(-values[None] / limit)
                grid = MapGrid(self.theme, -values[None], part, [0], text, rgb=rgb, vmax=limit, signed=True, ends=ends)
                grids.append(grid)
                mark = ring(self.theme, grid.maps.corners()[0], grid.size, [row], [column])
                self.play(self.put_up([*grid.mobjects, mark]))
            numbers, total = format_sum(maps[:2, row, column].tolist(), fewest=digits_of(maps[2, row, column]), most=9)
            roles = ["positive" if t.startswith("−") else "negative" for t in numbers]
            pixel = f"     map {unit + 1:,}, row {row + 1}, column {column + 1}"
            self.play(self.line.change(*write_sum(numbers, total, roles, ["block", "shortcut"]), (pixel, "muted")))
            self.grids = grids

    def kernel_weight(self, found: KernelGradient) -> None:
        """One kernel weight: delta × input in one window, then the sum over all windows."""
        self.kernel = found
        delta, value, product = found.texts
        n = found.deltas.size
        tap = name_place(found.tap, found.kernel.shape)
        with self.step("Kernel weight {tap}: sum over {n} windows", name="kernel", tap=tap, n=n):
            self.play(self.line.change(), self.clear_stage())
            parts = self.area.divide([1, 1, 1], 0.4)
            size = found.deltas.shape
            row, column = found.place
            left = MapGrid(self.theme, found.inputs[None], parts[0], [0], "input under this weight")
            middle = self.gradient_grid(found.deltas[None], [0], f"deltas of map {found.unit + 1:,}", parts[1])
            rings = [ring(self.theme, g.maps.corners()[0], size, [row], [column]) for g in (left, middle)]
            self.play(self.put_up([*left.mobjects, *middle.mobjects, *rings]))
            self.play(self.line.change(f"{delta} × {value} =", (product, "emphasis")))
            digits = len(product.partition(".")[2])
            p = float(found.products[found.place])
            (first, rest), total = format_sum([p], found.gradient - p, digits, digits)
            self.play(self.line.extend(f"     {first} + {n - 1:,} more: {rest} =", (total, "emphasis")))
            scale = float(np.abs(found.kernel).max()) or 1.0
            places = digits_of(scale) - 1
            words = [f"{v:.{places}f}".replace("-", "−") for v in found.kernel.ravel()]
            box = Area(parts[2].left, parts[2].bottom + 0.4, parts[2].right, parts[2].top - 0.4)
            cells = value_cells(self.theme, -found.kernel, box, scale, True, words)
            mark = ring(self.theme, cells.corners()[0], found.kernel.shape, [found.tap[0]], [found.tap[1]])
            self.play(self.put_up([cells, self.caption_below(cells, "gradients of its kernel"), mark]))
            self.kernel_body, self.kernel_sum = list(self.body), total


def is_inside(row: int, column: int, size: tuple[int, int]) -> bool:
    """Whether a map has a row and a column."""
    return row < size[0] and column < size[1]


def name_place(at: tuple[int, int], shape: tuple[int, ...]) -> str:
    """Name a place in a kernel.

    Examples
    --------
    >>> name_place((0, 2), (3, 3)), name_place((1, 1), (3, 3)), name_place((0, 4), (5, 5))
    ('top right', 'centre', '(1, 5)')
    """
    if shape != (3, 3):
        return f"({at[0] + 1}, {at[1] + 1})"
    words = f"{('top', '', 'bottom')[at[0]]} {('left', '', 'right')[at[1]]}".strip()
    return words or "centre"

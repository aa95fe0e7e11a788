"""A dense network in a film, with legends and sums."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.answer_path import AnswerPath
from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_decimal, format_value
from netcore.core.trace import Trace
from netcore.viz.colors import abs_limit
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject, as_points
from netcore.viz.film.components.columns import DenseColumns
from netcore.viz.film.components.dense_legends import DenseLegends
from netcore.viz.film.components.dense_sums import SumInNumbers, sum_in_numbers
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.one_neuron import OneNeuron
from netcore.viz.film.components.pictures import pixel_marks
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.dense_areas import DenseAreas, tile_places
from netcore.viz.theme import Theme

LABEL_ROOM = 0.85  # below the columns
DIM = 0.3  # opacity of what is not spoken of
EDGE_DIM, REST_DIM = 0.15, 0.1  # of edges of a layer that is complete; of those of other neurons


class DenseView:
    """Columns of neurons with legends at their left; `DenseAnswerView` has the scores at their right.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    layers : sequence of DenseLayer
    path : AnswerPath
    index : sequence of ndarray of int
        Drawn neurons of each column, inputs first.
    areas : DenseAreas
    ratio : float
        Width to height of the image in the panel.
    """

    def __init__(
        self,
        theme: Theme,
        trace: Trace,
        layers: Sequence[DenseLayer],
        path: AnswerPath,
        index: Sequence[NDArray[np.int_]],
        areas: DenseAreas,
        ratio: float,
    ) -> None:
        self.theme, self.trace, self.layers, self.path, self.index = theme, trace, layers, path, index
        self.columns = DenseColumns(theme, layers, index, areas.network(LABEL_ROOM))
        self.columns.begin_uncomputed()
        self.sizes, self.last = self.columns.sizes, len(layers)
        values = np.concatenate([layer.output for layer in layers[:-1]])
        bounded = all(layer.functions[-1:] == ("Sigmoid",) for layer in layers[:-1])
        self.scale = 1.0 if bounded else float(np.abs(values).max()) or 1.0
        self.signed = bool((values < 0).any())
        self.legends = DenseLegends(theme, self.columns, areas.legends(ratio))
        self.areas, self.ratio = areas, ratio
        self._tags: dict[int, list[ArrayMobject]] = {}
        self._named: list[ArrayMobject] = []  # numbers of the neurons in the sum line

    # ---- neurons

    def activation_colors(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return fills (N, 3) of activations, on one scale for all hidden layers."""
        share = np.asarray(values, dtype=float) / self.scale
        return (self.theme.signed_colors if self.signed else self.theme.activation_colors)(share)

    def shade(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return values (N,) and fills (N, 3) of the drawn neurons of column `k`."""
        index = self.index[k]
        if k == 0:
            inputs, pixels = self.layers[0].inputs, self.trace.pixels.ravel() / 255
            return np.asarray(inputs[index], dtype=np.float64), self.theme.activation_colors(pixels[index])
        if k == self.last:
            shares = self.trace.probabilities[index].astype(np.float64)
            return shares, self.theme.activation_colors(shares)
        values = np.asarray(self.layers[k - 1].output[index], dtype=np.float64)
        return values, self.activation_colors(values)

    def fill(self, k: int, rows: ArrayLike | None = None, run_time: float = 0.6, delay: float = 0.0) -> Animate:
        """Return the animation that fills drawn neurons of a column with their values."""
        return self.columns.fill(k, *self.shade(k), rows=rows, run_time=run_time, delay=delay)

    def input_words(self, noun: str) -> str:
        """Return the caption of the step in which inputs are drawn."""
        drawn, left = len(self.index[0]), self.sizes[0] - len(self.index[0])
        if left == 0:
            return "An edge carries weight × activation"
        layer = "hidden 1" if self.last > 2 else "the hidden layer"
        return f"Yellow: {drawn} strongest {noun}s for {layer}"

    # ---- sums in numbers

    def neuron_sum(self, k: int, unit: int, own: int, limit: int) -> SumInNumbers:
        """Write the sum of a neuron of column `k` in its largest terms, that of neuron `own` before it first."""
        layer = self.layers[k - 1]
        terms = layer.weight[unit].astype(np.float64) * layer.inputs
        return sum_in_numbers(self.columns, k - 1, terms, float(layer.bias[unit]), own, limit)

    # ---- plays: the first layer

    def fill_first(self, neuron: OneNeuron) -> Iterator[list[Animate]]:
        """Move a neuron to its place in the first layer; the others get their products and activations too."""
        columns, unit, index = self.columns, neuron.unit, self.index[1]
        columns.xs = columns.focus(1)
        columns.place()
        row, count, first = columns.row(1, unit), len(index), columns.columns[1]
        names, (centers, side) = self._named_places(neuron)
        self.tiles = neuron.picture.tiles(self.layers[0].weight[index], centers, side)
        r = columns.radius
        circles = centers + np.array([side / 2 * neuron.picture.ratio + 0.1 + r, 0.0])
        first.points = as_points(np.stack([circles - r, circles + r], axis=1).reshape(-1, 2))
        mine = neuron.picture.product_picture
        goal = np.tile(self.tiles.points[3 * row : 3 * row + 3], (len(mine.rgb), 1))
        yield [
            *neuron.leave(),
            Animate(neuron.circle, points=first.points[2 * row : 2 * row + 2], run_time=0.8, delay=0.3),
            Animate(mine, points=goal, run_time=0.8, delay=0.3),
        ]
        self._words = self._tile_words(circles, side, neuron, names)
        if count < self.sizes[1]:
            text, box = f"{count} of {self.sizes[1]:,}, by contribution", self.areas.main
            at = (box.center[0], box.bottom + 0.15)
            self._words.append(text_line(text, LABEL, self.theme.rgb("muted"), at=at))
        yield [*fade_in([first, *self._words, *self.legends.activation(self.scale, self.signed)])]
        collapsed = np.repeat((self.tiles.points[1::3] + self.tiles.points[2::3]) / 2, 3, axis=0)
        grow = Animate(
            self.tiles, start={"points": collapsed}, points=self.tiles.points.copy(), lag_ratio=2.0, run_time=1.5
        )
        yield [grow, self.fill(1, run_time=1.5, delay=0.3)]
        yield [*fade_out([neuron.circle, mine], run_time=0.1), columns.mark(1, unit)]

    def _named_places(self, neuron: OneNeuron) -> tuple[list[str], tuple[NDArray[np.float64], float]]:
        """Return the words at each neuron of the first layer, its activation too where it costs no room; places."""
        index, ratio = self.index[1], neuron.picture.ratio
        plain = [f"{unit + 1:,}" for unit in index.tolist()]
        values = [format_decimal(round(100 * float(self.layers[0].output[unit])), 2) for unit in index]
        found = []
        for names in (plain, [f"{name}: {value}" for name, value in zip(plain, values, strict=True)]):
            room = max(0.75, 0.25 + max(line_width(name, LABEL) for name in names))
            found.append((names, tile_places(self.areas.main, len(index), ratio, room)))
        return found[found[1][1][1] > 0.99 * found[0][1][1]]

    def _tile_words(
        self, circles: NDArray[np.float64], side: float, neuron: OneNeuron, names: Sequence[str]
    ) -> list[ArrayMobject]:
        """Return the scale of the small pictures, and the number of each neuron below its circle."""
        products = self.layers[0].weight[self.index[1]].reshape(-1, *self.trace.input.shape) * self.trace.input
        words = self.legends.products(abs_limit(products.sum(1)), neuron.noun)
        r, muted = self.columns.radius, self.theme.rgb("muted")
        if side < 2 * r + 0.5:
            return words
        ends = (circles - np.array([r, r + 0.18])).tolist()
        return [*words, *(text_line(n, LABEL, muted, at=at, align=(-1, 0)) for n, at in zip(names, ends, strict=True))]

    def draw_inputs(self, neuron: OneNeuron) -> Iterator[list[Animate]]:
        """Lead the drawn pixels to the input column, and edges from there to the first layer."""
        columns, unit = self.columns, self.path.units[0]
        thumb = self.areas.thumbnail(self.ratio)
        corners = neuron.picture.pixel_box(thumb, self.index[0], channels=False)
        self.marks = pixel_marks(self.theme, corners, 1.5)
        labels, lines = columns.labels()
        input_labels = [line for k, line in labels if k == 0]
        others = [line for k, line in labels if k > 0]
        goal = np.stack([columns.centers(1) - columns.radius, columns.centers(1) + columns.radius], axis=1)
        yield [
            *fade_out([self.tiles, *self._words]),
            Animate(columns.columns[1], points=goal.reshape(-1, 2), run_time=0.8, delay=0.3),
        ]
        rest = [m for k in range(2, self.last + 1) for m in columns.show(k)]
        dots = [m for m in columns.dots[1:2] if m is not None]
        yield [*rest, *fade_in([self.marks, *dots, *others, *lines])]
        inputs, middle = columns.columns[0], corners.mean(1)
        inputs.values, inputs.fill = self.shade(0)
        columns.computed[0][:] = True
        inputs.ring, inputs.dashed = columns.rings(0), columns.dashes(0)
        start = np.stack([middle - 0.03, middle + 0.03], axis=1).reshape(-1, 2)
        dots = [m for m in columns.dots[:1] if m is not None]
        yield [
            Animate(inputs, start={"points": start}, points=inputs.points.copy(), lag_ratio=0.5, run_time=1.2),
            *fade_in([*dots, *input_labels, *self.legends.dots(), *self.legends.not_computed()], delay=0.9),
        ]
        row = columns.row(1, unit)
        yield [
            columns.grow(1, lit=row, dim=REST_DIM, run_time=1.2, delay=0.2),
            *self.legends.change_edges(columns.contributions(1)[row], f"bright: into neuron {unit + 1:,}", delay=0.6),
            *fade_in(self._tag(1, f"{unit + 1:,}"), delay=0.9),
        ]

    # ---- plays: further layers

    def move(self, k: int) -> list[Animate]:
        """Return the animations that make the gap before column `k` the widest."""
        goal = self.columns.focus(k)
        return [] if np.allclose(goal, self.columns.xs) else self.columns.move(goal)

    def complete(self, k: int) -> list[Animate]:
        """Return the animations in which all neurons of column `k` are filled, and its edges step back."""
        edges = self.columns.edges[k - 1]
        filled = [] if k == 1 else [self.fill(k, run_time=0.4)]
        gone, self._named = fade_out(self._named), []
        return [Animate(edges, rgba=self.columns.colors(k), opacity=EDGE_DIM, run_time=0.4), *filled, *gone]

    def name_terms(self, k: int, units: Sequence[int]) -> list[Animate]:
        """Return the animations that write the numbers of some neurons of column `k` beside them."""
        for unit in units:
            if k not in self._tags or unit != self.path.units[k - 1]:
                self._named += self.columns.tag(k, unit, f"{unit + 1:,}", "foreground")
        return fade_in(self._named)

    def pass_on(self, k: int) -> list[Animate]:
        """Return the animations in which column `k` is computed as a whole."""
        return [self.columns.grow(k, run_time=0.6), self.fill(k, run_time=0.6, delay=0.3)]

    def light(self, k: int, unit: int) -> list[Animate]:
        """Return the animations in which the edges into one neuron grow."""
        row = self.columns.row(k, unit)
        values = self.columns.contributions(k)[row]
        return [
            self.columns.grow(k, lit=row),
            self.columns.mark(k, unit),
            *self.legends.change_edges(values, f"bright: into neuron {unit + 1:,}"),
        ]

    def fill_one(self, k: int, unit: int) -> list[Animate]:
        """Return the animations in which one neuron is filled and gets its number."""
        return [self.fill(k, rows=self.columns.row(k, unit)), *fade_in(self._tag(k, f"{unit + 1:,}"))]

    def activation_text(self, k: int) -> str:
        """Return the activation of the path's neuron in column `k` as text."""
        return format_value(float(self.layers[k - 1].output[self.path.units[k - 1]]))

    def _tag(self, k: int, text: str) -> list[ArrayMobject]:
        self._tags[k] = self.columns.tag(k, self.path.units[k - 1], text)
        return self._tags[k]

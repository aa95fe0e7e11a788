"""Base class of the film on backpropagation: gradients of maps and pictures, and training steps."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from netcore.analysis.backpropagation import LayerGradient, choose_neuron, layer_gradients, nudge_weight
from netcore.analysis.blocks import Graph
from netcore.analysis.cnn_blocks import CnnBlocks, cnn_blocks
from netcore.analysis.dense_layers import ADVICE, mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.learning_moment import LearningMoment, find_moment, pick_batch
from netcore.analysis.map_gradients import (
    KernelGradient,
    find_kernel_gradient,
    find_map_deltas,
    find_pooled_gradient,
    find_two_ways,
    gradient_of,
)
from netcore.analysis.training_effect import BatchGradients, StepEffect, predicted_change, take_step
from netcore.analysis.units import top_k
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_count, format_number, format_percent, format_subset, format_sum, format_value
from netcore.core.network import Network
from netcore.core.run import LabeledImages
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.backward_view import BackwardView
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.gradient_fan import GradientFan
from netcore.viz.film.components.labelled_bars import LabelledBars
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.sum_line import SumLine, write_sum
from netcore.viz.film.components.tiles import ring, value_cells
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.dense_areas import DenseAreas

BATCH = 32  # images of the batch, at most
LARGE, LARGE_BATCH = 5_000_000, 8  # parameters above which the batch is smaller
MAX_MAPS = 16  # of a layer
MAX_CONVOLUTIONS = 3  # whose deltas are shown one by one


class GradientFilm(Film):
    """A film that shows gradients of one image; `open_gradients` comes first."""

    def open_gradients(self) -> None:
        """Choose snapshot and image, read the gradients, choose what is followed, and lay out the stage."""
        self.moment: LearningMoment = find_moment(self.context)
        self.network: Network = self.context.network(self.moment.snapshot)
        self.trace: Trace = self.network.trace(self.moment.sample, backward=True)
        self.graph: Graph = graph_of_trace(self.trace)
        self.blocks: CnnBlocks | None = cnn_blocks(self.trace) if self.graph.map_blocks() else None
        layers = self.blocks.dense if self.blocks else mlp_layers(self.trace, self.graph)
        if not layers:
            raise RequirementError(f"the scores must come from a dense layer, got none: {ADVICE}")
        self.found: list[LayerGradient] = layer_gradients(self.trace, layers)
        self.line = SumLine(self.theme, self.sum_line_box)
        self.nudge = nudge_weight(self.network, self.moment.sample, self.trace, self.found[-1])
        last = len(self.found)
        keep = {last: [self.nudge.unit], last - 1: [self.nudge.source]}
        if last > 1:
            self.unit, self.product = choose_neuron(self.found[-2])
            keep[last - 1].append(self.unit)
        source = "values" if self.blocks else "inputs"
        limits = self.max_units, self.max_classes
        self.view = BackwardView(self.theme, self.trace, self.found, DenseAreas(self.stage), *limits, keep, source)
        assert self.trace.label is not None
        self.name = clip_names([self.trace.classes[self.trace.label]], 12)[0]
        self.loss = format_number(self.trace.loss or 0.0, 4)
        self.away = False  # whether the network has left the stage
        self.body: list[ArrayMobject] = []  # what stands in its place

    def play_all(self, plays: Iterable[list[Animate]]) -> None:
        """Play lists of animations one after another."""
        for animations in plays:
            if animations:
                self.play(*animations)

    def clear_stage(self) -> list[Animate]:
        """Return the animations in which network, or what stands in its place, leaves."""
        gone = fade_out(self.body) if self.away else self.view.leave()
        self.away, self.body = True, []
        return gone

    def put_up(self, mobjects: Iterable[ArrayMobject], delay: float = 0.0) -> list[Animate]:
        """Return the animations in which something appears in place of the network."""
        new = list(mobjects)
        self.body = [*self.body, *new]
        return fade_in(new, delay)

    def restore(self) -> list[Animate]:
        """Return the animations in which the network comes back."""
        if not self.away:
            return []
        gone, self.away, self.body = fade_out(self.body), False, []
        return [*gone, *self.view.come_back()]

    def gradient_grid(self, values: ArrayLike, index: Iterable[int], title: str, area: Area, note: str = "") -> MapGrid:
        """Make tiles of gradients (N, H, W) in the colours of what the loss asks for; the scale shows gradients."""
        wishes, chosen = -np.asarray(values, float), list(index)
        limit = float(np.abs(wishes).max()) or 1.0
        return MapGrid(self.theme, wishes, area, chosen, title, note, vmax=limit, signed=True, ends=(limit, -limit))

    @property
    def area(self) -> Area:
        """Where pictures stand in place of the network."""
        return self.view.areas.main

    # ---- pictures of gradients

    def show_input_gradients(self, found: LayerGradient, unit: int) -> None:
        """Show the gradients of neurons of the first layer as pictures, the largest delta first."""
        shape = self.trace.input.shape
        order = [unit, *(int(k) for k in np.argsort(-np.abs(found.delta), kind="stable") if k != unit)]
        count = max(1, MAX_MAPS // shape[0])
        shown = order[: min(count, self.max_units)]
        values = found.gradient[shown].reshape(-1, *shape[1:])
        title = f"gradients of {format_subset(len(shown), len(found.delta), 'neuron')}, neuron {unit + 1:,} first"
        grid = self.gradient_grid(values, range(len(values)), title, self.area, "blue: weight should rise")
        self.play(self.put_up(grid.mobjects))
        x = np.asarray(found.layer.inputs, float)
        k = int(np.abs(found.gradient[unit]).argmax())
        delta, terms = float(found.delta[unit]), (format_value(float(x[k])), format_value(float(found.gradient[unit, k])))
        self.play(self.line.change(f"neuron {unit + 1:,}: delta {format_value(delta)} × brightest {terms[0]} = {terms[1]}"))
        self.grid = grid

    def maps_back(self) -> None:
        """Maps of a convolutional network: pooling, shortcut, convolutions, one kernel weight."""
        self.vector_to_maps()
        self.pool()
        self.shortcut()
        self.deltas = find_map_deltas(self.trace, self.graph, MAX_CONVOLUTIONS)
        for layer in self.deltas:
            name = ellipsize_line(layer.block.title, 4.0, LABEL)
            with self.step("{layer}: a delta for each pixel", name=f"deltas-{layer.block.name}", layer=name):
                self.play(self.line.change(), self.clear_stage())
                self.play(self.put_up(self.map_grid(layer.values, layer.block.title).mobjects))
                self.play(self.line.change(f"mean size of the deltas: {format_value(layer.mean_size)}"))
        if self.deltas and (found := find_kernel_gradient(self.trace, self.deltas[-1])):
            self.kernel_weight(found)

    def map_grid(self, values: ArrayLike, title: str) -> MapGrid:
        """Make the tiles of the maps with the largest gradients, the very largest first."""
        array = np.asarray(values, float)
        size = np.abs(array).reshape(len(array), -1).max(1)
        first = int(size.argmax())
        shown = [first, *(int(k) for k in top_k(size, min(MAX_MAPS, self.max_units), [first]) if k != first)]
        words = f"{title}: gradients of {format_subset(len(shown), len(array), 'map')}"
        return self.gradient_grid(array, shown, words, self.area, "blue: should rise")

    def vector_to_maps(self) -> None:
        """The gradients of the vector become those of the maps that it was made of."""
        assert self.blocks is not None
        last = self.blocks.maps.blocks[-1]
        gradients = gradient_of(self.trace, last.output)
        if gradients is None:
            return
        gradients = last.unit_values(gradients)
        vector = self.found[0].by_input
        text, values = "{n} gradients, back at their {m} maps", {"n": len(vector), "m": len(gradients)}
        if len(vector) == len(gradients):
            n = gradients[0].size
            shared = np.allclose(gradients, vector[:, None, None] / n, atol=1e-6 * float(np.abs(vector).max()))
            text = "Average: each of {n} pixels gets 1/{n}" if shared else "{m} gradients, one for each map"
            values["n"] = n
        with self.step(text, name="maps", **values):
            self.play(self.line.change(), self.clear_stage())
            self.play(self.put_up(self.map_grid(gradients, "last maps").mobjects))

    def pool(self) -> None:
        """One pooling window: who gets the gradient."""
        found = find_pooled_gradient(self.trace, self.graph)
        if found is None:
            return
        text = "Max-pooling: only the winner gets it" if found.is_max else "Average pooling: each gets the same share"
        with self.step(text, name="pooling"):
            self.play(self.line.change(), self.clear_stage())
            halves = [Area(a.left, a.bottom + 0.5, a.right, a.top) for a in self.area.divide([1, 1], 1.0)]
            limit = float(np.abs(found.values).max()) or 1.0
            cells = value_cells(self.theme, found.values, halves[0].inset(0.4), limit, bool((found.values < 0).any()))
            scale = float(np.abs(found.gradients).max()) or 1.0
            texts = [format_value(float(v)) for v in found.gradients.ravel()]
            back = value_cells(self.theme, -found.gradients, halves[1].inset(0.4), scale, True, texts)
            size, best = found.values.shape, np.unravel_index(int(found.values.argmax()), found.values.shape)
            rings = [ring(self.theme, m.corners()[0], size, [best[0]], [best[1]]) for m in (cells, back)] * found.is_max
            words = f"map {found.unit + 1:,}, one window: values", f"gradients, from {format_value(found.given)}"
            labels = [self.caption_below(m, text) for m, text in zip((cells, back), words, strict=True)]
            self.play(self.put_up([cells, labels[0], *rings[:1]]))
            self.play(self.put_up([back, labels[1], *rings[1:]]))

    def caption_below(self, picture: PixelImages, text: str) -> ArrayMobject:
        """Make a muted line below a picture."""
        x0, y0, x1, _ = picture.bounding_box()
        return text_line(text, LABEL, self.theme.rgb("muted"), at=((x0 + x1) / 2, y0 - 0.25))

    def shortcut(self) -> None:
        """A residual block has two ways back, whose gradients add up."""
        found = find_two_ways(self.trace, self.graph)
        if found is None:
            return
        unit = int(np.abs(found.total).reshape(len(found.total), -1).max(1).argmax())
        maps = np.stack([found.through_block[unit], found.through_shortcut[unit], found.total[unit]])
        row, column = (int(i) for i in np.unravel_index(int(np.abs(maps[2]).argmax()), maps[2].shape))
        title = ellipsize_line(found.title, 3.0, LABEL)
        with self.step("{block}: two ways back add up", name="shortcut", block=title):
            self.play(self.line.change(), self.clear_stage())
            limit = float(np.abs(maps).max()) or 1.0
            words = ("through block", "through shortcut", "sum")
            grids = []
            for part, values, text in zip(self.area.divide([1, 1, 1], 0.4), maps, words, strict=True):
                grid = MapGrid(self.theme, -values[None], part, [0], text, vmax=limit, signed=True, ends=(limit, -limit))
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
        delta, value, product = found.texts
        n = found.deltas.size
        with self.step("One kernel weight: a sum over {n} windows", name="kernel", n=n):
            self.play(self.line.change(), self.clear_stage())
            parts = self.area.divide([1, 1, 0.8], 0.4)
            size = found.deltas.shape
            row, column = found.place
            left = MapGrid(self.theme, found.inputs[None], parts[0], [0], "input under it")
            middle = self.gradient_grid(found.deltas[None], [0], f"deltas of map {found.unit + 1:,}", parts[1])
            rings = [ring(self.theme, g.maps.corners()[0], size, [row], [column]) for g in (left, middle)]
            self.play(self.put_up([*left.mobjects, *middle.mobjects, *rings]))
            texts, more = [delta, "×", value, "=", (product, "emphasis")], n - 1
            self.play(self.line.change(*texts))
            digits = len(product.partition(".")[2])
            p = float(found.products[found.place])
            (first, rest), total = format_sum([p], found.gradient - p, digits, digits)
            self.play(self.line.change((first, "emphasis"), f"+ {more:,} more windows: {rest} = {total}"))
            scale = float(np.abs(found.kernel).max()) or 1.0
            words = [format_value(float(v)) for v in found.kernel.ravel()]
            box = Area(parts[2].left, parts[2].bottom + 0.4, parts[2].right, parts[2].top - 0.4)
            cells = value_cells(self.theme, -found.kernel, box, scale, True, words)
            mark = ring(self.theme, cells.corners()[0], found.kernel.shape, [found.tap[0]], [found.tap[1]])
            self.play(self.put_up([cells, self.caption_below(cells, "gradients of the kernel"), mark]))

    # ---- training steps

    def training_step(self) -> None:
        """One step on this image, on many others, and one on a batch."""
        one = LabeledImages("examples", self.moment.sample.pixels[None], np.array([self.trace.label]))
        images = self.context.images("held_out")
        self.effect = effect = take_step(self.network, self.moment.sample, one, images)
        step, view = effect.step, self.view
        before, after = self.loss, format_number(effect.trace.loss or 0.0, 4)
        values = {"o": step.optimizer, "r": f"{step.learning_rate:g}", "a": before, "b": after}
        with self.step("One {o} step, rate {r}: loss {a} → {b}", name="step", **values):
            self.play(self.line.change(), self.restore(), view.drop_tags())
            p = effect.trace.probabilities
            index = view.index[-1]
            self.play(view.bars.change(p[index], 1.0 - float(p[index].sum())))
            known = predicted_change(self.trace, step, self.context.weights(self.moment.snapshot))
            measured = (effect.trace.loss or 0.0) - (self.trace.loss or 0.0)
            words = [f"measured {format_number(measured, 3)}"]
            words += [f"Σ gradient × step: {format_number(known, 3)}"] if known is not None else []
            notes = [] if step.recorded else ["optimiser not recorded: plain SGD"]
            notes += ["its first step"] if step.recorded and step.optimizer != "SGD" else []
            self.play(self.line.change("     ".join(words), *(("     " + note, "muted") for note in notes)))
        self.others(effect)
        self.batch(images)

    def others(self, effect: StepEffect) -> None:
        """Which other images got better by the step on this one."""
        total, better = len(effect.before), int(effect.better.sum())
        worse = int((effect.after > effect.before).sum())
        share, classes = effect.share_better(len(self.trace.classes)), self.trace.classes
        shown = [k for k in self.view.index[-1] if np.isfinite(share[k])]
        text = "{n} other images: {b} better, {w} worse" if worse else "{n} other images: {b} of them better"
        with self.step(text, name="others", n=total, b=better, w=worse):
            self.play(self.line.change(), self.clear_stage())
            part = {"held_out": "held-out images", "train": "training images"}.get(effect.images.part, "example images")
            area = Area(self.area.left, self.area.bottom, self.area.right, self.area.top - 0.5)
            names = clip_names([classes[k] for k in shown], 12)
            bars = LabelledBars(self.theme, area, names, [float(share[k]) for k in shown])
            head = f"share of each class's {part} with a lower loss"
            title = text_line(ellipsize_line(head, self.area.width, LABEL), LABEL, self.theme.rgb("muted"),
                              at=(self.area.center[0], self.area.top - 0.2))  # fmt: skip
            self.play(self.put_up([title]), bars.grow())
            self.body += [bars.bars, *bars.texts]
            self.class_bars = bars

    def batch(self, images: LabeledImages) -> None:
        """Gradients of a batch, their mean, and the losses after a step on all of them."""
        parameters = sum(w.size for w in self.context.weights(self.moment.snapshot).values())
        limit = LARGE_BATCH if parameters > LARGE else min(self.context.batch_size or BATCH, BATCH)
        chosen = pick_batch(self.context, self.moment.sample, limit)
        if len(chosen.labels) < 2:
            return
        found = BatchGradients(self.network.gradient_products(chosen.images, chosen.labels))
        self.batch_effect = effect = take_step(self.network, self.moment.sample, chosen, images)
        self.gradients = found
        n, a, b = len(chosen.labels), found.mean_length, found.length_of_mean
        values = {"n": n, "a": format_value(a), "b": format_value(b)}
        with self.step("So average {n} gradients: length {a} → {b}", name="batch", **values):
            self.play(self.line.change(), self.clear_stage())
            fan = GradientFan(self.theme, self.area, found)
            self.play_all(fan.appear())
            self.body = fan.mobjects
            self.fan = fan
        loss = [format_number(float(v.mean()), 5) for v in (effect.before, effect.after)]
        count = format_count(len(effect.before), "image")
        with self.step("One step for all {n}: {c} improve", name="batch-step", n=n, c=format_percent(effect.better.mean())):
            own = format_number(effect.trace.loss or 0.0, 4)
            self.play(self.line.change(f"mean loss of {count}: {loss[0]} → {loss[1]}     this image: {self.loss} → {own}"))


def digits_of(value: float) -> int:
    """Digits after the decimal point with which a value has three that count."""
    return max(2, 2 - int(np.floor(np.log10(abs(value))))) if value else 2

"""Weights through training

The first layer of {network} from its untrained weights to its trained ones: the weights of one unit laid over an image,
early and late, then the accuracy with one layer at a time put back to its untrained weights.
"""

import numpy as np

from netcore.analysis.first_layer import first_unit, idle_pixels
from netcore.analysis.layer_resets import LayerReset, reset_layers
from netcore.analysis.snapshot_predictions import recorded_curves
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER
from netcore.viz.film.components import weight_wording as wording
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.labelled_bars import LabelledBars
from netcore.viz.film.components.tiles import Tiles
from netcore.viz.film.components.time_axis import TimedText, run_time_line, set_time
from netcore.viz.film.components.training_film import TrainingFilm
from netcore.viz.film.components.unit_grid import UnitGrid
from netcore.viz.film.components.weight_charts import WeightCharts
from netcore.viz.film.components.weight_ends import weight_ends
from netcore.viz.film.components.weight_view import WeightView
from netcore.viz.film.text import ellipsize_line

NEEDS = ("snapshots",)

SECONDS = 8.0  # for all snapshots
MAX_LAYERS = 12
MOST = 0.25  # of the training: if half of the change took longer, no span is marked


class WeightsEvolve(TrainingFilm):
    """How the weights of the first layer change during training, and which layers' training matters.

    Attributes
    ----------
    max_units : int
        Maximum number of neurons or kernels in the picture of all of them: those of the largest weights.
    """

    max_units: int = 64

    def construct(self) -> None:
        """One unit from its first weights to its last, then all units and layers."""
        self.begin()
        self.trace = self.context.trace(at=self.last)
        self.unit = first_unit(self.context, self.snapshots)
        upper, self.lower = self.stage.rows([0.55, 0.45], 0.2)
        self.word = "kernel" if self.unit.is_kernel else "neuron"
        self.name = f"{self.word} {self.unit.unit + 1}"
        self.ends = self.axis.labels[0], self.axis.labels[-1]
        self.names = f"{self.name}, {self.ends[0]}", f"{self.name}, {self.ends[1]}"
        self.view, self.small = (
            WeightView(self.theme, area, self.unit, self.trace, self.axis.times, name)
            for area, name in ((self.stage, self.names[0]), (upper, f"weights of {self.name}"))
        )
        label = self.trace.prediction if self.trace.label is None else self.trace.label
        self.image = ellipsize_line(self.trace.classes[label], 2.5, LABEL)
        for part in (
            self.one_unit, self.early, self.evolve, self.half, self.late, self.idle, self.all_units, self.put_back,
        ):  # fmt: skip
            part()

    def one_unit(self) -> None:
        """The pixels become the places of the weights; the colours get a scale."""
        view, unit, own = self.view, self.unit, self.unit.own[0]
        each = "used at every window" if unit.is_kernel else "one for each pixel"
        with self.step("{who}: {n} weights, {each}", name="unit", who=self.name.capitalize(), n=own.size, each=each):
            self.add(view.image, view.heads[1])
            parts = [view.heads[0], *([view.window] if unit.is_kernel else [])]
            words = [wording.window_note(unit)] if unit.is_kernel else [f"from {self.snapshot_label};", self.unit_words]
            self.play(view.spread(), fade_in(parts, 0.5), view.show_scale(0, 0, 0.5), self.note(*words))
        with self.step("Weights: blue above 0, orange below, plain near 0", name="signs"):
            marks, terms = view.mark_extremes()
            self.play(fade_in(marks), self.line.change(*terms))
        self.marks = marks

    def lay_down(self, k: int, products: Tiles) -> None:
        """The pixels lie down on the weights, the products move on, the sum is written; `k` is 0 or -1."""
        view = self.view
        first, second, copy = view.slide(products)
        self.play(first, fade_out(self.marks), fade_in([view.heads[2]]))
        self.marks = []
        self.play(second, fade_out([copy]), view.show_scale(1, k))
        self.play(self.line.change(*view.sum_terms(k)), view.number_products(k))
        self.read_also(self.line.text)

    def early(self) -> None:
        """The first weights on the image, and the new scale."""
        view = self.view
        with self.step("{when}, on this {c}: sum {s}", name="early", when=self.when(0), c=self.image, s=view.total(0)):
            self.lay_down(0, view.products)
        if not view.rescales:
            return
        with self.step("Same weights, new scale: full color is now {m}", name="scale", m=view.scales[0][1]):
            colors = view.later_weights.colors[0], view.later_products.colors[0]
            self.play(
                Animate(view.weights, rgb=colors[0]), Animate(view.products, rgb=colors[1]),
                view.show_scale(0, -1), view.show_scale(1, -1), fade_out(view.cells),
                self.note(f"faint: these weights are small beside those at {self.axis.labels[-1]}"),
            )  # fmt: skip
            view.cells = []

    def evolve(self) -> None:
        """Cursor, weights, products and sum go through the snapshots together."""
        view, small, unit = self.view, self.small, self.unit
        words = f"{self.name}: sizes of its changes, added up", f"of {self.found.words}"
        curve = recorded_curves(self.context, self.found)[1]
        self.charts = charts = WeightCharts(self.theme, self.lower, self.axis, unit, self.found.accuracy, curve, words)
        texts = view.sum_texts()
        self.number = number = TimedText(self.axis.times, texts, NUMBER, self.theme.rgb("foreground"), small.feet[1])
        self.timed = [small.later_weights, small.later_products, *charts.timed, number]
        set_time(self.timed, 0.0)
        with self.step("{n} of training, shown at {k} snapshots", name="training", n=self.span, k=len(texts)):
            self.play(view.rename(small.heads[0].text), view.move_to(small), self.note(*self.snapshot_words))
            self.remove(view.weights, view.products)
            self.add(small.later_weights, small.later_products)
            self.play(fade_in([*charts.mobjects, number]))
            self.play(*run_time_line(self.timed, 0.0, 1.0, SECONDS))

    def half(self) -> None:
        """The time in which half of the change was done."""
        first, last, low, high, share = self.charts.half_words()
        self.band, self.fastest = ([self.charts.band()], (first, last)) if share < MOST else ([], ("", ""))
        if not self.band:
            return
        text, values = wording.fastest_caption(self.name.capitalize(), first, last)
        with self.step(text, name="half", **values):
            self.play(fade_in(self.band), self.note(*wording.fastest_note(low, high, share)))

    def late(self) -> None:
        """The trained weights on the same image."""
        view, small, self.weights = self.view, self.small, self.view.later_weights
        set_time([view.later_weights, view.later_products], 1.0)
        values = {"when": self.when(-1), "c": self.image, "s": view.total(-1)}
        with self.step("{when}, on the same {c}: sum {s}", name="late", **values):
            self.play(
                fade_out([*self.band, self.number, *self.charts.mobjects]), view.move_back(small), self.line.change()
            )
            self.remove(small.later_weights)
            self.add(view.later_weights)
            self.play(view.rename(self.names[1]))
            self.lay_down(-1, view.later_products)

    def idle(self) -> None:
        """Weights of pixels without ink in any training image have no gradient."""
        found = idle_pixels(self.context, self.unit)
        if found is None:
            return
        with self.step("{n} pixels never had ink: weights never moved", name="idle", n=int(found.sum())):
            self.marks = [self.view.frame_pixels(found)]
            self.play(fade_in(self.marks), self.note(*wording.IDLE_NOTE))

    def all_units(self) -> None:
        """Every unit of the layer, first untrained, then trained."""
        view, pixel = self.view, self.width / self.cairo_camera.pixel_width
        grid = UnitGrid(
            self.theme, self.stage, self.unit, view.scales[0][1], self.max_units, pixel, self.word, self.ends
        )
        (text, values), notes = wording.units_caption(self.unit, grid.count, grid.all_shown, self.ends)
        with self.step(text, name="all", **values):
            legends = [m for legend in view.legends for m in legend]
            old = [view.image, view.later_products, *view.heads, *self.marks, view.window, *legends, *view.cells]
            self.play(fade_out(old), self.note(*notes))
            if len(view.frames) == 1:
                self.play(travel(self.weights, grid.frame))
            self.play(fade_out([self.weights]), fade_in([*grid.timed, *grid.fixed], run_time=0.5))
            self.play(*(Animate(m, time=1.0, run_time=0.8, delay=0.8) for m in grid.timed))
            self.wait(1.5)
        self.old = [*grid.timed, *grid.fixed]

    def put_back(self) -> None:
        """The accuracy with the weights of one layer put back, layer by layer; the first unit again."""
        full, total, resets = float(self.found.accuracy[-1]), 0, list[LayerReset]()
        if self.first.step == 0:
            resets, total = reset_layers(self.context, self.first, self.last, self.found.images, MAX_LAYERS)
            self.show_resets(resets, total, full)
        view, (second, more) = self.view, wording.reset_caption(resets, total, full)
        first, values = wording.conclusion_caption(self.unit, self.name, self.image, view.ends, self.fastest)
        ends = weight_ends(self.theme, self.stage, self.unit, self.names, view.scales[0][1])
        self.takeaway(first, second, self.line.change(), fade_out(self.old), fade_in(ends, 0.4), **values, **more)

    def show_resets(self, resets: list[LayerReset], total: int, full: float) -> None:
        """A bar for each layer that is put back, and the lowest of them."""
        p = np.array([r.accuracy for r in resets])
        words = f"accuracy on {self.found.words}" + f" · {len(resets)} of {total} layers" * (len(resets) < total)
        bars = LabelledBars(self.theme, self.stage, [r.title for r in resets], p, title=words, before=full)
        with self.step("One layer at a time put back to untrained weights", name="put-back"):
            self.play(fade_out(self.old), self.note(*wording.bar_note(full)))
            self.play(fade_in(bars.still))
            self.play(bars.fall())
        low, self.old = int(p.argmin()), [*bars.still, *bars.numbers]
        if p[low] < full:
            text, values = wording.worst_caption(resets[low], full)
            with self.step(text, name="worst", **values):
                note = wording.worst_note(resets, full, len(self.trace.classes))
                self.old.append(bars.ring(low))
                self.play(fade_in(self.old[-1:]), self.note(*note))

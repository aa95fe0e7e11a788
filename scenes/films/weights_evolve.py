"""Weights through training

The first layer of {network} from its untrained weights to its trained ones: the weights of one unit laid over an image,
early and late, then the accuracy with one layer at a time put back to its untrained weights.
"""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.first_layer import first_unit, idle_pixels
from netcore.analysis.layer_resets import LayerReset, reset_layers
from netcore.core.formatting import format_count, format_number, format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.named_bars import NamedBars
from netcore.viz.film.components.tiles import Tiles
from netcore.viz.film.components.time_axis import TimeChart, TimedText, run_time_line, set_time
from netcore.viz.film.components.training_film import TrainingFilm
from netcore.viz.film.components.unit_grid import UnitGrid
from netcore.viz.film.components.weight_view import WeightView, frame_of
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line
from netcore.viz.layout.image_frames import pixel_boxes

NEEDS = ("snapshots",)

SECONDS = 8.0  # for all snapshots
TURNED = 0.9  # cosine of first and last weights above which kernels "turned little"
MAX_LAYERS = 12


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
        upper, self.lower = self.stage.rows([0.72, 0.28], 0.12)
        self.word = "kernel" if self.unit.is_kernel else "neuron"
        self.name = f"{self.word} {self.unit.unit + 1}"
        self.view = WeightView(self.theme, upper, self.unit, self.trace, self.axis.times, f"weights of {self.name}")
        label = self.trace.prediction if self.trace.label is None else self.trace.label
        self.image = ellipsize_line(self.trace.classes[label], 2.5, LABEL)
        self.before = "Untrained" if self.first.step == 0 else self.first.label[:1].upper() + self.first.label[1:]
        for part in (self.one_unit, self.early, self.evolve, self.late, self.idle, self.all_units, self.put_back):
            part()

    def one_unit(self) -> None:
        """The pixels become the places of the weights; the colours get a scale."""
        view, unit = self.view, self.unit
        each = "for each window" if unit.is_kernel else "one for each pixel"
        own = unit.own[0]
        with self.step("{who}: {n} weights, {each}", name="unit", who=self.name.capitalize(), n=own.size, each=each):
            self.add(view.image, view.heads[1])
            start = np.repeat(view.image.corners() if not unit.is_kernel else frame_of(view.window), len(own), 0)
            begin = np.pad(start.reshape(-1, 2), ((0, 0), (0, 1)))
            goal = view.weights.points[:, :2].copy()
            mark = [view.window] if unit.is_kernel else []
            move = Animate(view.weights, start={"points": begin, "opacity": 0.0}, points=goal, opacity=1.0)
            self.play(move, fade_in([view.heads[0], *mark], delay=0.5))
        with self.step("Blue adds, orange subtracts, plain is near 0", name="signs"):
            marks, words = view.mark_extremes()
            self.play(view.show_scale(0, 0), fade_in(marks), self.line.change(*words))
        self.marks = marks

    def lay_down(self, k: int, products: Tiles) -> None:
        """The pixels lie down on the weights, the products move on, the sum is written."""
        view, after = self.view, self.unit.after[0 if k == 0 else 1]
        first, second, copy = view.slide(products)
        self.play(first, fade_out(self.marks), fade_in([view.heads[2]]))
        self.marks = []
        functions = [f"→ {term} {format_number(value, 3)}" for term, value in after]
        self.play(second, fade_out([copy]), view.show_scale(1, 0 if k == 0 else 1))
        self.play(self.line.change(*view.sum_terms(k), *functions), view.number_products(k))

    def early(self) -> None:
        """The first weights on the image, and the new scale."""
        view = self.view
        with self.step(
            "{when}, on this {c}: sum {s}", name="early", when=self.before, c=self.image, s=self.view.total(0)
        ):
            self.lay_down(0, view.products)
        if not view.rescales:
            return
        with self.step("The scale changes: full colour is now {m}", name="scale", m=view.scales[0][1]):
            colors = view.later_weights.colors[0], view.later_products.colors[0]
            self.play(
                Animate(view.weights, rgb=colors[0]), Animate(view.products, rgb=colors[1]),
                view.show_scale(0, 1), view.show_scale(1, 1), fade_out(view.cells),
            )  # fmt: skip
            view.cells = []

    def evolve(self) -> None:
        """Cursor, weights, products and sum go through the snapshots together."""
        view, axis, accuracy = self.view, self.axis, self.found.accuracy
        values = axis.steps, accuracy, accuracy
        words = f"accuracy, {self.found.words}"
        self.chart = TimeChart(self.theme, self.lower, axis, words, *values, format_percent, 0.0, 1.0)
        texts = [f"sum {format_number(float(z), 3)}" for z in self.unit.sums]
        number = TimedText(axis.times, texts, NUMBER, self.theme.rgb("foreground"), self.sum_line_box.center)
        self.timed = [view.later_weights, view.later_products, *self.chart.timed, number]
        set_time(self.timed, 0.0)
        by_epoch = self.context.time_unit == "epoch" and float(self.last.epoch).is_integer()
        n = format_count(int(self.last.epoch), "epoch") if by_epoch else format_count(self.last.step, "step")
        with self.step("{n}: the weights move, {k} snapshots", name="training", n=n, k=len(axis.times)):
            self.play(fade_in([*self.chart.mobjects, number]), self.line.change(), fade_out(view.cells))
            self.remove(view.weights, view.products)
            view.cells = []
            self.play(*run_time_line(self.timed, 0.0, 1.0, SECONDS))
        self.number = number

    def late(self) -> None:
        """The trained weights on the same image."""
        self.weights, text = self.view.later_weights, "{when}, on the same {c}: sum {s}"
        now = "Trained" if self.last.step == self.context.snapshots[-1].step else self.last.label.capitalize()
        with self.step(text, name="late", when=now, c=self.image, s=self.view.total(-1)):
            self.play(fade_out([self.number]))
            self.lay_down(-1, self.view.later_products)

    def idle(self) -> None:
        """Weights of pixels without ink in any training image have no gradient."""
        found = idle_pixels(self.context, self.unit)
        if found is None:
            return
        with self.step("{n} pixels never had ink: weights never moved", name="idle", n=int(found.sum())):
            boxes = pixel_boxes(self.view.frames[:1], np.flatnonzero(found), found.shape)
            self.marks = [Rectangles(boxes, line=[*self.theme.rgb("emphasis"), 1.0], width=1.0, z_index=2)]
            self.play(fade_in(self.marks), self.line.change("gradient = delta × pixel = delta × 0 = 0"))

    def all_units(self) -> None:
        """Every unit of the layer, first untrained, then trained."""
        view, pixel = self.view, self.width / self.cairo_camera.pixel_width
        grid = UnitGrid(self.theme, self.stage, self.unit, self.max_units, pixel, self.word)
        turned = float(np.median(self.unit.cosines))
        text = "{count}: untrained, then trained"
        if turned > TURNED:
            text = "Median of {count}: cosine {c:.3f} to start"
        elif grid.all_shown:
            text = "All " + text
        with self.step(text, name="all", count=grid.count, c=turned):
            old = [view.image, view.later_products, *view.heads, *self.marks, *self.chart.mobjects, view.window]
            self.play(
                fade_out([*old, *(m for legend in view.legends for m in legend), *view.cells]), self.line.change()
            )
            if len(view.frames) == 1:
                self.play(travel(self.weights, grid.frame))
            self.play(fade_out([self.weights]), fade_in([grid.tiles, *grid.fixed], run_time=0.5))
            self.wait(0.6)
            self.play(Animate(grid.tiles, time=1.0, run_time=0.8))
        self.grid = [grid.tiles, *grid.fixed]

    def put_back(self) -> None:
        """The accuracy with the weights of one layer put back, layer by layer."""
        full, images = float(self.found.accuracy[-1]), self.found.images
        if self.first.step != 0:
            return self.conclude(full, [])
        resets, total = reset_layers(self.context, self.first, self.last, images, MAX_LAYERS)
        p = np.array([r.accuracy for r in resets])
        words = f"accuracy of {self.found.words}: {format_percent(full)} with all layers trained"
        words += f" · {len(resets)} of {total} layers" if len(resets) < total else ""
        bars = NamedBars(self.theme, self.stage, [r.title for r in resets], p, full, words)
        with self.step("Put one layer back to its untrained weights:", name="put-back"):
            self.play(fade_out(self.grid))
            self.play(fade_in(bars.still))
            self.play(bars.fall())
        worst = resets[int(p.argmin())]
        if worst.accuracy < full:
            title, low = ellipsize_line(worst.title, 3.5, LABEL), format_percent(worst.accuracy)
            with self.step("Without {layer} it falls to {a}", name="worst", layer=title, a=low):
                self.play(fade_in([bars.ring(int(p.argmin()))]))
        return self.conclude(full, resets)

    def conclude(self, full: float, resets: Sequence[LayerReset]) -> None:
        """The sums of the unit and what each layer is worth."""
        first, second = "{who}, sum on this {c}: {a} → {b}", "accuracy {p}"
        values = {"p": format_percent(full)}
        if resets and min(r.accuracy for r in resets) < full:
            low, high = (f(resets, key=lambda r: r.accuracy) for f in (min, max))
            second = "Untrained {x}: {p}; {y}: {q}" if low is not high else "Untrained {x}: {p}"
            cut = [ellipsize_line(r.title, 2.6, LABEL) for r in (low, high)]
            values = {"x": cut[0], "p": format_percent(low.accuracy), "y": cut[1], "q": format_percent(high.accuracy)}
        values |= {"who": self.name.capitalize(), "c": self.image, "a": self.view.total(0), "b": self.view.total(-1)}
        self.takeaway(first, second, **values)

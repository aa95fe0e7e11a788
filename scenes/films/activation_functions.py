"""Activation functions

Why {network} is not only sums: the activation function of its first hidden layer, where it is flat, and what is left
of the dense layers without it: one layer, with the same weights for every image.
"""

import numpy as np

from netcore.analysis import linear_collapse
from netcore.analysis.units import top_k
from netcore.core.formatting import format_number, format_percent
from netcore.viz.colors import image_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import NUMBER, ArrayMobject
from netcore.viz.film.components.collapsing_columns import CollapsingColumns, matrix_sizes
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.labelled_bars import LabelledBars
from netcore.viz.film.components.plot import Plot
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.components.weight_pictures import WeightPictures, source_shape
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import ellipsize_line
from netcore.viz.layout.area import Area

NEEDS = ("examples",)

MEANINGS = {
    "Sigmoid": "The sigmoid puts each between 0 and 1",
    "Tanh": "Tanh puts each between −1 and 1",
    "ReLU": "ReLU makes negative sums 0",
}


class ActivationFunctions(Film):
    """What the activation function does, and what the network is without it."""

    def construct(self) -> None:
        """From the sums to the accuracy without functions."""
        self.trace, self.old = self.context.trace(), list[ArrayMobject]()
        self.layers, self.functions = linear_collapse.dense_part(self.trace)
        self.sums = SumLine(self.theme, self.sum_line_box)
        self.examples = self.context.examples()
        node = self.layers[0].block.main.node
        found = self.context.network().predict(self.examples.images, (node,))
        self.all_sums = found[node].reshape(len(self.examples.labels), -1).astype(np.float64)
        self.all_scores = found["logits"].astype(np.float64)
        self.show_sums()
        self.apply_function()
        self.mark_flat_parts()
        self.take_out()
        self.collapse()
        self.fixed_weights()
        self.own_weights()
        with_, without = self.compare_accuracy()
        self.takeaway(
            "Sums of sums are sums: {layers} layers become 1", "Correct without functions {a}, with them {b}",
            self.sums.change(), layers=len(self.layers), a=without, b=with_,
        )  # fmt: skip

    # ---- the function

    def show_sums(self) -> None:
        """The sums of one layer as dots on an axis."""
        theme, z = self.theme, self.layers[0].z.astype(np.float64)
        self.z, self.function = z, self.functions[0]
        limit = max(5.0, float(np.abs(z).max()), float(np.quantile(np.abs(self.all_sums), 0.995))) * 1.05
        out = self.function(np.linspace(-limit, limit, 500))
        low, high = min(float(out.min()), 0.0), max(float(out.max()), float(self.function(z).max()))
        self.plot = Plot(theme, self.stage.part(0.14, 0.12, 0.86, 0.84), (-limit, limit), (low, high * 1.04))
        self.dots = self.plot.dots(z, np.zeros(len(z)), theme.rgb("muted"))
        self.one = int(np.argmax(self.function(z)))
        self.dots.fill[self.one] = self.dots.ring[self.one] = theme.rgb("emphasis")
        step = float(np.ceil(limit / 4))
        ticks = {v: f"{v:g}".replace("-", "−") for v in np.arange(-3 * step, 3.5 * step, step) if abs(v) < limit}
        self.axes = [self.plot.axes(), *self.plot.x_ticks(ticks), self.plot.x_title("sum z (pre-activation)")]
        least, most = (format_number(v, 3) for v in (z.min(), z.max()))
        with self.step("{n} sums, from {low} to {high}", name="sums", n=len(z), low=least, high=most):
            self.add(*self.axes)
            note = f"a dot: a neuron of {self.layers[0].block.title}; yellow: neuron {self.one + 1}"
            self.play(fade_in([self.dots]), self.sums.change(note))

    def apply_function(self) -> None:
        """The curve is drawn, and each dot rises to it."""
        kind = self.layers[0].functions[-1]
        self.curve = self.plot.curve(self.function, self.theme.rgb("foreground"))
        top = self.plot.y[1] / 1.04
        labels = [*self.plot.y_ticks({0.0: "0", top: format_number(top)}), self.plot.y_title("activation")]
        self.axes += labels
        place = self.plot.at(self.z, self.function(self.z))
        a, b = format_number(self.z[self.one], 3), format_number(float(self.function(self.z)[self.one]), 3)
        with self.step(MEANINGS.get(kind, f"{kind} bends the sums"), name="function"):
            self.play(Animate(self.curve, start={"progress": 0.0}, progress=1.0, run_time=1.0), fade_in(labels))
            self.play(
                Animate(self.dots, points=self.dots.points_at(place), run_time=1.2),
                self.sums.change(f"{kind}: {a}", "→", b),
            )

    def mark_flat_parts(self) -> None:
        """Where the function is nearly flat: of this image's sums, and of all examples'."""
        plot = self.plot
        ranges = linear_collapse.flat_ranges(self.function, *plot.x)
        if not ranges:
            return
        bands, self.histogram = plot.bands(ranges), plot.histogram(self.all_sums)
        flat = int((np.abs(linear_collapse.slope(self.function, self.z)) < linear_collapse.FLAT_SLOPE).sum())
        with self.step("Nearly flat there: {flat} of {n} neurons", flat=flat, n=len(self.z), name="flat"):
            self.play(fade_in([bands]), self.sums.change(f"grey: slope under {linear_collapse.FLAT_SLOPE}"))
        share = float((np.abs(linear_collapse.slope(self.function, self.all_sums)) < linear_collapse.FLAT_SLOPE).mean())
        images, part = len(self.examples.labels), format_percent(share, 0)
        with self.step("{n} images: {share} of all sums lie there", name="all-images", n=images, share=part):
            self.play(fade_in([self.histogram]), self.sums.change(f"bars: {self.all_sums.size:,} sums of all images"))
        self.old = [bands, self.histogram]

    def take_out(self) -> None:
        """The curve becomes the line y = x, and the dots ride along."""
        self.plot.y = self.plot.x
        points = self.plot.at(*[np.linspace(*self.plot.x, len(self.curve.points))] * 2)
        place = self.plot.at(self.z, self.z)
        labels, axes = self.axes[1:], self.plot.axes()
        with self.step("Take the function out: only sums remain", name="taken-out"):
            self.play(
                fade_out([*self.old, *labels, self.axes[0]]), fade_in([axes]),
                Animate(self.curve, points=points, run_time=1.2), self.sums.change("activation = z"),
                Animate(self.dots, points=self.dots.points_at(place), run_time=1.2),
            )  # fmt: skip
        self.old = [axes, self.curve, self.dots]

    # ---- the layers without it

    def collapse(self) -> None:
        """The hidden columns slide into the output, their edges become one layer of edges."""
        self.weight, self.bias = linear_collapse.collapse_layers(self.layers)
        columns = CollapsingColumns(self.theme, self.stage.part(0.06, 0.04, 0.94, 0.96), self.layers, self.max_units)
        with self.step("{n} layers of sums", n=len(self.layers), name="layers"):
            words = self.sums.change("edges: weights, blue +, orange −")
            self.play(fade_out(self.old), fade_in(columns.mobjects, 0.3), words)
        with self.step("{n} layers of sums are 1 layer of sums", n=len(self.layers), name="collapse"):
            self.play(columns.slide())
            text = matrix_sizes(self.layers, self.weight, self.sum_line_box.width)
            self.play(columns.replace(self.weight), self.sums.change(text))
        self.old = columns.shown

    def fixed_weights(self) -> None:
        """What is left: one picture of weights for each class."""
        trace = self.trace
        self.shown = top_k(trace.probabilities, min(self.max_classes, 10), [trace.prediction])
        names = [trace.classes[k] for k in self.shown]
        pictures = WeightPictures(self.theme, self.stage, self.weight[self.shown], trace, self.layers[0], names)
        shape = source_shape(trace, self.layers[0])
        note = "{} maps of {} × {}, side by side; ".format(*shape) if shape[0] > 3 and len(shape) == 3 else ""
        with self.step("For each class one fixed set of weights", name="fixed-weights"):
            words = self.sums.change(note + "the same for every image")
            self.play(fade_out(self.old), fade_in(pictures.mobjects, 0.3), words)
        self.old = pictures.mobjects

    def own_weights(self) -> None:
        """The weights that the score of one class really has, for this image and for another."""
        trace, k = self.trace, self.trace.prediction
        other = int((self.all_scores.argmax(axis=1) != k).argmax())  # the first of them, else the first image
        sums = [self.z, self.all_sums[other]]
        pair = np.array([linear_collapse.score_gradient(self.layers, self.functions, z, k) for z in sums])
        names = ["for this image", "for the other one"]
        pictures = WeightPictures(self.theme, self.stage.part(0.22, 0, 1, 1), pair, trace, self.layers[0], names)
        areas = self.stage.part(0, 0.06, 0.2, 0.94).rows([1, 1], gap=0.4)
        images = [self.image(p, at) for p, at in zip((trace.pixels, self.examples.images[other]), areas, strict=True)]
        self.likeness = linear_collapse.likeness(*pair)
        name = ellipsize_line(trace.classes[k], 2.0, NUMBER)
        with self.step("With functions, each image has its own", name="own-weights"):
            self.play(
                fade_out(self.old), fade_in([*images, *pictures.mobjects], 0.3),
                self.sums.change(f"weights of class {name}; likeness {self.likeness:.2f}, without functions 1.00"),
            )  # fmt: skip
        self.old = [*images, *pictures.mobjects]

    def compare_accuracy(self) -> tuple[str, str]:
        """Accuracy on the examples with the functions and without."""
        labels, classes = self.examples.labels, self.trace.classes
        with_ = self.all_scores.argmax(1)
        without = linear_collapse.scores_without_functions(self.layers, self.all_sums).argmax(1)
        names = ["with functions", "without, not trained again"]
        shares = [float((answers == labels).mean()) for answers in (with_, without)]
        self.bars = bars = LabelledBars(self.theme, self.stage.part(0.26, 0.3, 1, 0.66), names, shares)
        a, b = bars.percents
        turned = np.flatnonzero((with_ == labels) & (without != labels))
        images, words = [], [f"{len(labels):,} example images"]
        if len(turned):
            k = int(turned[0])
            images = [self.image(self.examples.images[k], self.stage.part(0, 0.26, 0.22, 0.7))]
            words.append(f"·  this image: {classes[with_[k]]} with, {classes[without[k]]} without")
        with self.step("Correct: {a} with, {b} without", a=a, b=b, name="accuracy"):
            self.play(fade_out(self.old), fade_in(images, 0.3), self.sums.change(*words), bars.grow(0.3))
        return a, b

    def image(self, pixels: np.ndarray, area: Area) -> PixelImages:
        """One picture with an outline."""
        frame = area.fit(*pixels.shape[:0:-1]).frame
        return PixelImages(image_colors(self.theme, pixels), frame, outline=self.theme.rgb("faint"))

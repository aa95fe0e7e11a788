"""Activation functions

Why {network} is not only sums: the activation function of its first hidden layer, where it is flat, and what is left
of the dense layers without it: one layer, with the same weights for every image.
"""

from collections.abc import Sequence

import numpy as np

from netcore.analysis import linear_collapse
from netcore.analysis.units import top_k
from netcore.core.formatting import format_number
from netcore.viz.film.captions import shortest_caption
from netcore.viz.film.components.answer_changes import AnswerChanges
from netcore.viz.film.components.collapsing_columns import CollapsingColumns, matrix_sizes
from netcore.viz.film.components.curve_film import CurveFilm
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.labelled_bars import LabelledBars
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.components.tiles import ring
from netcore.viz.film.components.weight_pictures import WeightPictures, source_shape, vector_image
from netcore.viz.film.mobjects import PixelImages

NEEDS = ("examples",)


class ActivationFunctions(CurveFilm):
    """What the activation function does, and what the network is without it."""

    def construct(self) -> None:
        """From the sums to the accuracy without functions."""
        self.trace = self.context.trace()
        self.layers, self.functions = linear_collapse.dense_part(self.trace)
        self.examples = self.context.examples()
        node = self.layers[0].block.main.node
        found = self.context.network().predict(self.examples.images, (node,))
        all_sums = found[node].reshape(len(self.examples.labels), -1).astype(np.float64)
        self.all_scores = found["logits"].astype(np.float64)
        self.show_curve(self.layers[0], self.functions[0], all_sums, SumLine(self.theme, self.sum_line_box))
        self.collapse()
        self.fixed_weights()
        self.own_weights()
        with_, without = self.compare_accuracy()
        self.takeaway(
            "Without functions {n} layers are 1 layer of sums", "Taken out, not trained again: {a} → {b}",
            self.sums.change(), n=len(self.layers), a=with_, b=without,
        )  # fmt: skip

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
            self.play(columns.replace(self.weight), self.sums.change("2 × (3 × x + 1) + 5 = 6 × x + 7; likewise", text))
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
        """How the score of one class really changes with the inputs, for this image and for another."""
        trace, k = self.trace, self.trace.prediction
        other = int((self.all_scores.argmax(axis=1) != k).argmax())  # the first of them, else the first image
        sums = [self.z, self.all_sums[other]]
        pair = np.array([linear_collapse.score_gradient(self.layers, self.functions, z, k) for z in sums])
        place = self.stage.part(0.22, 0, 1, 1)
        names = [f"slopes for this {text}" for text in self.name_pair(other)]
        self.pair = WeightPictures(self.theme, place, pair, trace, self.layers[0], names, own_scales=True)
        areas = self.stage.part(0, 0.06, 0.2, 0.94).rows([1, 1], gap=0.4)
        images = [self.image(p, at) for p, at in zip((trace.pixels, self.examples.images[other]), areas, strict=True)]
        (name,) = clip_names([trace.classes[k]], 5)
        words = (
            f"slope: effect of a {self.word} on the score of {name}; without functions up to",
            format_number(float(np.abs(self.weight[k]).max())) + self.explain_size(),
        )
        with self.step("With functions, each image has its own slopes", name="own-slopes"):
            self.play(fade_out(self.old), fade_in([*images, *self.pair.mobjects], 0.3), self.sums.change(*words))
        self.old = [*images, *self.pair.mobjects]
        self.one_slope(images, name, other)

    def explain_size(self) -> str:
        """Say how steep the function of the first layer is at most, where that makes slopes small."""
        kind, steepest = (
            self.layers[0].functions[-1],
            linear_collapse.slope(self.functions[0], np.linspace(-9, 9, 1801)),
        )
        small = float(np.abs(steepest).max())
        return f"; a {kind.lower()}'s slope: at most {small:.2f}" if small < 0.9 else ""

    def one_slope(self, images: Sequence[PixelImages], name: str, other: int) -> None:
        """One input whose slope has the opposite sign for the other image; without functions it is the same."""
        a, b = self.pair.values
        at = linear_collapse.most_opposite(a, b)
        if at is None:
            return
        shape = source_shape(self.trace, self.layers[0])
        without = vector_image(self.weight[self.trace.prediction], shape)[at]
        pictures = [*self.pair.images.corners(), *([m.corners()[0] for m in images] if self.pixels else [])]
        marks = [ring(self.theme, frame, a.shape, at[0], at[1], width=1.5) for frame in pictures]
        self.numbers = [format_number(float(v)) for v in (a[at], b[at], without)]
        first, second = ("up", "down") if a[at] > 0 else ("down", "up")
        one, two = self.name_pair(other)
        opposite = f"opposite signs at {linear_collapse.count_opposite(a, b):,} of {a.size:,} {self.word}s"
        words = "yellow: {} and {}, without functions {} for every image;".format(*self.numbers), opposite
        values = {"word": self.word, "first": first, "second": second, "label": name, "one": one, "two": two}
        named, plain = (
            "One {word}: score {label} {first} for this {one}, {second} for this {two}",
            "One {word}: {label} {first} for one image, {second} for the other",
        )
        with self.step(
            shortest_caption(named, plain, "One {word}: {first} for one image, {second} for the other", **values),
            name="one-slope",
            **values,
        ):
            self.play(fade_in(marks), self.sums.change(*words))
        self.old += marks

    @property
    def word(self) -> str:
        """What the first layer reads."""
        return "pixel" if self.pixels else "value"

    @property
    def pixels(self) -> bool:
        """Whether the first layer reads the pixels of an image."""
        return source_shape(self.trace, self.layers[0])[0] in (1, 3)

    def name_pair(self, other: int) -> list[str]:
        """Name the classes of this image and of an example, the answer where the class is not known."""
        trace = self.trace
        classes = [trace.prediction if trace.label is None else trace.label, self.examples.labels[other]]
        return clip_names([trace.classes[k] for k in classes], 16)

    def compare_accuracy(self) -> tuple[str, str]:
        """Accuracy on the examples with the functions and without, and images that turn wrong."""
        labels, classes = self.examples.labels, self.trace.classes
        with_ = self.all_scores.argmax(1)
        without = linear_collapse.scores_without_functions(self.layers, self.all_sums).argmax(1)
        right = [int((answers == labels).sum()) for answers in (with_, without)]
        names = ["with functions", "without, not trained again"]
        turned = np.flatnonzero((with_ == labels) & (without != labels))
        above, below = (
            self.stage.rows([0.45, 0.55], gap=0.3) if len(turned) else (self.stage.part(0, 0.3, 1, 0.66), None)
        )
        self.bars = bars = LabelledBars(self.theme, above, names, [n / len(labels) for n in right])
        a, b = bars.percents
        shown = []
        if below is not None:
            back = int(((with_ != labels) & (without == labels)).sum())
            title = f"{{}} of {len(turned):,} that turn wrong (answer with → without); {back:,} turn right"
            answers = [[classes[k] for k in side[turned]] for side in (with_, without)]
            shown = AnswerChanges(self.theme, below, title, self.examples.images[turned], *answers).mobjects
        words = "{1:,} of {0:,} example images with, {2:,} without; training without functions: not measured"
        with self.step("Correct: {a} with, {b} without", a=a, b=b, name="accuracy"):
            self.play(
                fade_out(self.old),
                fade_in(shown, 0.3),
                self.sums.change(words.format(len(labels), *right)),
                bars.grow(0.3),
            )
        return a, b

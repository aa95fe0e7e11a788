"""Worked example

One neuron of {network} by hand (before it, in a convolutional network, one value of a map), then its scores and
probabilities: multiply, add, apply the activation function, raise e to each score, divide by the sum. Every printed sum
adds up, and the result is PyTorch's own.
Predicted {prediction} ({confidence}); true class: {label}.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netcore.analysis.answer_path import compared_class, difference_terms, hidden_functions
from netcore.analysis.cnn_blocks import cnn_blocks
from netcore.analysis.dense_layers import mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.hand_computation import sigmoid_by_hand, to_decimal
from netcore.core.errors import NetcoreError, RequirementError
from netcore.viz.colors import image_colors
from netcore.viz.film.base_mobject import NUMBER, ArrayMobject
from netcore.viz.film.captions import shortest_caption
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.hand_tables import HandTables
from netcore.viz.film.components.pixel_steps import PixelFilm
from netcore.viz.film.components.score_sheet import ScoreSheet
from netcore.viz.film.components.sum_line import SumLine, Term, write_sum
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import text_line

NEEDS = ()

TOLERANCE = 1e-5  # by which shares computed here may differ from PyTorch's
SHARES = "softmax turns scores into shares"
FORMULAS = {"ReLU": "the larger of 0 and z", "Tanh": "tanh z"}


class WorkedExample(PixelFilm):
    """A neuron, the scores and the softmax in numbers that can be checked by hand."""

    def construct(self) -> None:
        """From one neuron to the shares, each printed sum checked."""
        self.trace, self.sums = self.context.trace(), SumLine(self.theme, self.sum_line_box)
        graph = graph_of_trace(self.trace)
        try:
            self.layers, self.whole = mlp_layers(self.trace, graph), True
        except RequirementError:
            self.layers, self.whole = cnn_blocks(self.trace).dense, False
        if not self.layers:
            raise RequirementError("this film needs a dense layer, the network has none: use prediction-pipeline")
        self.before = self.show_pixel(self.trace, graph, self.sums)
        self.choose_neuron()
        self.show_factors()
        self.multiply()
        self.add_up()
        self.activate()
        self.show_score()
        self.show_scores()
        many = len(self.layers) > 1
        values: dict[str, Any] = {"neuron": "1 neuron, " * many, "n": sum(layer.weight.size for layer in self.layers)}
        values["k"] = sum(len(t.hand.products) for t in [self.tables, *([self.score] if many else [])])
        values["sizes"] = " + ".join("{1:,} × {0:,}".format(*layer.weight.shape) for layer in self.layers)
        where = "in all" if self.whole else "in dense layers"
        second = shortest_caption(f"{{sizes}} = {{n}} {where}", f"{{n}} products {where}", **values)
        self.takeaway("Shown here: {neuron}1 score, {k} products", second, self.sums.change(), **values)

    def choose_neuron(self) -> None:
        """The last hidden neuron that speaks most for the answer; without hidden layers the answer's own score."""
        self.answer, other = self.trace.prediction, compared_class(self.trace)
        self.layer = self.layers[-2] if len(self.layers) > 1 else self.layers[-1]
        terms = difference_terms(self.layers[-1], self.answer, other)[0]
        self.unit = int(terms.argmax()) if len(self.layers) > 1 else self.answer
        self.left, self.middle, self.right = self.columns
        source = self.layers[-3].block.title if len(self.layers) > 2 else ""
        self.tables = HandTables(self.theme, self.middle, self.right, self.layer, self.unit, source)

    # ---- one neuron

    def show_factors(self) -> None:
        """Inputs and weights as tables."""
        left, theme = self.left, self.theme
        _, h, v = self.trace.pixels.shape
        self.place = left.part(0, 0.08, 1, 0.6).fit(v, h, (0, 1))
        image = PixelImages(image_colors(theme, self.trace.pixels), self.place.frame, outline=theme.rgb("faint"))
        self.beside = [image, *self.words(self.layer.block.title, f"neuron {self.unit + 1}")]
        n = len(self.layer.inputs)
        with self.step("Neuron {unit}: {n} inputs, {n} weights", unit=self.unit + 1, n=n, name="factors"):
            if self.before:
                self.play(fade_out(self.before), fade_in(self.beside))
            self.add(*self.beside)
            self.play(fade_in(self.tables.factors), self.sums.change("z = Σ w a + b", *self.tell_source()))

    def tell_source(self) -> list[Term]:
        """Say where the activations come from that the neuron reads."""
        if len(self.layers) < 3:
            return []
        source = self.layers[-3]
        first, pixels = source is self.layers[0], self.whole and len(self.trace.pixels) == 1
        word = ("pixels" if pixels else "values") if first else "activations"
        then = f", then {name_function(source.functions)}" if source.functions else ""
        words = "    each a: such a sum", f"over {len(source.inputs):,} {word}{then}"
        return [(text, "muted") for text in words]

    def words(self, *lines: str) -> list[ArrayMobject]:
        """Say under the image what is computed."""
        x, y, ink = self.left.center[0], self.place.bottom - 0.4, self.theme.rgb("foreground")
        return [text_line(line, NUMBER, ink, at=(x, y - 0.36 * k)) for k, line in enumerate(lines)]

    def multiply(self) -> None:
        """A product for each pair."""
        with self.step("Multiply each pair", name="products"):
            first, self.pair = self.tables.largest_product, self.tables.mark_pair()
            words = self.sums.change(first, ("(rounded)", "muted"))
            self.play(fade_in(self.tables.products.mobjects), fade_in(self.pair, 0.3), words)

    def add_up(self) -> None:
        """Row sums of the printed cells, their sum, and the bias."""
        tables, hand, n = self.tables, self.tables.hand, len(self.layer.inputs)
        with self.step("Add the {n} products: {total}", n=n, total=hand.before_bias, name="sum"):
            self.play(fade_in([tables.row_title, *tables.row_sums]), fade_out(self.pair))
            self.play(self.sums.change(*write_sum(tables.rows, hand.before_bias, ["foreground"] * len(tables.rows))))
        with self.step("Add the bias {bias}: {total}", bias=hand.bias, total=hand.total, name="bias"):
            words = hand.before_bias, tables.bias_term, "=", hand.total, ("(bias: learned too)", "muted")
            self.play(self.sums.change(*words))

    def activate(self) -> None:
        """The activation function of the sum."""
        layer, total = self.layer, self.tables.hand.total
        self.before = [*self.beside, *self.tables.mobjects]
        if layer is self.layers[-1] or not layer.functions:
            return
        kind, known = layer.functions[-1], hidden_functions(self.trace, self.layers)[-1]
        a = float(layer.output[self.unit])
        if known is not None and len(layer.functions) == 1:
            a = float(known(np.array([float(to_decimal(total))]))[0])
        text = f"{a:.3f}".replace("-", "−")
        formula = FORMULAS.get(kind, f"{' → '.join(layer.functions)} of z")
        terms: list[Term] = [formula, ("with", "muted"), f"z = {total}", "gives", text]
        if layer.functions == ("Sigmoid",):
            terms = [sigmoid_by_hand(total, text)]
        with self.step("{kind}: {z} becomes {a}", kind=kind, z=total, a=text, name="activation"):
            self.play(self.sums.change(*terms))

    # ---- scores and shares

    def show_score(self) -> None:
        """The answer's score: the same kind of sum over the last hidden neurons, and no function of it."""
        layer = self.layers[-1]
        if layer is self.layer:
            return
        given = self.layer.block.title
        self.score = tables = HandTables(self.theme, self.middle, self.right, layer, self.answer, given)
        (label,) = clip_names([self.trace.classes[self.answer]], 9)
        mark = tables.mark([self.unit])
        yellow = ["yellow:", f"neuron {self.unit + 1}"] if mark else []
        words = self.words(layer.block.title, f"score of {label}", *yellow)
        function = name_function(self.layer.functions)
        values: dict[str, Any] = {"label": label, "n": len(layer.inputs), "function": function}
        templates = ("Score of {label}: {n} products + bias, no {function}", "Score of {label}: {n} products + bias")
        with self.step(shortest_caption(*templates, **values), name="score", **values):
            shown = [*words, *tables.mobjects, *mark]
            self.play(fade_out(self.before[1:]), fade_in(shown, 0.3), self.sums.change("z = Σ w a + b"))
            self.play(self.sums.change(*tables.sum_terms(), delay=0.8))
        self.before = [self.before[0], *words, *tables.mobjects, *mark]

    def show_scores(self) -> None:
        """A sheet with one line per class: score, power, share, PyTorch's share."""
        layer, trace = self.layers[-1], self.trace
        if set(layer.functions) - {"Softmax", "Log-softmax"}:
            raise RequirementError("the output layer must give scores or their softmax: use prediction-pipeline")
        scores = layer.z.astype(np.float64)
        self.sheet = sheet = ScoreSheet(self.theme, self.stage, trace, scores, min(self.max_classes, 10))
        largest = float(np.abs(sheet.shares - trace.probabilities).max())
        if largest > TOLERANCE:
            raise NetcoreError(f"'{layer.block.title}' by hand differs from PyTorch by {largest:.2g}")
        k, (names, z, powers, shares, torch) = sheet.row, sheet.columns
        no = "" if layer is self.layer else f", so no {name_function(self.layer.functions)}"
        with self.step("{n} scores: the same sum for each class", n=len(scores), name="scores"):
            words = self.sums.change(f"a score may be any number{no};", SHARES, ("(yellow: the answer)", "muted"))
            self.play(fade_out(self.before), words, fade_in([*names, *z], 0.3))
        with self.step("Raise e to each score", name="powers"):
            self.play(fade_in(powers), self.sums.change(sheet.power_line))
        with self.step("Add them: {total}", total=sheet.hand.total, name="total"):
            self.play(self.sums.change(sheet.sum_line, ("(rounded)", "muted")))
        values = {"a": sheet.hand.powers[k], "b": sheet.hand.total, "p": sheet.percents[k]}
        exact = "Divide: {a} ÷ {b} = {p}" if values["p"][0].isdigit() else "Divide: {a} ÷ {b}: {p}"
        with self.step(exact, name="shares", **values):
            self.play(fade_in(shares), self.sums.change("before rounding, all shares add up to 100 %"))
        with self.step("PyTorch gives {p}: the same", p=sheet.torch_percents[k], name="pytorch"):
            note = "PyTorch: the software that runs this network;", "shares differ by less than 10⁻⁵"
            self.play(fade_in(torch), self.sums.change(*[(text, "muted") for text in note]))


def name_function(kinds: Sequence[str]) -> str:
    """Name a layer's function in a sentence."""
    return {"Sigmoid": "sigmoid", "Tanh": "tanh"}.get(kinds[0], kinds[0]) if len(kinds) == 1 else "activation"

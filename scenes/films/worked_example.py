"""Worked example

One neuron of {network} by hand (before it, in a convolutional network, one value of a map), then its scores and
probabilities: multiply, add, apply the activation function, raise e to each score, divide by the sum. Every printed sum
adds up, and the result is PyTorch's own.
Predicted {prediction} ({confidence}); true class: {label}.
"""

import numpy as np

from netcore.analysis.answer_path import compared_class, difference_terms, hidden_functions
from netcore.analysis.cnn_blocks import cnn_blocks
from netcore.analysis.dense_layers import mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.hand_computation import add_texts, to_decimal
from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.formatting import format_percent
from netcore.viz.colors import image_colors
from netcore.viz.film.base_mobject import LABEL, NUMBER
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.number_table import NumberTable, fit_hand_sum
from netcore.viz.film.components.pixel_steps import PixelFilm
from netcore.viz.film.components.score_sheet import ScoreSheet
from netcore.viz.film.components.sum_line import SumLine, write_sum
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import text_line

NEEDS = ()

COLUMNS = 4  # of a table of numbers, at most; half as many where not all inputs are written
MANY, DRAWN = 24, 8  # inputs that are all written; of more, cells of the table, one of them for the rest
TOLERANCE = 1e-5  # by which shares computed here may differ from PyTorch's
FORMULAS = {"Sigmoid": "1 ÷ (1 + e^−z)", "ReLU": "the larger of 0 and z", "Tanh": "tanh z"}


class WorkedExample(PixelFilm):
    """A neuron, the scores and the softmax in numbers that can be checked by hand."""

    def construct(self) -> None:
        """From one neuron to the shares, each printed sum checked."""
        self.trace, self.sums = self.context.trace(), SumLine(self.theme, self.sum_line_box)
        graph = graph_of_trace(self.trace)
        try:
            self.layers = mlp_layers(self.trace, graph)
        except RequirementError:
            self.layers = cnn_blocks(self.trace).dense
        if not self.layers:
            raise RequirementError("this film needs a dense layer, the network has none: use prediction-pipeline")
        self.before = self.show_pixel(self.trace, graph, self.sums)
        self.choose_neuron()
        self.show_factors()
        self.multiply()
        self.add_up()
        self.activate()
        self.show_scores()
        products = sum(layer.weight.size for layer in self.layers)
        share = format_percent(float(self.trace.probabilities.max()))
        (label,) = clip_names([self.trace.classes[self.trace.prediction]], 24 - len(share))  # of 50 characters
        self.takeaway(
            "By hand and by PyTorch: {label}, {share}", "{n} products like these in its dense layers",
            self.sums.change(), label=label, share=share, n=products,
        )  # fmt: skip

    def choose_neuron(self) -> None:
        """The last hidden neuron that speaks most for the answer; without hidden layers the answer's own score."""
        self.answer, other = self.trace.prediction, compared_class(self.trace)
        self.layer = self.layers[-2] if len(self.layers) > 1 else self.layers[-1]
        terms = difference_terms(self.layers[-1], self.answer, other)[0]
        self.unit = int(terms.argmax()) if len(self.layers) > 1 else self.answer
        many = len(self.layer.inputs) > MANY
        self.left, middle, self.right = self.stage.columns([0.8, 1.6, 1.7], gap=0.4)
        self.above, self.below = middle.rows([1, 1], gap=0.15)
        self.products, limits = self.right.part(0, 0, 0.8, 1), (DRAWN, COLUMNS // 2) if many else (MANY, COLUMNS)
        self.hand, self.columns = fit_hand_sum(self.layer, self.unit, self.above, self.products, *limits)
        self.name = f"neuron {self.unit + 1} of {self.layer.block.title}"

    # ---- one neuron

    def show_factors(self) -> None:
        """Inputs and weights as tables."""
        hand, theme = self.hand, self.theme
        more = [f"{hand.rest_count:,} more"] * bool(hand.rest)
        left = self.left
        a = NumberTable(theme, self.above, "activations a", [*hand.activations, *more], self.columns)
        w = NumberTable(theme, self.below, "weights w", [*hand.weights, *[""] * len(more)], self.columns)
        self.factors = [*a.mobjects, *w.mobjects]
        _, h, v = self.trace.pixels.shape
        place = left.part(0, 0.08, 1, 0.6).fit(v, h, (0, 1))
        image = PixelImages(image_colors(theme, self.trace.pixels), place.frame, outline=theme.rgb("faint"))
        words = [self.layer.block.title, f"neuron {self.unit + 1}"]
        at = [(left.center[0], place.bottom - 0.4 - 0.36 * k) for k in range(2)]
        texts = [text_line(word, NUMBER, theme.rgb("foreground"), at=p) for word, p in zip(words, at, strict=True)]
        self.beside = [image, *texts]
        n = len(self.layer.inputs)
        with self.step("Neuron {unit}: {n} inputs, {n} weights", unit=self.unit + 1, n=n, name="factors"):
            if self.before:
                self.play(fade_out(self.before), fade_in(self.beside))
            self.add(*self.beside)
            self.play(fade_in(self.factors), self.sums.change("z = Σ w a + b"))

    def multiply(self) -> None:
        """A product for each pair."""
        hand = self.hand
        texts = [*hand.products, *([hand.rest] if hand.rest else [])]
        values = np.array([float(to_decimal(text)) for text in texts])
        fill = self.theme.signed_colors(values / max(np.abs(values).max(), 1e-12))
        self.table = NumberTable(
            self.theme, self.products, "products w × a (blue +, orange −)", texts, self.columns, fill, row_height=0.8
        )
        with self.step("Multiply each pair", name="products"):
            first = f"{hand.weights[0]} × {hand.activations[0]} = {hand.products[0]}"
            self.play(fade_in(self.table.mobjects), self.sums.change(first, ("(rounded)", "muted")))

    def add_up(self) -> None:
        """Row sums of the printed cells, their sum, and the bias."""
        hand, ink = self.hand, self.theme.rgb("foreground")
        texts = [line.text for line in self.table.numbers]
        rows = [add_texts(texts[k : k + self.columns]) for k in range(0, len(texts), self.columns)]
        ends = self.table.row_ends(self.columns)
        self.row_sums = [text_line(t, LABEL, ink, at=e, align=(-1, 0)) for t, e in zip(rows, ends, strict=True)]
        with self.step("Add the {n} products: {total}", n=len(self.layer.inputs), total=hand.before_bias, name="sum"):
            self.play(fade_in(self.row_sums))
            self.play(self.sums.change(*write_sum(rows, hand.before_bias, ["foreground"] * len(rows))))
        bias = f"+ {hand.bias}".replace("+ −", "− ")
        with self.step("Add the bias {bias}: {total}", bias=hand.bias, total=hand.total, name="bias"):
            self.play(self.sums.change(hand.before_bias, bias, "=", hand.total))

    def activate(self) -> None:
        """The activation function of the sum."""
        layer = self.layer
        self.before = [*self.beside, *self.factors, *self.table.mobjects, *self.row_sums]
        if layer is self.layers[-1] or not layer.functions:
            return
        kind, a = layer.functions[-1], float(layer.output[self.unit])
        z = to_decimal(self.hand.total)
        text = f"{a:.3f}".replace("-", "−")
        known = hidden_functions(self.trace, self.layers)[-1]
        if known is not None and len(layer.functions) == 1:
            text = f"{float(known(np.array([float(z)]))[0]):.3f}".replace("-", "−")
        formula = FORMULAS.get(kind, f"{' → '.join(layer.functions)} of z")
        with self.step("{kind}: {z} becomes {a}", kind=kind, z=self.hand.total, a=text, name="activation"):
            self.play(self.sums.change(formula, ("with", "muted"), f"z = {self.hand.total}", "gives", text))

    # ---- scores and shares

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
        with self.step("Output layer: {n} sums, no activation", n=len(scores), name="scores"):
            self.play(fade_out(self.before), self.sums.change(), fade_in([*names, *z], 0.3))
        with self.step("Raise e to each score", name="powers"):
            self.play(fade_in(powers), self.sums.change(sheet.power_line))
        with self.step("Add them: {total}", total=sheet.total, name="total"):
            self.play(self.sums.change(sheet.sum_line))
        values = {"a": sheet.powers[k], "b": sheet.total, "p": sheet.percents[k]}
        with self.step("Divide: {a} ÷ {b} = {p}", name="shares", **values):
            self.play(fade_in(shares), self.sums.change("before rounding, all shares add up to 100 %"))
        with self.step("PyTorch gives {p}: the same", p=sheet.torch_percents[k], name="pytorch"):
            note = "largest difference of a share under 10⁻⁵"
            self.play(fade_in(torch), self.sums.change((note, "muted")))

"""Forward propagation

How {network} turns an image into an answer: one neuron's weights are multiplied with the pixels, products and bias add
up, the activation function turns the sum into an activation, and so on to the scores, their softmax, and why the answer
leads. Predicted {prediction} ({confidence}); true class: {label}.
"""

from collections.abc import Iterable, Sequence

from netcore.analysis import answer_path
from netcore.analysis.dense_layers import mlp_layers
from netcore.analysis.dense_units import draw_units
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_value
from netcore.viz.film.animation import Animate
from netcore.viz.film.captions import MAX_CHARACTERS
from netcore.viz.film.components import dense_story as words
from netcore.viz.film.components.dense_answer import DenseAnswerView
from netcore.viz.film.components.one_neuron import OneNeuron
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.film import Film
from netcore.viz.layout.dense_areas import DenseAreas

NEEDS = ("mlp",)
MANY = 4  # hidden layers; of more, all but the first, the second and the last are shown in one step
TERMS = 3  # of a neuron's sum that are shown one by one


class ForwardPropagation(Film):
    """Forward propagation of one image through a network of dense layers."""

    def construct(self) -> None:
        """From the image through all layers to the answer."""
        self.read()
        neuron, view, path = self.neuron, self.view, self.path
        image, size = words.describe_image(self.trace)
        with self.step("{image}: {size}", name="image", image=image, size=size):
            self.play_all(neuron.show_image())
        if not neuron.is_vector:
            order = "Channel by channel" if len(self.trace.input) > 1 else "Row by row"
            with self.step("{order} into one column", name="flatten", order=order):
                self.play_all(neuron.unroll())
        n, noun = path.units[0] + 1, neuron.noun
        with self.step("Neuron {n}: one weight per {noun}", name="weights", n=n, noun=noun):
            self.play_all(neuron.lay_weights())
        with self.step("Blue raises the sum, orange lowers it", name="products"):
            self.play_all(neuron.multiply())
        with self.step("All products added: {z}", name="sum", z=neuron.products_text):
            self.play_all(neuron.add_up())
        if neuron.has_bias:
            with self.step("Plus the bias, the same for any image: {z}", name="bias", z=neuron.z_text):
                self.play_all(neuron.add_bias())
        if neuron.call.names:
            text = words.activation_words(neuron.call, neuron.z_text, neuron.in_text, neuron.a_text, neuron.activation)
            with self.step("{text}", name="activation", text=text):
                self.play_all(neuron.activate())
        with self.step("The same for all {n} neurons", name="layer-1", n=view.sizes[1]):
            self.play_all(view.fill_first(neuron))
        with self.step("{text}", name="inputs", text=view.input_words(noun)):
            self.play_all(view.draw_inputs(neuron))
        for first, last in self.groups():
            self.next_layers(first, last)
        self.answer()

    def read(self) -> None:
        """Values and choices."""
        self.trace = trace = self.context.trace()
        self.layers = layers = mlp_layers(trace, graph_of_trace(trace))
        if len(layers) < 2:
            raise RequirementError("the network must have a hidden layer, got none: use neuron-weights")
        self.path = path = answer_path.find_answer_path(trace, layers, answer_path.hidden_functions(trace, layers))
        areas, self.line = DenseAreas(self.stage), SumLine(self.theme, self.sum_line_box)
        self.neuron = OneNeuron(self.theme, trace, layers[0], path.units[0], areas, self.line)
        index = draw_units(trace, layers, path, self.max_units, self.max_classes)
        self.view = DenseAnswerView(self.theme, trace, layers, path, index, areas, self.neuron.picture.ratio)
        self.neuron.scale, self.neuron.signed = self.view.scale, self.view.signed

    def play_all(self, plays: Iterable[Sequence[Animate]]) -> None:
        """Play what is given, one play after another."""
        for animations in plays:
            if animations:
                self.play(*animations)

    def groups(self) -> list[tuple[int, int]]:
        """First and last layer of each step after the first layer."""
        last = len(self.layers) - 1
        if last <= MANY:
            return [(k, k) for k in range(2, last + 1)]
        return [(2, 2), (3, last - 1), (last, last)]

    def next_layers(self, first: int, last: int) -> None:
        """One neuron's sum in numbers, or whole layers at once."""
        view, unit = self.view, self.path.units[last - 1]
        if 2 < last < len(self.layers) - 1:
            text = f"Hidden layers {first} to {last}" if first < last else f"Hidden layer {last}"
            with self.step("{text}: the same again", name=f"layer-{first}", text=text):
                self.play_all([self.line.change()])
                for k in range(first, last + 1):
                    self.play_all([view.complete(k - 1), view.move(k), view.pass_on(k)])
            return
        summed = view.neuron_sum(last, unit, self.path.units[last - 2], TERMS)
        text = "Next layer" if last == 2 else "Last hidden layer"
        name, template = f"layer-{last}", "{text}: neuron {i} adds {n} terms"
        with self.step(template, name=name, text=text, i=unit + 1, n=view.sizes[last - 1]):
            layer = self.layers[last - 1]
            call = answer_path.activation_call(self.trace, layer)
            received = words.received_text(call, layer, unit, summed.total)
            after = words.activation_terms(call, summed.total, received, view.activation_text(last))
            self.play_all(
                [
                    view.complete(last - 1) + view.move(last),
                    view.light(last, unit) + self.line.show_formula("z = scripts(sum)_j w_j a_j + b"),
                    self.line.change(*summed.terms, origins=summed.origins, delay=0.5)
                    + view.name_terms(last - 1, summed.units),
                    self.line.extend(*after) + view.fill_one(last, unit),
                ]
            )

    def answer(self) -> None:
        """Scores, softmax, why, takeaway."""
        path, view, line, trace = self.path, self.view, self.line, self.trace
        pair, last = [trace.classes[k] for k in (path.answer, path.other)], path.units[-1]
        x, y = (format_value(path.scores[k]) for k in (path.answer, path.other))
        a, b = words.clip_names(pair, MAX_CHARACTERS - len(f"Scores: {x} for , {y} for "))
        with self.step("Scores: {x} for {a}, {y} for {b}", name="scores", x=x, a=a, y=y, b=b):
            self.play_all([view.complete(len(self.layers) - 1) + view.move(len(self.layers)), line.change()])
            self.play_all([view.connect_scores() + line.change((view.score_words(), "muted")), view.show_scores()])
        with self.step("{text}", name="powers", text=view.power_caption()):
            self.play_all([line.change(), view.turn_to_powers(), line.show_formula(view.power_formula())])
        with self.step("Divided by their sum: shares of 100 % (rounded)", name="softmax"):
            self.play_all([view.turn_to_shares(), line.change(*view.softmax_terms()), view.show_verdict()])
        why, (text, lead) = view.difference(last, TERMS), words.lead_words(path, pair)
        with self.step("{text}", name="why", text=text):
            self.play_all([line.change(), view.show_difference()])
            named = view.name_terms(len(self.layers) - 1, why.units)
            self.play_all([line.change(*why.terms, origins=why.origins) + named])
        a, b = words.takeaway_words(trace, path, lead, last + 1)
        self.takeaway("{a}", "{b}", *line.change(), *view.keep_path(), a=a, b=b)

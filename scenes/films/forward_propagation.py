"""Forward propagation

One image through {network}, layer by layer: the pixels become inputs, edges show weight × activation (blue raises a
neuron's sum, orange lowers it), neurons show their activation, and softmax turns the logits into class probabilities.
Predicted {prediction} ({confidence}); true class: {label}.
"""

import numpy as np

from netcore.analysis.dense_layers import DenseLayer, mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.units import top_k
from netcore.core.formatting import format_subset
from netcore.viz.colors import neuron_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import BODY, NOTE, TITLE
from netcore.viz.film.components import dense
from netcore.viz.film.components.formulas import activation_formula, hidden_layer_formula, sum_formula
from netcore.viz.film.components.legend import edge_legend
from netcore.viz.film.components.probabilities import prediction_text, probability_bars
from netcore.viz.film.edges import Edges
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import TextLine, ellipsize_line, formula, line_width, text_line  # fmt: skip
from netcore.viz.layout.columns import evenly_spread
from netcore.viz.layout.edges import edge_style
from netcore.viz.layout.image_frames import axis_aligned_frame, pixel_boxes, row_frames, unrolled_frames
from netcore.viz.wording import prediction_role

NEEDS = ("mlp",)

LOW, HIGH = -2.45, 2.4  # bottom and top of the network, in a frame 8 high
LEFT, RIGHT = -6.81, 6.81  # the margins
LARGE, SMALL = 4.9, 2.45  # side of the picture, alone and beside the network
STRIP = (-3.98, -3.74)  # left and right side of the unrolled pixels
FIRST = -2.8  # the input column
BAR, PERCENT = 1.7, 1.3  # length of a full bar, room of the percentages
MANY = 4  # layers; with more of them the middle ones are shown together
HIDDEN = {"opacity": 0.0}
MEANING = {
    "Sigmoid": "σ maps it into 0 to 1",
    "Tanh": "tanh maps it into −1 to 1",
    "ReLU": "ReLU: negative sums → 0",
}  # effect of an activation function, second half of a caption


class ForwardPropagation(Film):
    """Forward propagation of one image through a network of dense layers.

    Attributes
    ----------
    max_units : int
        Maximum number of neurons per layer: the most active.
    max_classes : int
        Maximum number of classes: the most probable, the true one always included.
    """

    max_units: int = 16
    max_classes: int = 10

    def construct(self) -> None:
        self.trace = self.context.trace()
        self.layers = mlp_layers(self.trace, graph_of_trace(self.trace))
        self.formula, self.edges = None, []
        self.choose()
        self.place()
        n, shown = self.sizes[0], len(self.index[0])
        with self.step("{image}: {count}", name="image", image=self.image_title(), count=self.image_size()):
            self.show_picture()
        with self.step("Flatten: the rows of pixels become {n} inputs", n=n):
            self.unroll()
        with self.step("Shown: the {shown} largest of {n} inputs", name="inputs", shown=shown, n=n):
            self.show_network()
        for layer in self.layers:
            with self.step("{text}", name=f"layer-{layer.number}", text=self.words(layer)):
                self.propagate(layer)
        with self.step("Softmax: probabilities of {n} classes, sum 100 %", n=self.sizes[-1]):
            self.softmax()
        with self.step("{text}", name="prediction", text=prediction_text(self.trace)):
            self.answer()

    def image_title(self) -> None:
        label = self.trace.label
        return "Image" if label is None else f"Image of “{self.trace.classes[label]}”"

    def image_size(self) -> None:
        c, h, w = self.trace.pixels.shape
        return f"{h} × {w} = {h * w:,} pixels" if c == 1 else f"{c} × {h} × {w} = {c * h * w:,} numbers"

    def choose(self) -> None:
        """Which neurons are shown: `index`, one array per layer, the inputs first; `sizes` has their totals."""
        trace = self.trace
        keep = [trace.prediction] if trace.label is None else [trace.prediction, trace.label]
        self.index = [top_k(layer.inputs, self.max_units) for layer in self.layers]
        self.index.append(top_k(trace.probabilities, self.max_classes, keep))
        self.sizes = [len(layer.inputs) for layer in self.layers] + [len(trace.probabilities)]

    def place(self) -> None:
        """Columns from left to right: picture, unrolled pixels, layers, names of classes, bars, percentages."""
        self.low, self.high = LOW * self.height / 8, HIGH * self.height / 8
        self.names = [ellipsize_line(self.trace.classes[k], 2.1) for k in self.index[-1]]
        self.bars_left = RIGHT - PERCENT - BAR
        last = self.bars_left - 0.55 - max(line_width(name) for name in self.names)
        counts = [len(i) for i in self.index]
        xs = evenly_spread(len(counts), FIRST, last)
        self.columns, self.dots = dense.neuron_columns(self.theme, counts, self.sizes, xs, self.low, self.high)

    # ---- from the picture to the inputs

    def show_picture(self) -> None:
        theme, trace = self.theme, self.trace
        c, h, w = trace.pixels.shape
        self.rgb = (
            trace.pixels.transpose(1, 2, 0) / 255 if c == 3 else theme.activation_colors(trace.pixels.mean(0) / 255)
        )
        size = np.array([w, h]) / max(h, w)
        self.large = axis_aligned_frame(*(-size / 2 * LARGE), *(size * LARGE))
        self.small = axis_aligned_frame(LEFT + (1 - size[0]) / 2 * SMALL, self.high - size[1] * SMALL, *(size * SMALL))
        self.sample = PixelImages(self.rgb, self.large, outline=theme.rgb("faint"))
        self.add(self.sample)

    def unroll(self) -> None:
        """Each row turns by a quarter and takes its place in one long column, channel after channel."""
        theme = self.theme
        c, h, _ = self.trace.pixels.shape
        tints = [np.eye(3)[k] for k in range(3)] if c == 3 else [np.ones(3)] * c
        rows, frames = self.rgb[:, None], row_frames(self.large, h)  # (H, 1, W, 3), (H, 3, 2)
        strip = PixelImages(np.concatenate([rows] * c), np.concatenate([frames] * c))
        thumb = PixelImages(self.rgb, self.small, outline=theme.rgb("faint"))
        goal = unrolled_frames(*STRIP, self.low, self.high, c * h)
        border = Rectangles([[(STRIP[0], self.low), (STRIP[1], self.high)]], line=[*theme.rgb("faint"), 1.0], z_index=1)
        self.play(
            Animate(border, start=HIDDEN, opacity=1.0, run_time=0.3),
            Animate(self.sample, opacity=0.0, run_time=1.2, remover=True),
            Animate(strip, points=goal, rgb=np.concatenate([rows * t for t in tints]), lag_ratio=2.0, run_time=1.5),
            Animate(thumb, start=HIDDEN, opacity=1.0, run_time=0.4, delay=1.1),
        )

    def show_network(self) -> None:
        """The strongest inputs are led from their places in the column to the neurons that stand for them."""
        theme, index = self.theme, self.index[0]
        n, first = self.sizes[0], self.columns[0]
        first.values = self.layers[0].inputs[index]
        ys = self.high - (index + 0.5) / n * (self.high - self.low)
        starts, ends = np.column_stack([np.full(len(ys), STRIP[1]), ys]), first.centers - [first.radius + 0.04, 0]
        leads = Edges(starts, ends, [*theme.rgb("muted"), 0.6], 1.0)
        corners = pixel_boxes(self.small, index, self.trace.pixels.shape[1:])
        marks = Rectangles(corners, line=[*theme.rgb("emphasis"), 1.0], width=1.3)
        words = self.layer_names() + self.name_classes() + edge_legend(theme, LEFT, self.high - SMALL - 0.45)
        rest = [*self.columns[1:], *self.dots, *words]
        self.play(
            Animate(marks, start=HIDDEN, opacity=1.0, run_time=0.3),
            Animate(leads, start={"progress": 0.0}, progress=1.0, run_time=0.5, delay=0.2),
            Animate(first, start=HIDDEN, opacity=1.0, fill=neuron_colors(theme, first.values), run_time=0.5, delay=0.4),
            [Animate(m, start=HIDDEN, opacity=1.0, run_time=0.3, delay=0.6) for m in rest],
        )

    def layer_names(self) -> list[TextLine]:
        """Labels below each column; with too many columns, one label below all hidden ones."""
        last = len(self.sizes) - 1
        xs = [neurons.centers[0, 0] for neurons in self.columns]
        names = ["input", *(f"hidden {k}" if last > 2 else "hidden" for k in range(1, last)), "output"]
        counts = [format_subset(len(index), n) for index, n in zip(self.index, self.sizes, strict=True)]
        widest = max(line_width(text, NOTE) for text in names + counts)
        if widest > xs[1] - xs[0] - 0.15 and last > 2:
            middle = set(counts[1:-1])
            each = f"{middle.pop()} each" if len(middle) == 1 else f"at most {self.max_units} of each"
            xs = [xs[0], (xs[1] + xs[-2]) / 2, xs[-1]]
            names, counts = ["input", f"{last - 1} hidden layers", "output"], [counts[0], each, counts[-1]]
        ink, muted = self.theme.rgb("foreground"), self.theme.rgb("muted")
        out = [text_line(name, NOTE, ink, at=(x, self.low - 0.3)) for x, name in zip(xs, names, strict=True)]
        return out + [
            text_line(count, NOTE, muted, at=(x, self.low - 0.6)) for x, count in zip(xs, counts, strict=True)
        ]

    def name_classes(self) -> list[TextLine]:
        places, ink = zip(self.names, self.columns[-1].centers, strict=True), self.theme.rgb("foreground")
        self.classes = [text_line(name, BODY, ink, at=(x + 0.35, y), align=(-1, 0)) for name, (x, y) in places]
        return self.classes

    # ---- from layer to layer

    def propagate(self, layer: DenseLayer) -> None:
        """Contributions flow along the edges, sums become activations."""
        theme, k = self.theme, layer.number
        last = layer is self.layers[-1]
        sources, targets, neurons = self.index[k - 1], self.index[k], self.columns[k]
        new = dense.contribution_edges(theme, layer, sources, targets, (self.columns[k - 1], neurons))
        pace = min(1.0, 2.3 / len(self.layers)) * (1.3 if k == 1 else 1.0)
        flow = {
            "order": dense.source_order(len(sources), len(targets)),
            "lag_ratio": 0.5,
            "run_time": pace,
            "delay": 0.2,
        }
        where = (self.columns[k - 1].centers[0, 0] + neurons.centers[0, 0]) / 2
        self.play(
            self.show_formula(self.equations(layer), where),
            [Animate(edges, opacity=0.35, run_time=0.4) for edges in self.edges[-1:]],
            Animate(new, start={"progress": 0.0}, progress=1.0, **flow),
        )
        self.edges.append(new)
        neurons.values = (layer.z if last else layer.output)[targets]
        fill = neuron_colors(theme, neurons.values, () if last else layer.functions)
        self.play(Animate(neurons, fill=fill, ring=theme.rgb("muted"), lag_ratio=0.5, run_time=0.7 * pace))

    def words(self, layer: DenseLayer) -> str:
        """Return the caption of a layer; middle layers share one if there are too many to read."""
        outputs, inputs = layer.weight.shape
        count = len(self.layers)
        if layer is self.layers[-1]:
            return f"Output layer: one logit per class ({outputs:,})"
        if layer.number == 1:
            if not layer.functions:
                return "Each neuron: weighted sum of inputs, plus bias"
            return "Weighted sum plus bias; " + MEANING.get(layer.functions[-1], "then the activation function")
        if count > MANY:
            return f"Hidden layers 2 to {count - 1}: the same computation"
        return f"Hidden layer {layer.number}: the same with {inputs:,} activations"

    def equations(self, layer: DenseLayer) -> str:
        if layer is self.layers[-1]:
            return sum_formula(layer)
        if layer.number > 1 and len(self.layers) > MANY:
            return "z^((l)) = W^((l)) thin a^((l-1)) + b^((l))"
        return f"{sum_formula(layer)} quad {activation_formula(layer)}"

    def show_formula(self, source: str, x: float, right: float = RIGHT) -> list:
        """A formula above the place that it speaks of, in place of the one before; none where there is no room."""
        old, new = self.formula, formula(source, TITLE, self.theme.rgb("foreground")) if source else None
        if old and old.text == source:
            return []
        gone = [Animate(old, opacity=0.0, run_time=0.2, remover=True)] if old else []
        self.formula = new = new if new and new.width < right - LEFT else None
        if new is None:
            return gone
        new.move_to([np.clip(x, LEFT + new.width / 2, right - new.width / 2), self.high + 0.52, 0])
        return [*gone, Animate(new, start=HIDDEN, opacity=1.0, run_time=0.3, delay=0.2 * len(gone))]

    # ---- the answer

    def softmax(self) -> None:
        theme, neurons = self.theme, self.columns[-1]
        p = neurons.values = self.trace.probabilities[self.index[-1]]
        self.bars, self.percents = probability_bars(theme, p, neurons.centers[:, 1], self.bars_left, BAR, RIGHT)
        self.play(
            self.show_formula("p_k = e^(z_k) \\/ scripts(sum)_j e^(z_j)", self.bars_left + BAR / 2),
            Animate(self.bars, values=p, run_time=0.8, delay=0.2),
            Animate(neurons, fill=theme.activation_colors(p), run_time=0.8, delay=0.2),
            [Animate(m, start=HIDDEN, opacity=1.0, run_time=0.3, delay=0.7) for m in self.percents],
        )

    def answer(self) -> None:
        """Show the predicted class, whether it is correct, and the edges into it."""
        theme, trace = self.theme, self.trace
        text, role = prediction_text(trace), prediction_role(trace.prediction, trace.label)
        color, order = theme.rgb(role), self.index[-1].tolist()
        row, true = order.index(trace.prediction), [order.index(trace.label)] if role == "incorrect" else []
        answer = text_line(text, TITLE, color, bold=True, at=(RIGHT, self.high + 0.52), align=(1, 0))
        fill, ring = self.bars.fill.copy(), self.columns[-1].ring.copy()
        fill[row] = ring[row] = color
        last = self.edges[-1]
        into = np.arange(len(last.values)) // len(self.index[-2]) == row
        rgba, widths = edge_style(theme, np.where(into, last.values, 0.0))
        rgba[~into] = last.rgba[~into] * [1, 1, 1, 0.25]
        widths[~into] = last.widths[~into]
        middle = (self.columns[0].centers[0, 0] + self.columns[-2].centers[0, 0]) / 2
        self.play(
            self.show_formula(hidden_layer_formula(self.layers) or "", middle, RIGHT - answer.width - 0.4),
            Animate(self.bars, fill=fill, run_time=0.5),
            Animate(self.columns[-1], ring=ring, run_time=0.5),
            Animate(last, rgba=rgba, widths=widths, run_time=0.5),
            [Animate(edges, opacity=0.6, run_time=0.5) for edges in self.edges[:-1]],
            [Animate(self.classes[k], rgb=theme.rgb("correct"), run_time=0.5) for k in true],
            Animate(answer, start=HIDDEN, opacity=1.0, run_time=0.5, delay=0.2),
        )

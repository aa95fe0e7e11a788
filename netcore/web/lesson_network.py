"""Chapters of the lesson on one forward pass."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block, Graph
from netcore.core.formatting import format_percent
from netcore.core.run import Run, Snapshot
from netcore.core.trace import LayerTrace, Trace
from netcore.web.lesson_parts import Chapter, image_uri, indexed, number, to_float
from netcore.web.mathml import GAP, fraction, power, row, subscript, sum_over
from netcore.web.worked import convolution_sum, convolution_window, dense_sum

FORMULAS = {
    "Sigmoid": (subscript("σ", "z"), fraction("1", row("1", "+", power("e", "−", "z")))),
    "ReLU": ("ReLU", row("max", "(", "0", ",", "z", ")")),
    "Tanh": (
        "tanh",
        fraction(row(power("e", "z"), "−", power("e", "−", "z")), row(power("e", "z"), "+", power("e", "−", "z"))),
    ),
}  # fmt: skip
ACTIVATION_WORDS = {
    "Sigmoid": "The sigmoid maps any sum to a number between 0 and 1.",
    "ReLU": "ReLU keeps positive sums and sets negative ones to 0.",
    "Tanh": "The hyperbolic tangent maps any sum to a number between −1 and 1.",
}


@dataclass(frozen=True)
class LessonFacts:
    """What a lesson is about: a run at one snapshot, and one image, number `index`, with its pass and gradients."""

    run: Run
    snapshot: Snapshot
    trace: Trace
    graph: Graph
    index: int

    @property
    def label(self) -> int:
        """True class of the image."""
        assert self.trace.label is not None
        return self.trace.label

    def layers_of(self, kind: str) -> list[LayerTrace]:
        """Layers of one kind that have weights."""
        return [layer for layer in self.trace.layers if layer.kind == kind and layer.weight is not None]

    def title_of(self, layer: LayerTrace) -> str:
        """Title of the layer that a node belongs to: ``"hidden layer 1"``."""
        return self.graph[layer.name].title


def image_chapter(facts: LessonFacts) -> Chapter:
    """Explain the data and unrolling."""
    chapter = Chapter("An image is numbers")
    trace = facts.trace
    channels, height, width = trace.pixels.shape
    name = trace.classes[facts.label]
    size = trace.pixels.size
    chapter.add_text(
        f"The network gets an image of {height} rows and {width} columns"
        + (f" in {channels} channels" if channels > 1 else "")
        + f": {size:,} numbers from 0 to 255. They are divided by 255"
        + (", and normalized by the mean and deviation of the data" if trace.input.min() < 0 else "")
        + f". This one is labeled {name}."
    )
    chapter.add_picture(
        image_uri(trace.pixels), f"The image of this lesson, labeled {name}.", f"An image of {name}", True
    )
    middle = height // 2
    columns = np.argsort(-trace.pixels[0, middle].astype(int), kind="stable")[:6]
    rows = [
        (str(c + 1), str(trace.pixels[0, middle, c]), number(float(trace.input[0, middle, c]))) for c in sorted(columns)
    ]
    chapter.add_table(f"The brightest pixels of row {middle + 1}", ("column", "pixel", "input"), rows)
    if not facts.layers_of("Conv2d"):
        chapter.add_text(
            "A dense layer takes one long list: the rows are put one after another. This is called unrolling."
        )
        chapter.add_formula(
            subscript("x", str(width), "(", "r", "−", "1", ")", "+", "c"), "=", subscript("p", "r", ",", "c"), GAP,
            "r", "=", "1", "…", str(height), GAP, "c", "=", "1", "…", str(width),
        )  # fmt: skip
    row_, column = middle + 1, int(columns[0]) + 1
    chapter.add_exercise(
        f"At which place of the unrolled list is the pixel in row {row_}, column {column}?",
        f"{width} × ({row_} − 1) + {column} = {width * (row_ - 1) + column}.",
    )
    return chapter


def convolution_chapter(facts: LessonFacts) -> Chapter | None:
    """Explain the first convolution at one place; None without convolutions."""
    layers = facts.layers_of("Conv2d")
    if not layers:
        return None
    layer = layers[0]
    assert layer.weight is not None
    unit, y, x = (int(v) for v in np.unravel_index(np.argmax(layer.output), layer.output.shape))
    worked = convolution_sum(facts.trace, layer, unit, (y, x))
    height, width = layer.weight.shape[2:]
    chapter = Chapter("A kernel slides over the image")
    chapter.add_text(
        f"A convolution multiplies a small window of the image with a kernel of {height} × {width} weights, adds the "
        f"products and a bias, and writes the sum into a map. The same kernel is used at every place, so it finds the "
        f"same pattern everywhere. This layer has {layer.weight.shape[0]} kernels, and so {layer.weight.shape[0]} maps."
    )
    chapter.add_formula(
        indexed("z", "r", ",", "c"), "=", "b", "+", sum_over(row("i", ",", "j")), indexed("w", "i", ",", "j"), "·",
        indexed("x", "r", "+", "i", "−", "1", ",", "c", "+", "j", "−", "1"),
    )  # fmt: skip
    window = convolution_window(facts.trace, layer, unit, (y, x))[0]
    kernel = layer.weight[unit, 0]
    for caption, grid in (("Window", window), ("Kernel", kernel)):
        rows = [[number(float(v), 2) for v in line] for line in grid]
        chapter.add_table(
            f"{caption}, map {unit + 1} at row {y + 1}, column {x + 1}", [str(c + 1) for c in range(width)], rows
        )
    chapter.add_sum(worked, ("weight", "input"))
    total = layer.weight.size + (0 if layer.bias is None else layer.bias.size)
    parts = " × ".join(str(v) for v in layer.weight.shape)
    bias = "" if layer.bias is None else f" + {layer.bias.size} biases"
    chapter.add_exercise("How many parameters has this convolution?", f"{parts} weights{bias} = {total:,}.")
    return chapter


def neuron_chapter(facts: LessonFacts) -> Chapter:
    """Explain weights, bias and the sum of a neuron of the first dense layer."""
    layer = facts.layers_of("Linear")[0]
    assert layer.weight is not None
    unit = int(layer.output.argmax())
    worked = dense_sum(facts.trace, layer, unit)
    chapter = Chapter("A neuron adds")
    chapter.add_text(
        f"A neuron multiplies each of its inputs by a weight, adds the products, and adds its bias. "
        f"Neuron {unit + 1} of {facts.title_of(layer)} has {worked.count:,} inputs and as many weights. A positive "
        "weight lets its input raise the sum, a negative one lets it lower the sum."
    )
    chapter.add_formula(
        indexed("z", "j"),
        "=",
        indexed("b", "j"),
        "+",
        sum_over("i"),
        indexed("w", "j", ",", "i"),
        "·",
        indexed("x", "i"),
    )
    chapter.add_sum(worked, ("weight", "input"))
    return chapter


def activation_chapter(facts: LessonFacts) -> Chapter | None:
    """Explain the activation function; None if it is not a common one."""
    layer = next((v for v in facts.trace.layers if v.kind in FORMULAS and v.output.ndim == 1), None)
    layer = layer or next((v for v in facts.trace.layers if v.kind in FORMULAS), None)
    if layer is None:
        return None
    before, after = facts.trace.input_of(layer).ravel(), layer.output.ravel()
    chapter = Chapter("The activation function bends")
    chapter.add_text(
        f"{ACTIVATION_WORDS[layer.kind]} Without such a bend, several layers could compute no more than a single one: "
        "sums of sums are sums."
    )
    name, body = FORMULAS[layer.kind]
    chapter.add_formula(*([name, "="] if layer.kind == "Sigmoid" else [name, "(", "z", ")", "="]), body)
    order = np.unique(np.linspace(0, len(before) - 1, 5).astype(int))
    order = np.argsort(before, kind="stable")[order]
    rows = [(str(int(i) + 1), number(float(before[i])), number(float(after[i]))) for i in order]
    chapter.add_table(
        f"Values of {facts.graph[layer.name].title}, from the lowest to the highest",
        ("number", "z", "activation"),
        rows,
    )
    if layer.kind == "ReLU":
        idle = int((after == 0).sum())
        chapter.add_exercise(
            f"How many of the {len(after):,} values of {facts.graph[layer.name].title} are 0 for this image?",
            f"{idle:,} of {len(after):,} ({format_percent(idle / len(after))}).",
        )
    return chapter


def layers_chapter(facts: LessonFacts) -> Chapter:
    """Count the parameters of the layers, and the memory."""
    chapter = Chapter("Layers and their parameters")
    chapter.add_text(
        "Layer follows layer: the activations of one are the inputs of the next. As matrices, with the activation "
        "function written as f:"
    )
    chapter.add_formula(
        power("a", "(", "l", ")"),
        "=",
        "f",
        "(",
        power("W", "(", "l", ")"),
        power("a", "(", "l", "−", "1", ")"),
        "+",
        power("b", "(", "l", ")"),
        ")",
    )
    blocks = [block for block in facts.graph if not block.is_reshape]
    rows = [
        (
            block.title,
            " × ".join(map(str, block.shape)),
            f"{facts.graph.parameters(block):,}",
            _count_words(block, facts),
        )
        for block in blocks
    ]
    total = facts.graph.parameters()
    rows.append(("all layers", "", f"{total:,}", ""))
    chapter.add_table(
        "Layers of this network", ("layer", "output", "parameters", "weights + biases"), rows, len(rows) - 1
    )
    kilobytes = 4 * total / 1000
    chapter.add_text(
        f"Each parameter is a 32-bit number of 4 bytes: {total:,} × 4 = {4 * total:,} bytes, about {kilobytes:,.0f} kB."
    )
    weighted = [
        layer for layer in facts.trace.layers if layer.weight is not None and layer.kind in ("Linear", "Conv2d")
    ]
    layer = weighted[min(1, len(weighted) - 1)]
    assert layer.weight is not None
    chapter.add_exercise(
        f"How many weights has {facts.title_of(layer)}?",
        f"{' × '.join(str(v) for v in layer.weight.shape)} = {layer.weight.size:,}"
        + (f", and {layer.bias.size} biases." if layer.bias is not None else "."),
    )
    return chapter


def _count_words(block: Block, facts: LessonFacts) -> str:
    parts = []
    for op in block.operations:
        layer = facts.trace[op.node]
        if layer.weight is None or layer.kind not in ("Linear", "Conv2d"):
            parts += [f"{layer.parameters:,} ({op.title})"] if layer.parameters else []
            continue
        words = " × ".join(str(v) for v in layer.weight.shape)
        parts.append(words + (f" + {layer.bias.size}" if layer.bias is not None else ""))
    return " + ".join(parts)


def softmax_chapter(facts: LessonFacts) -> Chapter:
    """Turn the logits into probabilities."""
    trace = facts.trace
    logits, probabilities = trace.logits.astype(np.float64), trace.probabilities
    texts, powers, total = _print_softmax(logits)
    chapter = Chapter("Softmax makes probabilities")
    chapter.add_text(
        "The last layer gives one sum per class, the logits. The softmax makes them positive and lets them add up to "
        f"1. The largest logit, {texts[trace.prediction]}, is subtracted first; this changes nothing, and keeps "
        "the powers small."
    )
    chapter.add_formula(
        indexed("p", "k"), "=",
        fraction(power("e", indexed("z", "k")), row(sum_over("j"), power("e", indexed("z", "j")))), "=",
        fraction(
            power("e", indexed("z", "k"), "−", "max", "z"),
            row(sum_over("j"), power("e", indexed("z", "j"), "−", "max", "z")),
        ),
    )  # fmt: skip
    order = np.argsort(-probabilities, kind="stable")[:10]
    rows = [
        (
            trace.classes[k],
            texts[k],
            powers[k],
            number(float(probabilities[k]), 4),
        )
        for k in sorted(order)
    ]
    mark = sorted(order).index(trace.prediction)
    chapter.add_table(
        "Logits and probabilities of this image", ("class", "logit", "power of e", "probability"), rows, mark
    )
    chapter.add_text(
        f"All powers add up to {total}; the probability of {trace.classes[trace.prediction]} is 1 ÷ {total} = "
        f"{number(trace.confidence, 4)}."
    )
    second = int(np.argsort(-probabilities, kind="stable")[1])
    chapter.add_exercise(
        "Which class is second?",
        f"{trace.classes[second]}, with a probability of {format_percent(float(probabilities[second]), 2)}.",
    )
    return chapter


def _print_softmax(logits: NDArray[np.float64]) -> tuple[list[str], list[str], str]:
    """Print logits, powers of e and their sum so that each follows from the printed ones before it."""
    exact = np.exp(logits - logits.max())
    shares = [number(float(v), 4) for v in exact / exact.sum()]
    for decimals in range(4, 10):
        powers, total = [number(float(v), decimals) for v in exact], number(float(exact.sum()), decimals)
        adds_up = number(sum(map(to_float, powers)), decimals) == total
        if adds_up and [number(to_float(text) / to_float(total), 4) for text in powers] == shares:
            break
    for digits in range(2, 12):
        printed = np.round(logits, digits)
        if [number(float(v), decimals) for v in np.exp(printed - printed.max())] == powers:
            break
    return [number(float(v), digits) for v in logits], powers, total

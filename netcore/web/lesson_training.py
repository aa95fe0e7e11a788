"""Chapters of the lesson on training: loss, gradient, backpropagation, overfitting."""

from functools import partial
from math import floor, log, log10

import numpy as np

from netcore.core.formatting import format_percent, format_sum
from netcore.core.trace import LayerTrace
from netcore.web.lesson_network import LessonFacts
from netcore.web.lesson_parts import Chapter, format_factors, format_operands, indexed, number, significant, to_float
from netcore.web.mathml import fraction, row, subscript, sum_over


def loss_chapter(facts: LessonFacts) -> Chapter:
    """Explain the cross-entropy."""
    trace = facts.trace
    name, p = trace.classes[facts.label], float(trace.probabilities[facts.label])
    loss = significant(trace.loss or 0.0)
    (share,) = format_operands([p], lambda v: significant(-log(v)), loss)
    chapter = Chapter("The loss measures the error")
    chapter.add_text(
        f"For training, one number says how wrong a prediction is: the cross-entropy, the negative logarithm of the "
        f"probability of the true class. Here the true class is {name}, with a probability of {share}."
    )
    chapter.add_formula(
        "L",
        "=",
        "−",
        "ln",
        subscript("p", "true"),
        "=",
        "−",
        "ln",
        share,
        "=",
        loss,
    )
    count = len(trace.classes)
    chapter.add_text(
        f"A network that knows nothing gives each of {count} classes the probability 1 ÷ {count}; its loss is "
        f"ln {count} = {number(log(count))}." + _first_loss(facts)
    )
    chapter.add_exercise(
        "What would the loss be if the true class had a probability of one half?", f"−ln 0.5 = {number(log(2))}."
    )
    return chapter


def _first_loss(facts: LessonFacts) -> str:
    history = facts.run.history
    rows = [row for row in history.get("steps", []) if "loss" in row]
    if not rows:
        return ""
    starts = [0, *(row["step"] for row in [*rows[:-1], *history["epochs"]] if row["step"] < rows[-1]["step"])]
    first, last = _batches(1, rows[0]["step"]), _batches(max(starts) + 1, rows[-1]["step"])
    return (
        f" In this training the loss was {number(rows[0]['loss'])} {first}, and {number(rows[-1]['loss'])} {last}, "
        "each measured before the weights were changed."
    )


def _batches(first: int, last: int) -> str:
    return f"on the batch of step {last:,}" if first == last else f"on average over the batches {first:,} to {last:,}"


def gradient_chapter(facts: LessonFacts) -> Chapter | None:
    """Explain the gradient of the logits and of one weight; None if the last layer is not dense."""
    trace, layer = facts.trace, facts.trace.layers[-1]
    if layer.kind != "Linear" or layer.grad_output is None or layer.grad_weight is None:
        return None
    delta = layer.grad_output
    chapter = Chapter("The gradient points uphill")
    chapter.add_text(
        "The gradient says for each number how the loss changes if this number grows a little. For softmax and "
        "cross-entropy it is simple: the probability, less 1 for the true class."
    )
    chapter.add_formula(
        fraction(row("∂", "L"), row("∂", indexed("z", "k"))), "=", indexed("p", "k"), "−", indexed("y", "k")
    )
    order = sorted(np.argsort(-np.abs(delta), kind="stable")[:10])
    rows = [
        (
            trace.classes[k],
            *format_operands([float(trace.probabilities[k])], partial(_less_true, k == facts.label), text, digits=3),
            str(int(k == facts.label)),
            text,
        )
        for k, text in ((k, significant(float(delta[k]))) for k in order)
    ]
    chapter.add_table(
        "Gradient of the logits", ("class", "probability", "true", "gradient"), rows, order.index(facts.label)
    )
    k = facts.label
    i = int(np.argmax(np.abs(layer.grad_weight[k])))
    a = float(trace.input_of(layer).ravel()[i])
    chapter.add_text(
        f"A weight's gradient is that of its sum times its input. The weight from neuron {i + 1} to class "
        f"{trace.classes[k]}:"
    )
    slope = fraction(row("∂", "L"), row("∂", indexed("w", trace.classes[k], ",", str(i + 1))))
    gradient = significant(float(layer.grad_weight[k, i]))
    one, other = format_operands([float(delta[k]), a], lambda d, v: significant(d * v), gradient)
    product = (one, "×", other, "=", gradient)
    chapter.add_formula(slope, "=", indexed("δ", trace.classes[k]), "·", indexed("a", str(i + 1)), "=", *product)
    chapter.add_exercise(
        "What do the gradients of all logits add up to?",
        "To 0: the probabilities add up to 1, and so do the true values.",
    )
    return chapter


def _less_true(is_true: bool, probability: float) -> str:
    return significant(probability - is_true)


def backpropagation_chapter(facts: LessonFacts) -> Chapter | None:
    """Work the gradient of one hidden neuron backwards; None without a hidden dense layer."""
    trace, layer = facts.trace, facts.trace.layers[-1]
    if layer.kind != "Linear" or layer.grad_output is None or layer.weight is None:
        return None
    source = _hidden_source(facts, layer)
    if source is None or source.grad_output is None:
        return None
    products = layer.weight.astype(np.float64) * layer.grad_output[:, None]
    j = int(np.abs(products.sum(0)).argmax())
    column = products[:, j]
    chapter = Chapter("Backpropagation passes it on")
    chapter.add_text(
        f"A hidden neuron moves the loss through every class that reads it. Its gradient is the sum of all these ways: "
        f"each weight times the gradient of its class. For neuron {j + 1} of {facts.title_of(source)}:"
    )
    chapter.add_formula(
        fraction(row("∂", "L"), row("∂", indexed("a", str(j + 1)))),
        "=",
        sum_over("k"),
        indexed("w", "k", ",", str(j + 1)),
        "·",
        indexed("δ", "k"),
    )
    order = sorted(np.argsort(-np.abs(column), kind="stable")[:5])
    total, others = float(source.grad_output.ravel()[j]), len(column) - len(order)
    rest = total - float(column[order].sum()) if others else None
    fewest = max(3, 2 - floor(log10(max(abs(column).max(), 1e-9))))
    texts, sum_text = format_sum(column[order].tolist(), rest, fewest, fewest + 3)
    rows = []
    for k, text in zip(order, texts, strict=False):
        factors = format_factors((float(layer.weight[k, j]), float(layer.grad_output[k])), text)
        rows.append((trace.classes[k], *factors, text))
    if others:
        rows.append((f"{others} more", "", "", texts[-1]))
    rows.append(("sum", "", "", sum_text))
    chapter.add_table(
        "Ways from this neuron to the loss",
        ("class", "weight", "gradient of the class", "product"),
        rows,
        len(rows) - 1,
    )
    chapter.add_text(
        "The same rule leads on, layer by layer, to the first weights. One pass back costs about twice as much as one "
        "pass forward, and gives the gradients of all parameters."
    )
    return chapter


def _hidden_source(facts: LessonFacts, layer: LayerTrace) -> LayerTrace | None:
    """Node that the last layer reads; None for the image or maps."""
    name = layer.inputs[0]
    found = next((v for v in facts.trace.layers if v.name == name), None)
    while found is not None and found.kind in ("Dropout", "Identity") and found.inputs[0] != "input":
        found = facts.trace[found.inputs[0]]
    return found if found is not None and found.output.ndim == 1 and found.kind != "Flatten" else None


def overfitting_chapter(facts: LessonFacts) -> Chapter | None:
    """Compare training and held-out accuracy over the epochs; None without both."""
    rows = [r for r in facts.run.history["epochs"] if {"train_accuracy", "val_accuracy"} <= set(r)]
    if not rows:
        return None
    chosen = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, 6).astype(int))]
    last = rows[-1]
    gap = last["train_accuracy"] - last["val_accuracy"]
    chapter = Chapter("Learning by heart or understanding")
    chapter.add_text(
        "A network with many parameters can learn its training images by heart. Whether it has learned more shows on "
        "held-out images, which it was never trained on. Where the training accuracy goes on rising and the held-out "
        "accuracy does not, the network overfits."
    )
    cells = [
        (
            f"{r['epoch']:g}",
            number(r["train_loss"]) if "train_loss" in r else "",
            format_percent(r["train_accuracy"]),
            format_percent(r["val_accuracy"]),
        )
        for r in chosen
    ]
    chapter.add_table(
        "Accuracy over the epochs", ("epoch", "training loss", "training accuracy", "held-out accuracy"), cells
    )
    points = number(100 * abs(gap), 1)
    words = "better" if gap > 0 else "worse"
    chapter.add_text(
        "Loss and accuracy of training are means over the batches of an epoch, measured while the weights changed; the "
        "held-out accuracy is measured at the epoch's end.",
        note=True,
    )
    chapter.add_text(
        (
            "At the end the accuracy is as good on training images as on held-out ones."
            if to_float(points) == 0
            else f"At the end the accuracy is {points} percentage points {words} on the training images."
        )
        + _training_note(facts, gap)
    )
    return chapter


def _training_note(facts: LessonFacts, gap: float) -> str:
    """Say why training accuracy can be lower: dropout and augmentation act in training alone."""
    settings = facts.run.info.get("settings", {})
    architecture = settings.get("architecture", {})
    has_dropout = architecture.get("dropout") or architecture.get("block_dropout")
    given = (
        ("with dropout, which switches neurons off at random", has_dropout),
        ("with augmentation, which changes the images at random", settings.get("augment")),
    )
    causes = [word for word, value in given if value]
    if gap > 0 or not causes:
        return ""
    return f" The training accuracy is measured {', and '.join(causes)}; the held-out accuracy is not."

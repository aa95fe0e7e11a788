"""Chapters of the lesson on the optimizer, and on batches and epochs."""

from math import ceil

import numpy as np

from netcore.web.lesson_network import LessonFacts
from netcore.web.lesson_parts import Chapter, format_operands, indexed, significant, to_float
from netcore.web.mathml import fraction, power, root, row, subscript

EPS = 1e-8  # of torch.optim.Adam


def optimizer_chapter(facts: LessonFacts) -> Chapter | None:
    """Work one update of a weight; None if optimizer or rate are not recorded."""
    settings = facts.run.info.get("settings", {})
    rate, name = settings.get("learning_rate"), settings.get("optimizer")
    layer = facts.trace.layers[-1]
    if rate is None or name not in STEPS or layer.grad_weight is None or layer.weight is None:
        return None
    k = facts.label
    i = int(np.argmax(np.abs(layer.grad_weight[k])))
    chapter = Chapter("The optimizer takes a step")
    symbol = indexed("w", facts.trace.classes[k], ",", str(i + 1))
    w, g = float(layer.weight[k, i]), float(layer.grad_weight[k, i])
    STEPS[name](chapter, symbol, w, g, rate)
    return chapter


def _add_sgd_step(chapter: Chapter, symbol: str, w: float, g: float, rate: float) -> None:
    """Work the step of stochastic gradient descent for a weight and its gradient."""
    chapter.add_text(
        f"Stochastic gradient descent moves each parameter against its gradient, by the learning rate η = {rate:g} "
        "times the gradient. For the weight of the chapter on the gradient, and this image alone:"
    )
    result = significant(w - rate * g, 6)
    weight, gradient = format_operands([w, g], lambda a, b: significant(a - rate * b, 6), result, digits=6)
    numbers = weight, "−", f"{rate:g}", "×", "(", gradient, ")", "=", result
    chapter.add_formula(symbol, "←", symbol, "−", "η", "·", "g", "=", *numbers)


def _add_adam_step(chapter: Chapter, symbol: str, w: float, g: float, rate: float) -> None:
    """Work the first step of Adam for a weight and its gradient."""
    step = rate * g / (abs(g) + EPS)
    result = significant(w - step, 6)
    change = significant(-step, 4)
    (weight,) = format_operands([w], lambda v: significant(v + to_float(change), 6), result, digits=6)
    chapter.add_text(
        f"Adam keeps two running averages for each parameter: m of its gradient g, and v of the gradient's square. The "
        f"step is the first divided by the square root of the second, times the learning rate η = {rate:g}; so all "
        "parameters move by steps of like size, however steep or flat the loss is in their direction. Both averages "
        "start at 0, for which they are corrected:"
    )
    chapter.add_formula(*_average("m", "1", "g"))
    chapter.add_formula(*_average("v", "2", power("g", "2")))
    mean, square = _corrected("m", "1"), root(_corrected("v", "2"))
    chapter.add_formula("w", "←", "w", "−", "η", fraction(mean, row(square, "+", "ε")))
    chapter.add_text(
        f"At the first step, t = 1, the quotient is g ÷ (|g| + ε). With fresh averages and this image alone, the "
        f"gradient {significant(g, 4)} moves the weight {weight} by {change}, to {result}."
    )
    chapter.add_text("β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁸ are PyTorch's defaults.", note=True)


def _average(name: str, number: str, value: str) -> tuple[str, ...]:
    """Return the update of a running average: m ← β₁ m + (1 − β₁) g."""
    beta = subscript("β", number)
    return name, "←", beta, name, "+", "(", "1", "−", beta, ")", value


def _corrected(name: str, number: str) -> str:
    """Return an average without its bias to 0: m / (1 − β₁ᵗ)."""
    return row(name, "/", "(", "1", "−", power(subscript("β", number), "t"), ")")


STEPS = {"sgd": _add_sgd_step, "adam": _add_adam_step}


def epochs_chapter(facts: LessonFacts) -> Chapter | None:
    """Count batches, steps and epochs; None if they are not recorded."""
    settings, data = facts.run.info.get("settings", {}), facts.run.info.get("data", {})
    batch, epochs, images = settings.get("batch_size"), settings.get("epochs"), data.get("train")
    if not (batch and epochs and images):
        return None
    steps = ceil(images / batch)
    chapter = Chapter("Batches and epochs")
    chapter.add_text(
        f"The gradient is not computed from one image, and not from all {images:,}: each step takes the mean over a "
        f"mini-batch of {batch} images. A batch is large enough to point roughly the right way, and small enough to "
        f"allow many steps. One pass through all images is an epoch."
    )
    chapter.add_formula(f"{images:,}", "/", str(batch), "→", f"{steps:,}", "steps per epoch")
    chapter.add_formula(f"{steps:,}", "×", str(epochs), "=", f"{steps * epochs:,}", "steps")
    chapter.add_exercise(
        f"How many steps would an epoch have with batches of {2 * batch}?",
        f"{images:,} ÷ {2 * batch}, rounded up: {ceil(images / (2 * batch)):,}.",
    )
    return chapter

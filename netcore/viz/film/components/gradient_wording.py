"""Captions and sums of training steps."""

from itertools import pairwise

import numpy as np

from netcore.analysis.training_effect import StepEffect
from netcore.core.formatting import format_number
from netcore.core.network import OptimizerStep
from netcore.core.trace import Trace
from netcore.viz.film.components.sum_line import Term

LARGE_LOSS = 100  # from here on one decimal will do
MOST_DECIMALS = 6
STRAIGHT = 0.1  # share by which the loss may differ from what the slopes say before it is spoken of
RATE_SHARE = 0.05  # by which moves may differ from the rate and still be said to be "by the rate"
MAX_LOSS_LENGTH = 6  # characters: a smaller difference is not worth a caption


def images_of(part: str) -> str:
    """Return what the images of a part of the data are called."""
    return {"held_out": "held-out images", "train": "training images"}.get(part, "example images")


def batch_words(one: StepEffect, batch: StepEffect, count: int) -> tuple[str, str]:
    """Compare a step on one image with one of the same length on a batch: caption, and line of the takeaway.

    What is said depends on what was measured: more images with a lower loss, a lower mean loss, or neither.
    """
    a, b, total = (f"{int(n):,}" for n in (one.better.sum(), batch.better.sum(), len(batch.after)))
    alone, after = format_losses(float(one.after.mean()), float(batch.after.mean()))
    losses = f"Mean loss after one image's step {alone}, {count}'s {after}"
    harmful = one.after.mean() > one.before.mean() > batch.after.mean()
    if batch.better.sum() > one.better.sum():
        moral = losses if harmful else f"One image's step helps {a} of {total}, {count}'s: {b}"
        return f"As long a step for all {count}: better {a} → {b}", moral
    if batch.after.mean() < one.after.mean() and alone != after and len(after) <= MAX_LOSS_LENGTH:
        return f"As long a step for all {count}: loss {after}, not {alone}", losses
    return f"As long a step for all {count}: {better_worse(batch)}", ""


def better_worse(effect: StepEffect) -> str:
    """Return how many images have a lower loss after a step, and how many a higher one."""
    worse = int((effect.after > effect.before).sum())
    return f"{int(effect.better.sum()):,} better" + (f", {worse:,} worse" if worse else "")


def format_losses(*losses: float) -> list[str]:
    """Format losses with the digits in which neighbours differ.

    Examples
    --------
    >>> format_losses(1.4221, 1.3739), format_losses(1.59334, 1.59312), format_losses(3.7244, 10601.7731)
    (['1.422', '1.374'], ['1.5933', '1.5931'], ['3.7', '10,601.8'])
    """
    decimals = 3 if max(losses) < LARGE_LOSS else 1
    gaps = [abs(round(a - b, 9)) for a, b in pairwise(losses)]
    while decimals < MOST_DECIMALS and any(gap < 2 * 10.0**-decimals for gap in gaps):
        decimals += 1
    return [f"{v:,.{decimals}f}" if v >= 10.0**-decimals else format_number(v) for v in losses]


def balance_terms(effect: StepEffect) -> list[Term]:
    """Write by how much the losses of some images fell, by how much those of others rose, and their mean loss.

    A few large falls can outweigh many small rises, so both are said.
    """
    gain, better = effect.before - effect.after, effect.better
    worse = effect.after > effect.before
    parts = [
        f"{int(chosen.sum()):,} {word} by {format_number(float(np.abs(gain[chosen]).mean()))} on average"
        for chosen, word in ((better, "fell"), (worse, "rose"))
        if chosen.any()
    ]
    before, after = format_losses(float(effect.before.mean()), float(effect.after.mean()))
    return [f"losses: {', '.join(parts)};", f"mean of all: {before} → {after}"]


def step_words(before: Trace, step: OptimizerStep) -> str:
    """Say how an optimiser moves the weights, by its rule or by what it did."""
    rate = f"{step.learning_rate:g}"
    if not step.recorded:
        return f"optimiser not recorded: weight − {rate} × gradient"
    if step.optimizer == "SGD":
        return f"SGD: weight − rate {rate} × gradient"
    if moves_by_rate(before, step):
        return f"a first step of {step.optimizer}: each weight with a gradient moves by the rate, {rate}"
    return f"a first step of {step.optimizer}; rate {rate}"


def moves_by_rate(before: Trace, step: OptimizerStep) -> bool:
    """Whether most weights that have a gradient moved by the learning rate."""
    moves = [
        np.abs(step.weights[one.weight_name].reshape(one.weight.shape) - one.weight)[np.asarray(one.grad_weight) != 0]
        for one in before.layers
        if one.weight is not None and one.grad_weight is not None and one.weight_name in step.weights
    ]
    share = np.concatenate([m.ravel() for m in moves]) / step.learning_rate if moves else np.zeros(1)
    return bool(len(share)) and abs(float(np.median(share)) - 1.0) < RATE_SHARE


def change_words(known: float | None, measured: float) -> str:
    """Compare the change of the loss that gradients predict with the one measured."""
    if known is None:
        return f"change of the loss: {format_number(measured, 3)}"
    text = f"loss: gradients predict {format_number(known, 3)}, measured {format_number(measured, 3)}"
    far = abs(known - measured) > STRAIGHT * abs(measured)
    return text + (": too long a step, the slopes change" if far else "")

"""Losses before and after a training step, and gradients of a batch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.scores import cross_entropy_losses
from netcore.core.network import Network, OptimizerStep
from netcore.core.run import LabeledImages
from netcore.core.run_files import Arrays
from netcore.core.sample import Sample
from netcore.core.trace import Trace


@dataclass(frozen=True)
class StepEffect:
    """A step of the optimiser, and losses before and after it.

    Attributes
    ----------
    step : OptimizerStep
    trace : Trace
        Of the image, after the step.
    before, after : ndarray, shape (N,)
        Losses of the images, in nats.
    images : LabeledImages
    """

    step: OptimizerStep
    trace: Trace
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    images: LabeledImages

    @property
    def better(self) -> NDArray[np.bool_]:
        """Which images have a lower loss after the step: (N,)."""
        return self.after < self.before

    def share_better(self, classes: int) -> NDArray[np.float64]:
        """Share of the images of each class with a lower loss, NaN for a class without images: (K,)."""
        labels = self.images.labels
        return np.array([self.better[labels == k].mean() if (labels == k).any() else np.nan for k in range(classes)])


def take_step(
    network: Network,
    own: Sample,
    batch: LabeledImages,
    images: LabeledImages,
    scale: Callable[[OptimizerStep], OptimizerStep] = lambda step: step,
) -> StepEffect:
    """Take a step on some images, and measure the losses of others before and after it.

    Parameters
    ----------
    network : Network
    own : Sample
        Traced after the step.
    batch : LabeledImages
        Images that the step is taken on.
    images : LabeledImages
        Images whose losses are measured.
    scale : callable
        Makes the step another one in the same direction.
    """
    step = scale(network.step(batch.images, batch.labels))
    before = network.predict(images.images)["logits"]
    after = network.predict(images.images, weights=step.weights)["logits"]
    trace = network.trace(own, weights=step.weights)
    losses = [cross_entropy_losses(logits, images.labels) for logits in (before, after)]
    return StepEffect(step, trace, losses[0], losses[1], images)


def step_length(weights: Arrays, step: OptimizerStep) -> float:
    """Return the length of the way from some weights to those after a step."""
    return float(np.sqrt(sum(float((_way(weights, step, key) ** 2).sum()) for key in step.weights)))


def scale_step(weights: Arrays, step: OptimizerStep, factor: float) -> OptimizerStep:
    """Return a step from the same weights in the same direction whose length is multiplied."""
    scaled = {
        key: (weights[key] + factor * _way(weights, step, key)).astype(after.dtype)
        for key, after in step.weights.items()
    }
    return replace(step, weights=scaled)


def _way(weights: Arrays, step: OptimizerStep, key: str) -> NDArray[np.float64]:
    out: NDArray[np.float64] = step.weights[key].astype(np.float64) - weights[key]
    return out


def predicted_change(trace: Trace, step: OptimizerStep) -> float | None:
    """Return the sum of gradient × step over all parameters; None where a gradient is not known by its name.

    Parameters
    ----------
    trace : Trace
        With gradients.
    step : OptimizerStep
    """
    total, known = 0.0, set[str]()
    for layer in trace.layers:
        name = layer.weight_name
        pairs = [(name, layer.weight, layer.grad_weight)]
        pairs += (
            [(name.removesuffix("weight") + "bias", layer.bias, layer.grad_bias)] if name.endswith("weight") else []
        )
        for key, before, gradient in pairs:
            if before is not None and gradient is not None and key in step.weights and key not in known:
                known.add(key)
                after = step.weights[key].reshape(before.shape).astype(np.float64)
                total += float(((after - before) * gradient).sum())
    every = {key for layer in trace.layers for key in layer.parameter_sizes}
    return total if every <= known else None


@dataclass(frozen=True)
class BatchGradients:
    """How the gradients of the images of a batch agree.

    Attributes
    ----------
    products : ndarray, shape (N, N)
        Inner products of the gradients of all parameters.
    """

    products: NDArray[np.float64]

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """Length of each gradient: (N,)."""
        return np.sqrt(np.maximum(np.diag(self.products), 0.0))

    @property
    def mean_length(self) -> float:
        """Mean of the lengths."""
        return float(self.lengths.mean())

    @property
    def length_of_mean(self) -> float:
        """Length of the mean gradient."""
        return float(np.sqrt(max(self.products.mean(), 0.0)))

    @property
    def along(self) -> NDArray[np.float64]:
        """Extent of each gradient in the direction of the mean: (N,)."""
        out: NDArray[np.float64] = self.products.mean(1) / max(self.length_of_mean, 1e-12)
        return out

    @property
    def across(self) -> NDArray[np.float64]:
        """Extent of each gradient at right angles to the mean, which has no sign: (N,)."""
        return np.sqrt(np.maximum(self.lengths**2 - self.along**2, 0.0))

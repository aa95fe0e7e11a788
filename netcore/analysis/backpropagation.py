"""Deltas and gradients of dense layers.

A delta is the derivative of the loss by a pre-activation; the loss is the cross-entropy of one image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.answer_path import SOFTMAX
from netcore.analysis.dense_layers import ADVICE, DenseLayer
from netcore.core.errors import RequirementError
from netcore.core.formatting import find_printable_product
from netcore.core.network import Network
from netcore.core.sample import Sample
from netcore.core.trace import Trace

TOLERANCE = 1e-4  # of the largest gradient: what single precision may cause
CANDIDATES = 8  # units or weights of large gradients, of which the first is taken whose printed product is right
NUDGES = 0.1, 0.01  # tried in this order
MAX_DECIMALS = 9  # of printed products
BEND = 0.1  # share by which measured and predicted change may differ


@dataclass(frozen=True)
class LayerGradient:
    """Gradients of one dense layer.

    Attributes
    ----------
    layer : DenseLayer
    delta : ndarray, shape (O,)
        Derivative of the loss by the pre-activations.
    by_input : ndarray, shape (I,)
        Derivative by what the layer receives: ``weight.T @ delta``.
    by_output : ndarray, shape (O,)
        Derivative by the activations.
    weight : str
        Name of the weights in the snapshot.
    """

    layer: DenseLayer
    delta: NDArray[np.float64]
    by_input: NDArray[np.float64]
    by_output: NDArray[np.float64]
    weight: str

    @property
    def gradient(self) -> NDArray[np.float64]:
        """Derivative by the weights, delta × activation: (O, I)."""
        out: NDArray[np.float64] = self.delta[:, None] * self.layer.inputs.astype(np.float64)
        return out

    @property
    def slopes(self) -> NDArray[np.float64]:
        """Derivative of the activations by the pre-activations, NaN where no gradient arrives: (O,)."""
        out = np.full(len(self.delta), np.nan)
        seen = np.abs(self.by_output) > 1e-12
        out[seen] = self.delta[seen] / self.by_output[seen]
        return out

    @property
    def mean_size(self) -> float:
        """Mean magnitude of the deltas."""
        return float(np.abs(self.delta).mean())

    def terms(self, unit: int) -> NDArray[np.float64]:
        """What each delta adds to the derivative by input `unit`, weight × delta: (O,)."""
        out: NDArray[np.float64] = self.layer.weight[:, unit].astype(np.float64) * self.delta
        return out


def layer_gradients(trace: Trace, layers: Sequence[DenseLayer]) -> list[LayerGradient]:
    """Read the gradients of dense layers, which must be those that autograd gives for their weights.

    Parameters
    ----------
    trace : Trace
        With gradients.
    layers : sequence of DenseLayer
        The last one gives the scores.

    Raises
    ------
    RequirementError
        If the scores are not a plain dense layer's, or weights are used more than once.
    """
    if not set(layers[-1].functions) <= SOFTMAX:
        raise RequirementError(
            f"the output layer must give scores or their softmax, got {' → '.join(layers[-1].functions)}: {ADVICE}"
        )
    found = []
    for layer in layers:
        node = trace[layer.block.main.node]
        if node.grad_output is None or node.grad_weight is None or not node.weight_name:
            raise RequirementError(f"'{layer.block.title}' has no gradient that can be read: {ADVICE}")
        delta = node.grad_output.ravel().astype(np.float64)
        out = next((n.grad_output for n in trace.layers if n.name == layer.block.output), None)
        by_output = delta if out is None or layer is layers[-1] else out.ravel().astype(np.float64)
        by_input = layer.weight.T.astype(np.float64) @ delta
        one = LayerGradient(layer, delta, by_input, by_output, node.weight_name)
        expected = node.grad_weight.reshape(one.gradient.shape)
        if np.abs(one.gradient - expected).max() > TOLERANCE * max(float(np.abs(expected).max()), 1e-6):
            raise RequirementError(f"the weights of '{layer.block.title}' must be used once, not more often: {ADVICE}")
        found.append(one)
    return found


def print_product(pairs: Sequence[tuple[float, float]]) -> tuple[int, tuple[str, str, str]]:
    """Return the first of some pairs whose printed factors give the printed product of three digits, and the texts."""
    product = abs(pairs[0][0] * pairs[0][1])
    digits = min(MAX_DECIMALS, max(2, 2 - math.floor(math.log10(product)))) if product else 2
    return find_printable_product(pairs, digits, digits + 1)


# ---- one weight


@dataclass(frozen=True)
class WeightNudge:
    """One weight, its gradient, and what a small change of it really does to the loss.

    Attributes
    ----------
    unit, source : int
        The weight leads from `source` to `unit`.
    texts : tuple of str
        Activation, delta and their product, the gradient, so that the printed product is right.
    gradient : float
    change : float
        Added to the weight; its sign lowers the loss.
    before, after : float
        Weight.
    loss, loss_after : float
        Measured.
    """

    unit: int
    source: int
    texts: tuple[str, str, str]
    gradient: float
    change: float
    before: float
    after: float
    loss: float
    loss_after: float

    @property
    def predicted(self) -> float:
        """Change of the loss according to the gradient."""
        return self.gradient * self.change

    @property
    def measured(self) -> float:
        """Change of the loss that was measured."""
        return self.loss_after - self.loss


def nudge_weight(network: Network, sample: Sample, trace: Trace, found: LayerGradient) -> WeightNudge:
    """Change one of the weights with the largest gradients in a layer, and measure the loss again."""
    gradient = found.gradient
    order = np.argsort(-np.abs(gradient), axis=None, kind="stable")[:CANDIDATES]
    pairs = [tuple(int(i) for i in np.unravel_index(k, gradient.shape)) for k in order]
    pairs = [p for p in pairs if abs(gradient[p]) >= 0.5 * abs(gradient[pairs[0]])]
    inputs = found.layer.inputs
    best, texts = print_product([(float(inputs[i]), float(found.delta[u])) for u, i in pairs])
    unit, source = pairs[best]
    value, loss = float(found.layer.weight[unit, source]), float(trace.loss or 0.0)
    shape = trace[found.layer.block.main.node].weight.shape  # type: ignore[union-attr]
    for size in NUDGES:
        change = -size if gradient[unit, source] > 0 else size
        changed = found.layer.weight.copy()
        changed[unit, source] += change
        after = network.trace(sample, weights={found.weight: changed.reshape(shape)}).loss
        out = WeightNudge(unit, source, texts, float(gradient[unit, source]), change, value, value + change, loss,
                          float(after or 0.0))  # fmt: skip
        if abs(out.measured - out.predicted) <= BEND * abs(out.predicted):
            break
    return out


# ---- one hidden neuron


def choose_neuron(before: LayerGradient) -> tuple[int, tuple[str, str, str]]:
    """Choose a neuron whose derivative by its activation, slope and delta can be printed as a product.

    Parameters
    ----------
    before : LayerGradient
        Of the hidden layer.

    Returns
    -------
    unit : int
    texts : tuple of str
        Derivative, slope, delta.
    """
    order = np.argsort(-np.abs(before.delta), kind="stable")[:CANDIDATES]
    order = np.array([k for k in order if abs(before.delta[k]) >= 0.5 * abs(before.delta[order[0]])])
    slopes = before.slopes
    pairs = [(float(before.by_output[k]), float(slopes[k])) for k in order if np.isfinite(slopes[k])]
    if not pairs:
        return int(order[0]), ("0.00", "0.00", "0.00")
    best, texts = print_product(pairs)
    return int(order[best]), texts

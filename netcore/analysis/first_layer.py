"""One unit of the first layer through training, on one image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block
from netcore.analysis.convolution import output_terms
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.run import Snapshot
from netcore.core.trace import Trace


@dataclass(frozen=True)
class FirstUnit:
    """A neuron or kernel that reads the image, at T snapshots.

    Attributes
    ----------
    block : Block
        The first layer.
    unit : int
    weights : ndarray, shape (T, U, C, h, w)
        Of all U units: h × w is the image's size for a neuron, the kernel's for a convolution.
    bias : ndarray, shape (T, U)
    inputs : ndarray, shape (C, h, w)
        What the unit reads of the image: all of it, or one window.
    rows, columns : ndarray of int
        Its place in the image.
    after : tuple of tuple of (str, float)
        For each snapshot, the value after each function of the layer.
    """

    block: Block
    unit: int
    weights: NDArray[np.floating]
    bias: NDArray[np.floating]
    inputs: NDArray[np.floating]
    rows: NDArray[np.int_]
    columns: NDArray[np.int_]
    after: tuple[tuple[tuple[str, float], ...], ...]

    @property
    def is_kernel(self) -> bool:
        """Whether it is a kernel of a convolution."""
        return self.block.kind == "convolution"

    @property
    def own(self) -> NDArray[np.floating]:
        """Weights of the unit, shape (T, C, h, w)."""
        return self.weights[:, self.unit]

    @property
    def products(self) -> NDArray[np.float64]:
        """Weight × input, shape (T, C, h, w)."""
        return self.own.astype(float) * self.inputs

    @property
    def sums(self) -> NDArray[np.float64]:
        """Sum of the products and the bias, shape (T,)."""
        return np.asarray(self.products.sum((1, 2, 3)) + self.bias[:, self.unit])

    @property
    def cosines(self) -> NDArray[np.float64]:
        """Cosine of the angle between first and last weights, of each unit, shape (U,)."""
        first, last = (w.reshape(len(w), -1).astype(float) for w in (self.weights[0], self.weights[-1]))
        sizes = np.linalg.norm(first, axis=1) * np.linalg.norm(last, axis=1)
        return np.asarray((first * last).sum(1) / np.maximum(sizes, 1e-12))


def first_unit(context: SceneContext, snapshots: Sequence[Snapshot]) -> FirstUnit:
    """Read the unit of the first layer that changed most.

    A neuron is the one whose sum on the image changed most, a kernel the one whose weights did, relative to their size.

    Raises
    ------
    RequirementError
        If the first layer with weights is not a dense layer or convolution that reads the image.
    """
    trace = context.trace(at=snapshots[-1])
    block = next((b for b in graph_of_trace(trace) if b.parameters), None)
    layer = None if block is None else trace[block.main.node]
    if block is None or layer is None or layer.weight is None or not _reads_image(trace, block):
        raise RequirementError(
            f"the first layer of '{context.run_name}' is not a dense layer or convolution on the image: "
            "use weight-distribution"
        )
    name, parameters = layer.weight_name, list(layer.parameter_sizes)
    stored = [context.weights(s, parameters) for s in snapshots]
    bias_name = next((p for p in parameters if p != name and stored[0][p].ndim == 1), "")
    weights = np.stack([w[name] for w in stored])
    bias = np.stack([w[bias_name] for w in stored]) if bias_name else np.zeros(weights.shape[:2], np.float32)
    if block.kind == "convolution":
        change = np.linalg.norm((weights[-1] - weights[0]).reshape(len(weights[0]), -1), axis=1)
        unit = int((change / np.linalg.norm(weights[0].reshape(len(weights[0]), -1), axis=1)).argmax())
        place = np.unravel_index(layer.output[unit].argmax(), layer.output[unit].shape)
        terms = output_terms(layer, trace.input_of(layer), unit, int(place[0]), int(place[1]))
        inputs, rows, columns, at = terms.inputs, terms.rows, terms.columns, (unit, *map(int, place))
    else:
        shape = trace.input.shape
        weights = weights.reshape(*weights.shape[:2], *shape)
        inputs, rows, columns = trace.input, np.arange(shape[1]), np.arange(shape[2])
        ends = np.tensordot(weights[[0, -1]], inputs, axes=3) + bias[[0, -1]]
        unit = int(np.abs(ends[1] - ends[0]).argmax())
        at = (unit,)
    after = tuple(_functions(context.trace(at=s), block, at) for s in (snapshots[0], snapshots[-1]))
    return FirstUnit(block, unit, weights, bias, inputs, rows, columns, after)


def _reads_image(trace: Trace, block: Block) -> bool:
    layer = trace[block.main.node]
    x = trace.input_of(layer)
    same = x.size == trace.input.size and np.array_equal(x.ravel(), trace.input.ravel())
    known = layer.kind in ("Linear", "Conv2d") and block.kind in ("dense", "convolution")  # no patch embedding
    return same and known and (x.ndim == 1 or layer.kind == "Conv2d")


def _functions(trace: Trace, block: Block, at: tuple[int, ...]) -> tuple[tuple[str, float], ...]:
    values = [(term, trace.value(node)) for term, node in block.steps]
    return tuple((term, float(v[at])) for term, v in values[1:] if v.ndim == len(at))


def idle_pixels(context: SceneContext, unit: FirstUnit) -> NDArray[np.bool_] | None:
    """Return the pixels (h, w) that were 0 in all training images and whose weights never changed.

    Returns
    -------
    ndarray or None
        None if the weights of some such pixel changed, the training images are not at hand, or there are none.
    """
    if unit.is_kernel:
        return None
    found = context.images("train")
    zero = (found.images == 0).all((0, 1))
    if found.part != "train" or not zero.any() or unit.inputs[:, zero].any():
        return None
    change = np.abs(unit.weights[-1] - unit.weights[0])[..., zero]
    return zero if change.max() == 0 else None

"""One unit of the first layer through training, on one image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block
from netcore.analysis.convolution import output_terms
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.unit_functions import UnitFunction, unit_functions
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.run import Snapshot
from netcore.core.trace import Trace

NOTHING = 1e-4  # of the largest sum of products: as good as none


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
    after : pair of tuple of UnitFunction
        The functions of the layer after the sum, at the first and at the last snapshot.
    steps : tuple of int
        Training steps of the snapshots.
    """

    block: Block
    unit: int
    weights: NDArray[np.floating]
    bias: NDArray[np.floating]
    inputs: NDArray[np.floating]
    rows: NDArray[np.int_]
    columns: NDArray[np.int_]
    after: tuple[tuple[UnitFunction, ...], ...]
    steps: tuple[int, ...]

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
    def change(self) -> NDArray[np.float64]:
        """Share of the change of its weights that was done by each snapshot, from 0 to 1, shape (T,).

        The change between two snapshots is the length of the difference of the weights; all changes are added up.
        """
        moves = np.linalg.norm(np.diff(self.own.reshape(len(self.own), -1).astype(float), axis=0), axis=1)
        done = np.concatenate([[0.0], np.cumsum(moves)])
        return np.asarray(done / (done[-1] or 1.0))

    @property
    def neighbour_correlations(self) -> NDArray[np.float64]:
        """Correlation of adjacent weights of the unit at each snapshot, shape (T,): about 0 in noise."""
        own = self.own.astype(float)
        pairs = [(own[..., 1:], own[..., :-1]), (own[..., 1:, :], own[..., :-1, :])]
        a, b = (np.concatenate([p[k].reshape(len(own), -1) for p in pairs], axis=1) for k in (0, 1))
        a, b = (v - v.mean(1, keepdims=True) for v in (a, b))
        return np.asarray((a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12))

    def half_of_change(self) -> tuple[int, int]:
        """Return the snapshots between which at least half of the change was done, in the fewest training steps."""
        done = self.change
        spans = [(a, int(b[0])) for a in range(len(done)) if len(b := np.flatnonzero(done >= done[a] + 0.5))]
        return min(spans, key=lambda span: self.steps[span[1]] - self.steps[span[0]])

    @property
    def angles(self) -> NDArray[np.float64]:
        """Angle between first and last weights in degrees, of each unit, shape (U,)."""
        return np.asarray(np.degrees(np.arccos(np.clip(self.cosines, -1, 1))))

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
        place = strongest_place(layer.output[unit] - bias[-1, unit])
        terms = output_terms(layer, trace.input_of(layer), unit, int(place[0]), int(place[1]))
        inputs, rows, columns, at = terms.inputs, terms.rows, terms.columns, (unit, *map(int, place))
    else:
        shape = trace.input.shape
        weights = weights.reshape(*weights.shape[:2], *shape)
        inputs, rows, columns = trace.input, np.arange(shape[1]), np.arange(shape[2])
        ends = np.tensordot(weights[[0, -1]], inputs, axes=3) + bias[[0, -1]]
        unit = int(np.abs(ends[1] - ends[0]).argmax())
        at = (unit,)
    after = tuple(unit_functions(context.trace(at=s), block, at) for s in (snapshots[0], snapshots[-1]))
    return FirstUnit(block, unit, weights, bias, inputs, rows, columns, after, tuple(s.step for s in snapshots))


def strongest_place(sums: NDArray[np.floating]) -> tuple[np.intp, ...]:
    """Return the place of the largest sum of products, or of the smallest if none is above 0."""
    best = sums.argmax() if sums.max() > NOTHING * np.abs(sums).max() else sums.argmin()
    return np.unravel_index(best, sums.shape)


def _reads_image(trace: Trace, block: Block) -> bool:
    layer = trace[block.main.node]
    x = trace.input_of(layer)
    same = x.size == trace.input.size and np.array_equal(x.ravel(), trace.input.ravel())
    known = layer.kind in ("Linear", "Conv2d") and block.kind in ("dense", "convolution")  # no patch embedding
    return same and known and (x.ndim == 1 or layer.kind == "Conv2d")


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

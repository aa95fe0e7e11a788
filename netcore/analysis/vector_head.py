"""Which values are drawn from a vector to the scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.dense_layers import DenseLayer
from netcore.analysis.units import top_k
from netcore.core.trace import Trace

MAX_COLUMNS = 5  # of values and neurons, the classes not counted


@dataclass(frozen=True)
class VectorHead:
    """Columns that are drawn, from the vector to the classes.

    Attributes
    ----------
    values : tuple of ndarray
        All values of each column: the vector, hidden layers, logits.
    index : tuple of ndarray of int
        Those drawn.
    layers : tuple of DenseLayer
        From each column to the next.
    answer, other : int
        The prediction, and the class that it is compared with: the true one if it is wrong, else the runner-up.
    """

    values: tuple[NDArray[np.floating], ...]
    index: tuple[NDArray[np.int_], ...]
    layers: tuple[DenseLayer, ...]
    answer: int
    other: int

    def edges(self, k: int) -> NDArray[np.float64]:
        """Weight × value from each drawn unit of column `k` to each of the next: (T, S)."""
        found: NDArray[np.float64] = self.layers[k].contributions(self.index[k + 1], self.index[k]).astype(float)
        return found

    def rest(self, k: int) -> NDArray[np.float64]:
        """What all other units of column `k` and the bias add to each drawn unit of the next: (T,)."""
        total: NDArray[np.float64] = self.layers[k].z[self.index[k + 1]].astype(float) - self.edges(k).sum(1)
        return total

    @property
    def difference(self) -> tuple[NDArray[np.float64], float]:
        """What each unit before the scores, and the bias, adds to the lead of the answer."""
        layer = self.layers[-1]
        weight, bias = layer.weight.astype(float), layer.bias.astype(float)
        return (weight[self.answer] - weight[self.other]) * layer.inputs, float(bias[self.answer] - bias[self.other])

    def followed(self, k: int) -> int:
        """Drawn unit of column `k`, from 1, that is shown in numbers.

        The answer; of a hidden layer the one that adds most to the lead, or to the unit followed after it.
        """
        last = len(self.layers)
        if k == last:
            return self.answer
        layer = self.layers[k]
        parts = self.difference[0] if k == last - 1 else layer.weight[self.followed(k + 1)] * layer.inputs
        return int(self.index[k][int(np.argmax(parts[self.index[k]]))])

    def parts(self, k: int) -> tuple[NDArray[np.float64], float]:
        """What each unit of column `k` - 1, and the bias, adds to the unit followed in column `k`."""
        layer, unit = self.layers[k - 1], self.followed(k)
        return layer.weight[unit].astype(float) * layer.inputs, float(layer.bias[unit])

    @property
    def lead(self) -> float:
        """Score of the answer − score of the other class."""
        scores = self.values[-1]
        return float(scores[self.answer] - scores[self.other])


def vector_head(
    trace: Trace,
    vector: NDArray[np.floating],
    layers: Sequence[DenseLayer],
    units: int,
    classes: int,
    keep_value: int | None = None,
) -> VectorHead:
    """Choose what is drawn of the vector, the dense layers and the classes.

    Parameters
    ----------
    trace : Trace
    vector : ndarray, shape (F,)
    layers : sequence of DenseLayer
        None if the vector holds the scores.
    units, classes : int
        Drawn per column at most. Units are those that contribute most to the unit followed in the next column, before
        the scores to the lead of the answer; classes the most probable, answer and true class among them.
    keep_value : int, optional
        Value of the vector that is always drawn.
    """
    order = np.argsort(-trace.logits, kind="stable")
    answer = trace.prediction
    wrong = trace.label is not None and trace.label != answer
    other = int(trace.label if wrong and trace.label is not None else next((k for k in order if k != answer), answer))
    keep = {answer, other} | ({trace.label} if trace.label is not None else set())
    index = [top_k(trace.probabilities, max(classes, len(keep)), keep)]
    layers = tuple(layers)
    if not layers:
        return VectorHead((trace.logits,), tuple(index), (), answer, other)
    last = layers[-1]
    parts = (last.weight[answer] - last.weight[other]) * last.inputs
    for k in reversed(range(len(layers))):
        index.insert(0, top_k(parts, units, [] if k or keep_value is None else [keep_value]))
        if k:
            followed = index[0][int(np.argmax(parts[index[0]]))]
            parts = layers[k - 1].weight[followed] * layers[k - 1].inputs
    values = (vector, *(layer.output for layer in layers[:-1]), trace.logits)
    return VectorHead(values, tuple(index), layers, answer, other)

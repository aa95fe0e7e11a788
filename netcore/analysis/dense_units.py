"""Choose which neurons of a dense network are drawn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.answer_path import AnswerPath, difference_terms
from netcore.analysis.dense_layers import DenseLayer
from netcore.analysis.units import top_k
from netcore.core.trace import Trace


def draw_units(
    trace: Trace, layers: Sequence[DenseLayer], path: AnswerPath, max_units: int, max_classes: int
) -> list[NDArray[np.int_]]:
    """Choose the drawn neurons of each column, inputs first.

    Inputs, and neurons of all hidden layers but the last, are ranked by the sum of the magnitudes that they contribute
    to the neurons drawn in the next column; those of the last hidden layer by what they contribute to the difference
    of the two scores; classes by probability.

    Returns
    -------
    list of ndarray of int
        Ascending indices.
    """
    keep = {path.answer, path.other} | ({trace.label} if trace.label is not None else set())
    chosen = [top_k(trace.probabilities, max(max_classes, len(keep)), keep)]
    strength = np.abs(difference_terms(layers[-1], path.answer, path.other)[0])
    for k in reversed(range(len(layers) - 1)):
        chosen.insert(0, top_k(strength, max_units, [path.units[k]]))
        strength = np.abs(layers[k].contributions(chosen[0], np.arange(len(layers[k].inputs)))).sum(0)
    chosen.insert(0, top_k(strength, max_units))
    return chosen

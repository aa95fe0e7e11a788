"""Why a dense network answered as it did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.activations import Function, activation_function, compose_activations
from netcore.analysis.dense_layers import DenseLayer
from netcore.core.errors import RequirementError
from netcore.core.trace import Trace

CANDIDATES = 64  # units of a layer that are tried one by one: those with the largest contributions to the next
TOLERANCE = 1e-3  # of the largest score: what single precision may differ by in a recomputed pass
SOFTMAX = frozenset(["Softmax", "Log-softmax"])


def compared_class(trace: Trace) -> int:
    """Return the class that an answer is compared with: the true one if it is wrong, else the runner-up."""
    if trace.label is not None and trace.label != trace.prediction:
        return trace.label
    order = np.argsort(-trace.logits, kind="stable")
    return int(next(k for k in order if k != trace.prediction))


def difference_terms(layer: DenseLayer, first: int, second: int) -> tuple[NDArray[np.float64], float]:
    """Return what each input of the last layer adds to score `first` − score `second`, and what the biases add.

    Returns
    -------
    terms : ndarray, shape (I,)
    bias : float
    """
    weight, bias = layer.weight.astype(np.float64), layer.bias.astype(np.float64)
    return (weight[first] - weight[second]) * layer.inputs, float(bias[first] - bias[second])


@dataclass(frozen=True)
class AnswerPath:
    """Neurons that decided between the answer and another class.

    Attributes
    ----------
    answer, other : int
        Classes.
    scores : ndarray, shape (K,)
        What the softmax receives.
    units : tuple of int
        Of each hidden layer, the neuron without which the answer's lead would be the smallest.
    effects : tuple of float
        How much of the lead each of them causes: lead − lead with its activation set to 0.
    without : ndarray, shape (K,)
        Scores with the last of them set to 0.
    tried : tuple of bool
        Whether each was found by setting it to 0; else by the largest contribution to the next.
    """

    answer: int
    other: int
    scores: NDArray[np.float64]
    units: tuple[int, ...]
    effects: tuple[float, ...]
    without: NDArray[np.float64]
    tried: tuple[bool, ...] = ()

    @property
    def lead(self) -> float:
        """Score of the answer − score of the other class."""
        return float(self.scores[self.answer] - self.scores[self.other])


def find_answer_path(trace: Trace, layers: Sequence[DenseLayer], functions: Sequence[Function | None]) -> AnswerPath:
    """Find the neurons that decided, layer by layer.

    Each neuron with a large contribution is set to 0 in turn, and the rest of the network is recomputed. Where that is
    not possible, the path is followed backwards by the largest contributions.

    Parameters
    ----------
    trace : Trace
    layers : sequence of DenseLayer
    functions : sequence
        Of each hidden layer, see `hidden_functions`.

    Raises
    ------
    RequirementError
        If the scores are not a plain dense layer's.
    """
    last = layers[-1]
    if not set(last.functions) <= SOFTMAX:
        raise RequirementError(
            f"the output layer must give scores or their softmax, got {' → '.join(last.functions)}: use model-graph"
        )
    scores = last.z.astype(np.float64)
    answer, other = trace.prediction, compared_class(trace)
    lead = scores[answer] - scores[other]
    units, effects = [], []
    for k in range(len(layers) - 1):
        found = _ablate(layers, functions, k) if _is_exact(layers, functions, k, scores) else None
        if found is None:
            units.append(-1)
            effects.append(0.0)
            continue
        candidates, changed = found
        caused = lead - (changed[:, answer] - changed[:, other])
        best = int(caused.argmax())
        units.append(int(candidates[best]))
        effects.append(float(caused[best]))
    tried = tuple(unit >= 0 for unit in units)
    for k in reversed(range(len(units))):
        if units[k] < 0:
            units[k], effects[k] = _follow_back(layers, units, k, answer, other)
    without = scores.copy()
    if units:
        without -= last.weight[:, units[-1]].astype(np.float64) * last.inputs[units[-1]]
    return AnswerPath(answer, other, scores, tuple(units), tuple(effects), without, tried)


def hidden_functions(trace: Trace, layers: Sequence[DenseLayer]) -> list[Function | None]:
    """Return what turns the sums of each hidden layer into activations, None where that is not known."""
    found = []
    for layer in layers[:-1]:
        nodes = [op.node for op in layer.block.operations]
        after = nodes[nodes.index(layer.block.main.node) + 1 :]
        found.append(compose_activations([trace[node] for node in after]))
    return found


def passes_dropout(trace: Trace, layer: DenseLayer) -> bool:
    """Whether the layer is followed by dropout, which is off in a pass."""
    return any("Dropout" in trace[op.node].kind for op in layer.block.operations)


def replay(
    layers: Sequence[DenseLayer], functions: Sequence[Function | None], activations: NDArray[np.floating], start: int
) -> NDArray[np.float64]:
    """Compute scores (N, K) from activations (N, I) that layer `start` receives."""
    value = np.asarray(activations, dtype=np.float64)
    for k in range(start, len(layers)):
        value = value @ layers[k].weight.astype(np.float64).T + layers[k].bias
        if k < len(layers) - 1:
            function = functions[k]
            assert function is not None
            value = function(value)
    return value


def _is_exact(
    layers: Sequence[DenseLayer], functions: Sequence[Function | None], k: int, scores: NDArray[np.float64]
) -> bool:
    """Whether a pass from hidden layer `k` on can be recomputed."""
    if any(function is None for function in functions[k + 1 :]):
        return False
    again = replay(layers, functions, layers[k].output[None], k + 1)[0]
    return bool(np.abs(again - scores).max() <= TOLERANCE * max(1.0, float(np.abs(scores).max())))


def _ablate(
    layers: Sequence[DenseLayer], functions: Sequence[Function | None], k: int
) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Candidates (N,) of hidden layer `k`, and the scores (N, K) with each of them set to 0."""
    activation = layers[k].output.astype(np.float64)
    strength = np.abs(layers[k + 1].weight).sum(0) * np.abs(activation)
    tried = np.sort(np.argsort(-strength, kind="stable")[:CANDIDATES])
    rows = np.repeat(activation[None], len(tried), 0)
    rows[np.arange(len(tried)), tried] = 0.0
    return tried, replay(layers, functions, rows, k + 1)


def _follow_back(
    layers: Sequence[DenseLayer], units: Sequence[int], k: int, answer: int, other: int
) -> tuple[int, float]:
    if k == len(layers) - 2:
        terms = difference_terms(layers[-1], answer, other)[0]
    else:
        terms = layers[k + 1].weight[units[k + 1]].astype(np.float64) * layers[k].output
    best = int(terms.argmax())
    return best, float(terms[best])


@dataclass(frozen=True)
class LargestTerms:
    """The largest terms of a sum, and the sum of all others.

    Attributes
    ----------
    index : ndarray of int
        Places of the terms, the largest magnitude first.
    values : ndarray
    rest : float
    count : int
        Number of the others.
    """

    index: NDArray[np.int_]
    values: NDArray[np.float64]
    rest: float
    count: int


def largest_terms(terms: NDArray[np.floating], limit: int, keep: Sequence[int] = ()) -> LargestTerms:
    """Find the largest terms of a sum; those in `keep` are always among them, and one left over is none."""
    terms = np.asarray(terms, dtype=np.float64)
    limit = len(terms) if len(terms) <= limit + 1 else limit
    order = np.argsort(-np.abs(terms), kind="stable")
    kept = [k for k in keep if k not in order[:limit]]
    index = np.array([*order[: limit - len(kept)], *kept], dtype=int)
    index = index[np.argsort(-np.abs(terms[index]), kind="stable")]
    return LargestTerms(index, terms[index], float(terms.sum() - terms[index].sum()), len(terms) - len(index))


@dataclass(frozen=True)
class ActivationCall:
    """The function of a hidden layer, as far as it is known as a curve.

    Attributes
    ----------
    names : tuple of str
        Terms of all functions: ``("BN", "ReLU")``.
    function : callable or None
        What turns `sums` into the layer's output; None if it is not known.
    sums : ndarray, shape (O,)
        What it receives: the layer's sums, or what a normalization made of them.
    """

    names: tuple[str, ...]
    function: Function | None
    sums: NDArray[np.floating]


def activation_call(trace: Trace, layer: DenseLayer) -> ActivationCall:
    """Find the curve of a hidden layer: all known functions at its end."""
    nodes = [op.node for op in layer.block.operations]
    after = [trace[node] for node in nodes[nodes.index(layer.block.main.node) + 1 :]]
    known = len(after)
    while known and activation_function(after[known - 1]) is not None:
        known -= 1
    tail = after[known:]
    sums = after[known - 1].output.ravel() if known else layer.z
    return ActivationCall(layer.functions, compose_activations(tail) if tail else None, sums)

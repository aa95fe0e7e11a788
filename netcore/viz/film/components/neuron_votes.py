"""What neurons add to the score of one class over another's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.hand_computation import to_decimal
from netcore.core.formatting import format_sum
from netcore.core.trace import LayerTrace
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sum_terms import label_term

MAX_DECIMALS = 6
MAX_LEAD = 13.0  # of two scores: above it, nobody can imagine the ratio of the probabilities


@dataclass(frozen=True)
class NeuronVotes:
    """Terms of the difference between two scores.

    Attributes
    ----------
    inputs : ndarray, shape (N,)
        Activations.
    first, second : ndarray, shape (N,)
        Weights to the score of either class.
    bias : float
        Difference of the biases.
    names : (str, str)
        Of the classes.
    """

    inputs: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    bias: float
    names: tuple[str, str]

    @classmethod
    def read(
        cls, layer: LayerTrace, inputs: NDArray[np.floating], pair: tuple[int, int], names: Sequence[str]
    ) -> "NeuronVotes":
        """Read the weights of a dense layer for two classes."""
        assert layer.weight is not None
        first, second = (layer.weight[k].astype(float) for k in pair)
        bias = 0.0 if layer.bias is None else float(layer.bias[pair[0]]) - float(layer.bias[pair[1]])
        return cls(inputs.astype(float), first, second, bias, (names[0], names[1]))

    @property
    def terms(self) -> NDArray[np.float64]:
        """What each neuron adds to the first score minus the second."""
        return (self.first - self.second) * self.inputs

    def strongest(self, count: int, among: Sequence[int]) -> list[int]:
        """Return the neurons that add most to the first score, of those that are shown."""
        order = np.argsort(-self.terms, kind="stable")[:count]
        return [int(k) for k in order if k in among and self.terms[k] > 0]

    def one(self, k: int) -> tuple[list[Term], str]:
        """Write one neuron's term with as few digits as let the printed result follow from the printed factors."""
        result = f"{self.terms[k]:.2f}".replace("-", "−")
        for d in range(2, MAX_DECIMALS + 1):
            a, u, v = (f"{x:.{d}f}".replace("-", "−") for x in (self.inputs[k], self.first[k], self.second[k]))
            made = to_decimal(a) * (to_decimal(u) - to_decimal(v))
            if f"{made:.2f}".replace("-", "−") == result:
                break
        minus = f"+ {v[1:]}" if v.startswith("−") else f"− {v}"
        words = (f"activation {a}; weight to {self.names[0]}: {u}, to {self.names[1]}: {v};", "muted")
        return [words, f"({u} {minus}) × {a} = {result}"], result

    def odds(self, shares: NDArray[np.floating]) -> list[Term]:
        """Say what the lead makes of the probabilities (2,) of the two classes; nothing if they are not a softmax's."""
        lead = float(self.terms.sum()) + self.bias
        if not 0 < lead < MAX_LEAD or not np.isclose(shares[1] * np.exp(lead), shares[0], rtol=0.02):
            return []
        times, (a, b) = float(f"{np.exp(lead):.2g}"), self.names
        return [f"softmax: {a} is e^{lead:.2f} ≈ {times:,g} times as likely as {b}"]

    def total(self, best: Sequence[int]) -> list[Term]:
        """Write the difference of the scores: some neurons, all others, the biases."""
        terms = self.terms
        rest = float(terms.sum() - terms[list(best)].sum())
        parts, total = format_sum([float(terms[list(best)].sum()), self.bias], rest=rest)
        labels = [f"{len(best)} ringed:", "bias", f"{len(terms) - len(best):,} more:"]
        line: list[Term] = [
            label_term(label, text, k == 0) for k, (label, text) in enumerate(zip(labels, parts, strict=True))
        ]
        line[-1] = (line[-1][0], "muted")  # of both signs
        return [*line, f"= {total} = score {self.names[0]} − score {self.names[1]}"]

"""Class probabilities: PyTorch's softmax, and never certain where it is not."""

import numpy as np
import pytest
import torch

from netcore.core.formatting import format_percent
from netcore.core.probabilities import class_probabilities
from netcore.core.trace import Trace


def test_probabilities_are_torch_softmax() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (6, 4, 10)).astype(np.float32)
    expected = torch.from_numpy(logits).double().softmax(-1).numpy()
    assert np.allclose(class_probabilities(logits), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("largest", [38.0, 100.0, 1000.0])
def test_probabilities_claim_no_certainty(largest: float) -> None:
    logits = np.array([0.0, largest, -3.0])
    assert torch.tensor(logits).softmax(0).max() == 1
    found = class_probabilities(logits)
    assert [format_percent(share) for share in found] == ["< 0.1 %", "> 99.9 %", "< 0.1 %"]
    trace = Trace(np.zeros((1, 2, 2), np.uint8), np.zeros((1, 2, 2), np.float32), (), logits, ("a", "b", "c"))
    assert format_percent(trace.confidence) == "> 99.9 %"


def test_probabilities_of_excluded_classes() -> None:
    """A class of logit −∞ is impossible; the only class left is certain."""
    assert class_probabilities([-np.inf, 3.0]).tolist() == [0, 1]
    assert class_probabilities([[5.0]]).tolist() == [[1]]
    found = class_probabilities([-np.inf, 0.0, 900.0])
    assert found[0] == 0
    assert 0 < found[1] < found[2] < 1

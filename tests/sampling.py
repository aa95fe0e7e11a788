"""Pairs of what tests are parametrised with, of which the short tests take a spread sample."""

from collections.abc import Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def sampled_pairs(first: Sequence[Any], second: Sequence[Any], every: int) -> list[ParameterSet]:
    """Return all pairs; one in `every`, spread over both sequences, is short, the others are marked slow.

    Parameters
    ----------
    first, second : sequence
        Strings, or paths, whose stems are shown.
    every : int
    """
    return [
        pytest.param(a, b, id=f"{_name(a)}-{_name(b)}", marks=[pytest.mark.slow] if (i + j) % every else [])
        for i, a in enumerate(first)
        for j, b in enumerate(second)
    ]


def _name(value: Any) -> str:
    return str(getattr(value, "stem", value))

"""What tests are parametrised with, of which the short tests take a spread sample."""

from collections.abc import Sequence
from typing import Any

import pytest


def sampled_pairs(first: Sequence[Any], second: Sequence[Any], every: int) -> list[Any]:
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


def sampled(values: Sequence[Any], every: int) -> list[Any]:
    """Return all values; one in `every` is short, the others are marked slow."""
    return [pytest.param(v, id=_name(v), marks=[pytest.mark.slow] if i % every else []) for i, v in enumerate(values)]


def _name(value: Any) -> str:
    return str(getattr(value, "stem", None) or getattr(value, "name", None) or value)

"""Typst formulas of a layer."""

from collections.abc import Sequence

from netcore.analysis.network import Dense, _symbol


def hidden_layer_formula(stages: Sequence[Dense]) -> str | None:
    """What every hidden layer computes, in Typst's mathematics; None where there is none or they differ."""
    kinds = {stage.functions for stage in stages[:-1]}
    if len(kinds) != 1:
        return None
    inner = "W^((l)) thin a^((l-1)) + b^((l))"
    for kind in kinds.pop():
        inner = f"{_symbol(kind)}({inner})"
    return f"a^((l)) = {inner}"

"""Sums of how often the weights of blocks are used."""

import math

from netcore.analysis.data_stages import DataFlow, DataStage
from netcore.viz.film.components.data_wording import MAX_GROUPS, shape_text
from netcore.viz.film.components.sum_line import Term


def use_examples(flow: DataFlow) -> list[int]:
    """Numbers of the stages, from 1, whose uses of weights are shown one by one.

    Of the blocks whose weights are all used at several places that with most multiplications, and of those whose
    weights are used once; none if no weight is used more than once.
    """
    if flow.is_used_once:
        return []
    products = {k: stage.multiplications or 0 for k, stage in enumerate(flow.stages, 1) if stage.positions}
    groups = [[k for k in products if (flow.stages[k - 1].positions != 1) == several] for several in (True, False)]
    return [max(group, key=products.__getitem__) for group in groups if groups[0] and group]


def positions_terms(stage: DataStage) -> list[Term]:
    """Write the multiplications of a block as weights times places, and which parameters are no weights."""
    main, n = stage.block.main, stage.positions or 1
    size = main.input_shape[1:] if "Transpose" in main.kind else main.shape[1:]
    places = shape_text(size) if size and math.prod(size) == n else f"{n:,}"
    noun = "place" if n == 1 else "places"
    count = f"{stage.weights:,} weights"
    terms: list[Term] = [f"{count} × {places} {noun} = {stage.multiplications or 0:,} multiplications"]
    others = stage.parameter_count - stage.weights
    if others > 0:
        terms.append((f"     {count} = {weight_text(stage)} {other_text(stage)}", "muted"))
    return terms


def weight_text(stage: DataStage) -> str:
    """Write the weights of a block as a product: ``"64 × 32 × 9"``."""
    product = stage.product
    if not product or stage.weights != product.units * product.inputs * product.taps:
        return f"{stage.weights:,}"
    return " × ".join(f"{n:,}" for n in (product.units, product.inputs, product.taps) if n > 1) or "1"


def other_text(stage: DataStage) -> str:
    """Write the parameters of a block that are no weights: ``"(+ 64 biases + 128 BN = 18,624)"``."""
    product = stage.product
    biases = product.units if product and product.bias else 0
    more = stage.parameter_count - stage.weights - biases
    parts = ([f"{biases:,} biases"] if biases else []) + ([f"{more:,} BN" if biases else f"{more:,}"] if more else [])
    return f"(+ {' + '.join(parts)}: {stage.parameter_count:,} parameters)"


def total_terms(flow: DataFlow) -> list[Term]:
    """Write the sum of all multiplications, as weights times places where they are few."""
    used = [stage for stage in flow.stages if stage.multiplications]
    total = f"{flow.multiplications or 0:,}"
    if len(used) < 2:
        return [f"{total} multiplications"]
    if len(used) <= MAX_GROUPS and not flow.is_used_once and all(stage.positions for stage in used):
        parts = [f"{s.weights:,}" + (f" × {s.positions:,}" if s.positions != 1 else "") for s in used]
        norms = any(op.role == "norm" for stage in flow.stages for op in stage.block.operations)
        words = "weights × places, without batch norm:" if norms else "weights × places:"
        return [(words, "muted"), parts[0], *(f"+ {text}" for text in parts[1:]), f"= {total}"]
    counts = [f"{stage.multiplications:,}" for stage in used]
    return [counts[0], *(f"+ {text}" for text in counts[1:]), f"= {total}"]

"""Terms of a sum line for the functions after a convolution."""

import numpy as np

from netcore.analysis.map_layers import MapLayer
from netcore.analysis.normalization import map_scale_shift
from netcore.core.trace import Trace
from netcore.viz.film.components.cnn_wording import spell
from netcore.viz.film.components.sum_line import BREAK, Term
from netcore.viz.film.components.sums import format_fixed, print_affine


def function_terms(trace: Trace, layer: MapLayer, lowest: bool = True) -> list[Term]:
    """Write what each function makes of the followed value: a normalization in numbers, and ReLU of a negative value.

    Parameters
    ----------
    trace : Trace
    layer : MapLayer
        With `steps`.
    lowest : bool
        Whether to write the smallest value that ReLU makes 0.
    """
    first, *later = layer.steps
    nodes = [node for _, node in layer.block.steps]
    line: list[Term] = [format_fixed(first[1], 2)]
    value = first[1]
    for k, (term, result) in enumerate(later, 1):
        affine = print_norm(trace, layer, nodes[k], value, result) if k == 1 and len(nodes) == len(layer.steps) else []
        line = [f"{spell(term)}:", *affine] if affine else [*line, f"→ {spell(term)} {format_fixed(result, 2)}"]
        value = result
    return [*line, *(_negative(trace, layer, nodes) if lowest else [])]


def print_norm(trace: Trace, layer: MapLayer, node: str, before: float, after: float) -> list[str]:
    """Write a normalization of the followed map as ``x × scale + shift = y``; empty if it is none."""
    norm = next((each for each in trace.layers if each.name == node and "Norm" in each.kind), None)
    found = map_scale_shift(trace, norm, layer.unit) if norm is not None else None
    return print_affine(before, after, found.scale, found.shift) if found else []


def after_sum(trace: Trace, layer: MapLayer) -> list[Term]:
    """Write what the functions of a layer make of the sum of its followed value, in a row of its own."""
    if len(layer.steps) < 2:
        return []
    terms = function_terms(trace, layer, lowest=False)
    return [BREAK, *(terms[1:] if str(terms[1]).startswith("→") else terms)]


def _negative(trace: Trace, layer: MapLayer, nodes: list[str]) -> list[Term]:
    """The smallest value of the followed map, which ReLU makes 0; nothing if there is none."""
    terms = [term for term, _ in layer.steps]
    if terms[-1] != "ReLU" or len(terms) < 2 or len(nodes) != len(terms):
        return []
    values = trace.value(nodes[-2])
    low = float(np.min(values[layer.unit])) if values.ndim == 3 else 0.0
    return [BREAK, (f"smallest value before ReLU: {format_fixed(low, 2)} → 0", "muted")] if low < -0.005 else []

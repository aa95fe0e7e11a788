"""Contributions, weight × activation, of units to the next block."""

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block
from netcore.analysis.convolution import conv_contributions
from netcore.core.trace import Trace


def contributions(trace: Trace, before: Block | None, after: Block) -> NDArray[np.floating] | None:
    """Compute what each unit of a block adds to each unit's sum in the next, summed over the positions of maps.

    Parameters
    ----------
    trace : Trace
    before : Block or None
        None is the image: one source per pixel if `after` is dense, else one for the whole image.
    after : Block

    Returns
    -------
    ndarray, shape (T, S), or None
        None if `after` does not weigh exactly what `before` gives, or is neither dense nor a convolution.
    """
    layer = trace[after.main.node]
    x = trace.input_of(layer)
    given = trace.value(before.output if before else "input")
    if layer.weight is None or x.size != given.size or not np.array_equal(x.ravel(), given.ravel()):
        return None
    if layer.kind == "Linear" and x.ndim == 1:
        parts = layer.weight * x  # (T, features)
        if before is None:
            return parts
        if before.unit_axis is None:
            return parts if before.is_vector else None
        parts = np.moveaxis(parts.reshape(len(parts), *given.shape), before.unit_axis + 1, 1)  # (T, units, …)
        return parts.reshape(*parts.shape[:2], -1).sum(2)
    if layer.kind == "Conv2d" and x.ndim == 3 and layer.settings.get("padding_mode", "zeros") == "zeros":
        parts = conv_contributions(layer, x)
        return parts if before else parts.sum(1, keepdims=True)
    return None


def outgoing_strength(trace: Trace, before: Block, after: Block) -> NDArray[np.floating] | None:
    """Sum of the magnitudes of what each unit adds to the next block, shape (S,); None if not known."""
    parts = contributions(trace, before, after)
    if parts is None or parts.shape[1] != before.unit_count:
        return None
    return np.abs(parts).sum(0)

"""Normalizations as scale and shift of one map."""

from dataclasses import dataclass

import numpy as np

from netcore.core.trace import LayerTrace, Trace

TOLERANCE = 1e-3  # of the largest value: what single precision may cost


@dataclass(frozen=True)
class ScaleShift:
    """What a normalization does to one map of one image: ``y = scale * x + shift``.

    Attributes
    ----------
    scale, shift : float
    learned : bool
        Whether both are the same for every image; else mean and deviation are those of this image.
    """

    scale: float
    shift: float
    learned: bool


def map_scale_shift(trace: Trace, layer: LayerTrace, unit: int) -> ScaleShift | None:
    """Read off how a normalization changes a map; None if it does not change all its values alike.

    Parameters
    ----------
    trace : Trace
    layer : LayerTrace
        Of kind ``BatchNorm2d``, ``GroupNorm``, ``InstanceNorm2d``, ``LayerNorm``, …
    unit : int
        Number of the map, or of the value of a vector.
    """
    x, y = trace.input_of(layer), layer.output
    if x.shape != y.shape or x.ndim not in (1, 3):
        return None
    a, b = x[unit].astype(float).ravel(), y[unit].astype(float).ravel()
    learned = "running_mean" in layer.settings and layer.kind.startswith("BatchNorm")
    if learned:
        variance = float(layer.settings["running_var"][unit]) + float(layer.settings["eps"])
        gamma = 1.0 if layer.weight is None else float(layer.weight[unit])
        beta = 0.0 if layer.bias is None else float(layer.bias[unit])
        scale = gamma / np.sqrt(variance)
        shift = beta - float(layer.settings["running_mean"][unit]) * scale
    elif np.ptp(a) > 0:
        scale, shift = (float(v) for v in np.polyfit(a, b, 1))
    else:
        return None
    error = np.abs(scale * a + shift - b).max(initial=0.0)
    return ScaleShift(scale, shift, learned) if error <= TOLERANCE * max(1.0, float(np.abs(b).max())) else None

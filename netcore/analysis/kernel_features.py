"""What kernels answer to, measured over many images."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.convolution import PAD_MODES, _padding, _pair
from netcore.analysis.window_features import SIDES, feature_correlations, window_features
from netcore.core.trace import LayerTrace, Trace

MAX_IMAGES = 100
MAX_VALUES = 2 * 10**7  # of all maps of all images
CLEAR = 0.6  # correlation from which a feature is named


@dataclass(frozen=True)
class KernelFeatures:
    """Correlations (O,) of the positive part of each map with each feature of its windows, and over how many images.

    A feature is ``ink`` (the mean of a window) or a side of it that is brighter than the opposite one.
    """

    count: int = 0
    correlations: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def name(self, unit: int) -> str:
        """The feature that a kernel answers to, a side before ink; empty if none is clear."""
        clear = {name: float(r[unit]) for name, r in self.correlations.items() if r[unit] >= CLEAR}
        sides = {name: r for name, r in clear.items() if name in SIDES}
        found = sides or clear
        return max(found, key=lambda name: found[name]) if found else ""

    def ranked(self, units: NDArray[np.int_]) -> list[int]:
        """Kernels that answer to a side first, then those that answer to ink, else in the order of `units`."""
        return sorted(map(int, units), key=lambda k: (self.name(k) not in SIDES, not self.name(k)))


def measure_features(trace: Trace, layer: LayerTrace, images: NDArray[np.uint8] | None) -> KernelFeatures:
    """Correlate the maps of a convolution that reads the image with features of its windows.

    Parameters
    ----------
    trace : Trace
        Of one image, from which it is read how pixels become the network's input.
    layer : LayerTrace
        Of kind ``Conv2d``.
    images : ndarray of uint8, shape (N, C, H, W), or None

    Returns
    -------
    KernelFeatures
        Without correlations if the layer reads something else or there are no images of that shape.
    """
    affine = input_scale(trace)
    readable = layer.inputs[:1] == ("input",) and affine is not None and layer.weight is not None
    if images is None or not readable or images.shape[1:] != trace.pixels.shape or _groups(layer) > 1:
        return KernelFeatures()
    assert affine is not None
    count = min(len(images), MAX_IMAGES, max(1, MAX_VALUES // layer.output.size))
    chosen = images[np.linspace(0, len(images) - 1, count).astype(int)]
    scale, shift = (v[:, None, None] for v in affine)
    maps = np.stack([convolve(layer, image * scale + shift) for image in chosen])
    found = [window_features(layer, image / 255) for image in chosen]
    features = {name: np.stack([f[name] for f in found]) for name in found[0]}
    if not features or next(iter(features.values())).shape != (count, *layer.output.shape[1:]):
        return KernelFeatures()
    return KernelFeatures(count, feature_correlations(maps, features))


def input_scale(trace: Trace) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return scale and shift (C,) with which pixels became the network's input; None if they did not so."""
    if trace.pixels.shape != trace.input.shape:
        return None
    scales, shifts = [], []
    for pixels, values in zip(trace.pixels.astype(float), trace.input.astype(float), strict=True):
        varies = float(pixels.std()) > 0
        scale = float(np.cov(pixels.ravel(), values.ravel(), bias=True)[0, 1] / pixels.var()) if varies else 1 / 255
        scales.append(scale)
        shifts.append(float(values.mean() - scale * pixels.mean()))
    found = np.array(scales), np.array(shifts)
    rebuilt = trace.pixels * found[0][:, None, None] + found[1][:, None, None]
    return found if np.allclose(rebuilt, trace.input, atol=1e-4) else None


def convolve(layer: LayerTrace, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Compute the output (O, H, W) of a convolution without groups for an input (I, H, W)."""
    weight, settings = layer.weight, layer.settings
    assert weight is not None
    kernel, dilation = list(weight.shape[2:]), _pair(settings.get("dilation") or 1)
    stride, mode = _pair(settings.get("stride") or 1), settings.get("padding_mode", "zeros")
    pads = _padding(settings.get("padding", 0), kernel, dilation)
    padded = np.pad(x, [(0, 0), *pads], mode=PAD_MODES.get(mode, "constant"))
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, (1, 2))[:, :: stride[0], :: stride[1]]
    taps = windows[..., :: dilation[0], :: dilation[1]]  # (I, rows, columns, kernel rows, kernel columns)
    out = np.tensordot(weight.astype(np.float32), taps.astype(np.float32), ((1, 2, 3), (0, 3, 4)))
    return out if layer.bias is None else out + layer.bias[:, None, None]


def _groups(layer: LayerTrace) -> int:
    return int(layer.settings.get("groups") or 1)

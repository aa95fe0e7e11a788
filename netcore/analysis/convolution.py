"""Contributions of input channels to a convolution's output."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.trace import LayerTrace


def conv_contributions(layer: LayerTrace, x: ArrayLike) -> NDArray[np.floating]:
    """Sum weight × activation over the output's positions, for each pair of channels.

    A tap of the kernel meets a fixed set of positions, so the sum over positions is tap × sum of what it meets.

    Parameters
    ----------
    layer : of kind ``Conv2d`` with zero padding.
    x : array_like, shape (I, H, W)

    Returns
    -------
    ndarray, shape (O, I)
    """
    weight, settings, x = layer.weight, layer.settings, np.asarray(x)
    assert weight is not None
    out, inner, *kernel = weight.shape
    stride, dilation = _pair(settings.get("stride", 1)), _pair(settings.get("dilation", 1))
    padded = np.pad(x, [(0, 0), *_padding(settings.get("padding", 0), kernel, dilation)]).astype(float)
    met = np.empty((len(x), *kernel))
    for tap in np.ndindex(*kernel):
        rows, columns = (
            slice(
                tap[a] * dilation[a], tap[a] * dilation[a] + stride[a] * (layer.output.shape[1 + a] - 1) + 1, stride[a]
            )
            for a in (0, 1)
        )
        met[:, *tap] = padded[:, rows, columns].sum((1, 2))
    groups = len(x) // inner
    parts = np.zeros((out, len(x)))
    for g in range(groups):
        o, i = (slice(g * n // groups, (g + 1) * n // groups) for n in (out, len(x)))
        parts[o, i] = np.einsum("oiyx,iyx->oi", weight[o], met[i])  # (O / groups, I / groups)
    return parts


def _pair(value: object) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    return int(pair[0]), int(pair[-1])


def _padding(value: object, kernel: list[int], dilation: tuple[int, int]) -> list[tuple[int, int]]:
    if value == "same":
        sums = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [(s // 2, s - s // 2) for s in sums]
    return [(p, p) for p in ((0, 0) if value == "valid" else _pair(value))]

"""Features of windows: ink in them, or on one side."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.convolution import _padding, _pair
from netcore.core.trace import LayerTrace

SIDES = ("above", "below", "left", "right")


def window_features(layer: LayerTrace, x: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Measure the mean of every window, and how much brighter one side of it is than the opposite one.

    Parameters
    ----------
    layer : LayerTrace
        Of kind ``Conv2d``.
    x : array_like, shape (C, H, W)
        Its input; channels are averaged.

    Returns
    -------
    dict
        ``ink`` and, for windows of several rows and columns, ``above``, ``below``, ``left``, ``right``: the positive
        part of the difference of outer rows or columns, each of the shape of an output map; empty for other kinds.
    """
    if layer.kind != "Conv2d" or layer.weight is None:
        return {}
    kernel = list(layer.weight.shape[2:])
    dilation = _pair(layer.settings.get("dilation") or 1)
    stride = _pair(layer.settings.get("stride") or 1)
    padded = np.pad(np.asarray(x, float).mean(0), _padding(layer.settings.get("padding", 0), kernel, dilation))
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach)[:: stride[0], :: stride[1]]
    windows = windows[..., :: dilation[0], :: dilation[1]]
    found = {"ink": windows.mean((2, 3))}
    if min(kernel) > 1:
        outer = (windows[..., 0, :], windows[..., -1, :], windows[..., 0], windows[..., -1])
        means = dict(zip(SIDES, (part.mean(2) for part in outer), strict=True))
        opposite = dict(zip(SIDES, (SIDES[1], SIDES[0], SIDES[3], SIDES[2]), strict=True))
        found |= {side: np.maximum(means[side] - means[opposite[side]], 0) for side in SIDES}
    return found


def feature_correlations(maps: ArrayLike, features: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Correlate the positive part of each map with each feature.

    Parameters
    ----------
    maps : array_like, shape (N, H, W) or (images, N, H, W)
    features : dict
        As `window_features` gives them; with images, each of shape (images, H, W).

    Returns
    -------
    dict
        Correlation coefficients (N,) by feature; 0 for a map or feature that is the same everywhere.
    """
    values = np.maximum(np.asarray(maps, float), 0)
    values = np.moveaxis(values, -3, 0).reshape(values.shape[-3], -1)
    return {name: _correlations(values, np.asarray(feature).ravel()) for name, feature in features.items()}


def _correlations(rows: NDArray[np.float64], one: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = rows - rows.mean(1, keepdims=True), one - one.mean()
    size = np.sqrt((a**2).sum(1) * (b**2).sum())
    return np.where(size > 1e-12, (a @ b) / np.maximum(size, 1e-12), 0.0)

"""Terms of a convolution's output: by channel, and of single values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.trace import LayerTrace

NOWHERE = -(10**6)  # place of a tap that meets no input
PAD_MODES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # PyTorch's: NumPy's


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


@dataclass(frozen=True)
class OutputTerms:
    """What one value of a convolution's output is computed from.

    Attributes
    ----------
    unit, row, column : int
        Place of the value in the output.
    channels : ndarray of int, shape (I,)
        Input maps that are read: those of the unit's group.
    weights, inputs : ndarray, shape (I, kernel rows, kernel columns)
        Taps of the kernel, and the values under them; what the padding gives is among them.
    rows, columns : ndarray of int, shapes (kernel rows,), (kernel columns,)
        Places of the taps in the input; those outside of it are padding.
    bias : float
        0 if the layer has none.
    """

    unit: int
    row: int
    column: int
    channels: NDArray[np.int_]
    weights: NDArray[np.floating]
    inputs: NDArray[np.floating]
    rows: NDArray[np.int_]
    columns: NDArray[np.int_]
    bias: float

    @property
    def products(self) -> NDArray[np.float64]:
        """Weight × input, of the shape of both."""
        return self.weights.astype(float) * self.inputs

    @property
    def partial_sums(self) -> NDArray[np.float64]:
        """Sum of the products of each input map: (I,)."""
        return self.products.sum((1, 2))

    @property
    def total(self) -> float:
        """The value: all products and the bias."""
        return float(self.products.sum() + self.bias)


def output_terms(layer: LayerTrace, x: ArrayLike, unit: int, row: int, column: int) -> OutputTerms:
    """Read off the weights and inputs of one output value.

    Parameters
    ----------
    layer : LayerTrace
        Of kind ``Conv2d`` or ``ConvTranspose2d``.
    x : array_like, shape (I, H, W)
        Input of the layer.
    unit, row, column : int
        Place of the value in the output.
    """
    x, weight, settings = np.asarray(x), layer.weight, layer.settings
    assert weight is not None
    groups = int(settings.get("groups") or 1)
    transposed = layer.kind.startswith("ConvTranspose")
    out = weight.shape[1] * groups if transposed else len(weight)
    group = unit * groups // out
    channels = np.arange(group * len(x) // groups, (group + 1) * len(x) // groups)
    kernel = weight[channels, unit - group * out // groups] if transposed else weight[unit]
    places = _tap_places(settings, kernel.shape[1:], (row, column), transposed)
    padded, offset = _pad_input(settings, x[channels], kernel.shape[1:], transposed)
    taps = [places[a] + offset[a] for a in (0, 1)]
    inside = [(t >= 0) & (t < padded.shape[1 + a]) for a, t in enumerate(taps)]
    values = padded[:, np.clip(taps[0], 0, padded.shape[1] - 1)][:, :, np.clip(taps[1], 0, padded.shape[2] - 1)]
    values = np.where(inside[0][:, None] & inside[1], values, 0)
    bias = 0.0 if layer.bias is None else float(layer.bias[unit])
    return OutputTerms(unit, row, column, channels, kernel, values, places[0], places[1], bias)


def _tap_places(
    settings: Mapping[str, Any], kernel: Sequence[int], at: tuple[int, int], transposed: bool
) -> list[NDArray[np.int_]]:
    """Rows and columns of the input that the taps meet; far outside where a transposed kernel meets none."""
    stride, dilation = _pair(settings.get("stride") or 1), _pair(settings.get("dilation") or 1)
    padding = _padding(settings.get("padding", 0), list(kernel), dilation)
    out = []
    for a in (0, 1):
        taps = np.arange(kernel[a]) * dilation[a]
        if transposed:
            place, rest = np.divmod(at[a] + padding[a][0] - taps, stride[a])
            out.append(np.where(rest == 0, place, NOWHERE))
        else:
            out.append(at[a] * stride[a] - padding[a][0] + taps)
    return out


def _pad_input(
    settings: Mapping[str, Any], x: NDArray[Any], kernel: Sequence[int], transposed: bool
) -> tuple[NDArray[Any], tuple[int, int]]:
    """Input with its padding, and how many rows and columns were added before it."""
    mode = settings.get("padding_mode", "zeros")
    if transposed or mode == "zeros":
        return x, (0, 0)  # what lies outside counts as 0
    padding = _padding(settings.get("padding", 0), list(kernel), _pair(settings.get("dilation") or 1))
    return np.pad(x, [(0, 0), *padding], mode=PAD_MODES[mode]), (padding[0][0], padding[1][0])


def _pair(value: object) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    return int(pair[0]), int(pair[-1])


def _padding(value: object, kernel: list[int], dilation: tuple[int, int]) -> list[tuple[int, int]]:
    if value == "same":
        sums = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [(s // 2, s - s // 2) for s in sums]
    return [(p, p) for p in ((0, 0) if value == "valid" else _pair(value))]


def inputs_under_tap(layer: LayerTrace, x: ArrayLike, channel: int, tap: tuple[int, int]) -> NDArray[np.floating]:
    """Return the input value that one kernel weight meets in each window, 0 in the padding: (H, W) of the output.

    Parameters
    ----------
    layer : of kind ``Conv2d`` with zero padding.
    x : array_like, shape (I, H, W)
    channel : int
    tap : (int, int)
        Row and column of the weight in its kernel.
    """
    settings, values = layer.settings, np.asarray(x)[channel]
    stride, dilation = _pair(settings.get("stride") or 1), _pair(settings.get("dilation") or 1)
    kernel = list(layer.weight.shape[2:]) if layer.weight is not None else [1, 1]
    padded = np.pad(values, _padding(settings.get("padding") or 0, kernel, dilation))
    rows, columns = (
        slice(t * d, t * d + s * (n - 1) + 1, s)
        for t, d, s, n in zip(tap, dilation, stride, layer.output.shape[1:], strict=True)
    )
    found: NDArray[np.floating] = padded[rows, columns]
    return found

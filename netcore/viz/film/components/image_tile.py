"""The image of a trace, and the kernels that read it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.cnn_stages import Stage
from netcore.analysis.examples import WindowExample
from netcore.core.trace import Trace
from netcore.viz.colors import image_colors
from netcore.viz.film.components.feature_maps import abs_max, map_rgb
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

KERNEL_GAP = 0.2  # between kernels, as a share of their pitch
CHANNELS = {1: "gray", 3: "red, green, blue"}


def input_range(trace: Trace) -> list[tuple[float, float]]:
    """Return what black and white, 0 and 255, become in each channel of the network's input."""
    out = []
    for pixels, values in zip(trace.pixels, trace.input, strict=False):
        a, b = pixels.astype(float).ravel(), values.astype(float).ravel()
        slope = np.cov(a, b, bias=True)[0, 1] / a.var() if a.var() else 1 / 255
        low = float(b.mean() - slope * a.mean())
        out.append((round(low, 4) + 0.0, round(float(low + 255 * slope), 4) + 0.0))
    return out


def input_grid(theme: Theme, trace: Trace, area: Area) -> MapGrid:
    """Make the tile of the image, with the scale of its numbers if it has one channel."""
    c, h, w = trace.pixels.shape
    title = f"{h} × {w} pixels" + (": red, green, blue" if c == 3 else "")
    ends = input_range(trace)[0] if c == 1 and len(trace.input) == 1 else None
    values = trace.input.mean(0, keepdims=True)
    grid = MapGrid(
        theme, values, area, [0], title, rgb=image_colors(theme, trace.pixels)[None], signed=False, ends=ends
    )
    grid.label = f"image of {h} × {w}"
    return grid


def kernel_grid(theme: Theme, weight: NDArray[np.floating] | None, area: Area, index: Sequence[int]) -> list[MapGrid]:
    """Make the tiles of all kernels, the slices of several channels side by side; none if there are more than three.

    Parameters
    ----------
    theme : Theme
    weight : ndarray, shape (O, I, kernel rows, kernel columns)
    area : Area
    index : sequence of int
        Kernels that are shown, the followed one first.
    """
    if weight is None:
        return []
    count, channels, h, w = weight.shape
    if channels > len(CHANNELS[3].split(", ")) or max(index) >= count:
        return []
    slices = weight.transpose(0, 2, 1, 3).reshape(count, h, channels * w)
    size = f"{h} × {w}" if channels == 1 else f"{channels} × {h} × {w}"
    return [MapGrid(theme, slices, area, index, f"{count:,} kernels of {size}", signed=True, gap=KERNEL_GAP)]


def window_colors(
    theme: Theme, trace: Trace, stage: Stage, example: WindowExample
) -> tuple[NDArray[np.float64], tuple[float, float] | None]:
    """Colours of the values in a window (I, kernel rows, kernel columns, 3), and the ends of their scale."""
    inputs = example.terms.inputs
    if stage.reads is trace.input and len(inputs) == len(trace.pixels):
        ranges = input_range(trace)
        low, high = (np.array(side)[:, None, None] for side in zip(*ranges, strict=True))
        shares = (inputs - low) / np.where(high == low, 1, high - low)
        return theme.activation_colors(shares), ranges[0] if len(set(ranges)) == 1 else None
    vmax, signed = abs_max(stage.reads), bool((stage.reads < 0).any())
    return map_rgb(theme, inputs, vmax, signed), (-vmax if signed else 0.0, vmax)

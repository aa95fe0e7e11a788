"""Axes, tick labels and colour bars."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import Colormap
from matplotlib.ticker import FuncFormatter, MaxNLocator

from netcore.core.formatting import format_number
from netcore.viz.mpl.boxes import Box, figure_box
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_subtitle, add_text, ellipsize, text_width


def add_axes(fig: ThemedFigure, box: Box, **settings: Any) -> Axes:
    """Axes whose frame is `box`."""
    whole = figure_box(fig)
    return fig.add_axes((box.x / whole.w, 1 - (box.y + box.h) / whole.h, box.w / whole.w, box.h / whole.h), **settings)


def add_chart(
    fig: ThemedFigure,
    box: Box,
    title: str = "",
    note: str = "",
    *,
    x: str = "",
    left: float = 46,
    bottom: float = 0,
    grid: Any = "y",
    **settings: Any,
) -> Axes:
    """Axes with room inside `box` for tick labels (`left`, `bottom`), the title above and the axis label `x` below."""
    ax = add_axes(fig, box.inset(left, 32 if title else 8, 8, (bottom or 26) + (20 if x else 0)), **settings)
    if title:
        add_subtitle(fig, box, title, note)
    ax.set_xlabel(x)
    ax.tick_params(length=0, pad=6)
    ax.spines[["left"]].set_visible(False)
    if grid:
        ax.grid(axis=grid)
    return ax


def fit_class_labels(fig: ThemedFigure, names: Sequence[str], room: float) -> tuple[list[str], int, float]:
    """How classes are named below `room` units each: the names, their rotation in degrees, the height they take."""
    longest = max(text_width(fig, name) for name in names)
    if longest <= room:
        return list(names), 0, 26.0
    if room < 16:
        return [""] * len(names), 0, 26.0
    return [ellipsize(fig, name, 90) for name in names], 90, min(longest, 90) + 12


def format_axis_percent(axis: Axis, nbins: int = 6) -> None:
    """Label an axis of shares in per cent."""
    axis.set_major_locator(MaxNLocator(nbins=nbins, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))


def add_colorbar(
    fig: ThemedFigure,
    box: Box,
    cmap: Colormap,
    low: float,
    high: float,
    label: str,
    *,
    clipped: bool = False,
    ends: tuple[str, str] | None = None,
) -> Axes:
    """A horizontal scale in `box`, its strip 8 units high: `label` above, the ends and zero (or words) below.

    `clipped`: some values lie outside, and take the end's colour; the ends say so with ≤ and ≥.
    """
    theme = fig.theme
    add_text(fig, box.x, box.y, label, color=theme.muted)
    ax = add_axes(fig, Box(box.x, box.y + 21, box.w, 8), xlim=(low, high), ylim=(0, 1), yticks=[])
    strip = np.linspace(low, high, 256)[None]
    ax.imshow(strip, cmap=cmap, aspect="auto", extent=(low, high, 0, 1), vmin=low, vmax=high)
    first, last = ends or (format_number(low), format_number(high))
    if clipped:
        first, last = f"≤ {first}" if low < 0 else first, f"≥ {last}"
    marks = {low: first} | ({0.0: "0"} if low < 0 < high and not ends else {}) | {high: last}
    ax.set_xticks(list(marks), list(marks.values()))
    for text, side in zip(ax.get_xticklabels(), ["left", *["center"] * (len(marks) - 2), "right"], strict=True):
        text.set_horizontalalignment(side)
    ax.tick_params(length=0, pad=4)
    ax.spines[:].set(visible=True, color=theme.faint)
    return ax

"""Axes, tick labels and colour bars."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import Colormap
from matplotlib.ticker import FuncFormatter, MaxNLocator

from netcore.core.formatting import format_number, format_percent_tick
from netcore.viz.mpl.boxes import Box, figure_box
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_subtitle, add_text, ellipsize, text_width


def add_axes(fig: ThemedFigure, box: Box, **settings: Any) -> Axes:
    """Add axes whose frame is `box`."""
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
    grid: Literal["x", "y", "both", ""] = "y",
    **settings: Any,
) -> Axes:
    """Add axes inside `box` with a title above, an axis label `x` below, and margins for tick labels."""
    ax = add_axes(fig, box.inset(left, 32 if title else 8, 8, (bottom or 26) + (20 if x else 0)), **settings)
    if title:
        add_subtitle(fig, box, title, note)
    ax.set_xlabel(x)
    ax.tick_params(length=0, pad=6)
    ax.spines[["left"]].set_visible(False)
    if grid:
        ax.grid(axis=grid)
    return ax


def fit_class_labels(fig: ThemedFigure, names: Sequence[str], max_width: float) -> tuple[list[str], int, float]:
    """Fit class names into `max_width` units each: return the labels, their rotation in degrees, and their height."""
    longest = max(text_width(fig, name) for name in names)
    if longest <= max_width:
        return list(names), 0, 26.0
    if max_width < 16:
        return [""] * len(names), 0, 26.0
    return [ellipsize(fig, name, 90) for name in names], 90, min(longest, 90) + 12


def format_axis_percent(axis: Axis, nbins: int = 6) -> None:
    """Label an axis of shares in per cent."""
    axis.set_major_locator(MaxNLocator(nbins=nbins, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: format_percent_tick(share)))


def add_colorbar(
    fig: ThemedFigure,
    box: Box,
    cmap: Colormap,
    vmin: float,
    vmax: float,
    label: str,
    *,
    clipped: bool = False,
) -> Axes:
    """Add a horizontal colour bar.

    Parameters
    ----------
    fig : ThemedFigure
    box : Box
        The label is at its top, the strip, 8 units high, below, then the tick labels.
    cmap : Colormap
    vmin, vmax : float
        Values at the ends.
    label : str
    clipped : bool
        Whether values outside exist; the ends are then labelled ≤ and ≥.
    """
    theme = fig.theme
    add_text(fig, box.x, box.y, label, color=theme.muted)
    ax = _add_strip(fig, Box(box.x, box.y + 21, box.w, 8), cmap, vmin, vmax)
    first, last = _end_labels(vmin, vmax, clipped)
    marks = {vmin: first} | ({0.0: "0"} if vmin < 0 < vmax else {}) | {vmax: last}
    ax.set_xticks(list(marks), list(marks.values()))
    labels = ax.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    labels[-1].set_horizontalalignment("right")
    ax.tick_params(length=0, pad=4)
    return ax


def add_scale_line(
    fig: ThemedFigure, box: Box, cmap: Colormap, vmin: float, vmax: float, clipped: bool = False
) -> Axes:
    """Add a colour bar in one line of text: the least value, the strip, the largest value."""
    low, high = _end_labels(vmin, vmax, clipped)
    left, right = text_width(fig, low) + 6, text_width(fig, high) + 6
    add_text(fig, box.x, box.y, low, color=fig.theme.muted)
    add_text(fig, box.x + box.w, box.y, high, ha="right", color=fig.theme.muted)
    place = Box(box.x + left, box.y + 2, max(box.w - left - right, 8), 8)
    ax = _add_strip(fig, place, cmap, vmin, vmax)
    ax.set_xticks([])
    return ax


def _end_labels(vmin: float, vmax: float, clipped: bool) -> tuple[str, str]:
    first, last = format_number(vmin), format_number(vmax)
    return (f"≤ {first}" if vmin < 0 else first, f"≥ {last}") if clipped else (first, last)


def _add_strip(fig: ThemedFigure, box: Box, cmap: Colormap, vmin: float, vmax: float) -> Axes:
    ax = add_axes(fig, box, xlim=(vmin, vmax), ylim=(0, 1), yticks=[])
    strip = np.linspace(vmin, vmax, 256)[None]
    ax.imshow(strip, cmap=cmap, aspect="auto", extent=(vmin, vmax, 0, 1), vmin=vmin, vmax=vmax)
    ax.spines[:].set(visible=True, color=fig.theme.faint)
    return ax

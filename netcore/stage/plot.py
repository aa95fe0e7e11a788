"""The Matplotlib kit: figures measured in units, so that one layout serves every size.

A figure is `UNITS` (800) units wide, whatever its pixels; a unit is a Matplotlib point, so `fontsize=14` is 14 px in a
picture that is 800 px wide and grows with it. Boxes are in units, y counted downwards from the top.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from netcore.core.formatting import format_number
from netcore.stage.theme import FONT, MONO, Theme

UNITS = 800.0  # width of every figure
PLAIN = 1e-4, 1e7  # smaller and larger numbers are written with a power of ten
POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALL, LABEL, TITLE = 14, 15, 20  # font sizes; nothing is smaller than SMALL
MARGIN = 24.0


def new_figure(theme: Theme, size_px: tuple[int, int] = (1280, 720)) -> Figure:
    """Make an empty figure of exactly `size_px` pixels with an Agg canvas; its theme is ``fig.theme``."""
    width, height = size_px
    dpi = 72 * width / UNITS
    fig = Figure(figsize=((width + 0.01) / dpi, (height + 0.01) / dpi), dpi=dpi, facecolor=theme.ground)
    FigureCanvasAgg(fig)
    fig.theme = theme  # type: ignore[attr-defined]
    return fig


def style(theme: Theme) -> AbstractContextManager[None]:
    """Matplotlib's settings while a figure is drawn and saved: ``with style(theme): draw(fig, case)``."""
    settings = {
        "font.family": FONT,
        "font.monospace": [MONO],
        "font.size": SMALL,
        "mathtext.fontset": "dejavusans",
        "text.color": theme.ink,
        "axes.facecolor": "none",
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.ink,
        "axes.labelsize": SMALL,
        "axes.titlesize": LABEL,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "grid.color": theme.faint,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.frameon": False,
        "legend.fontsize": SMALL,
        "lines.linewidth": 2.0,
        "lines.solid_capstyle": "round",
        "figure.facecolor": theme.ground,
        "savefig.facecolor": theme.ground,
        "savefig.dpi": "figure",
        "svg.hashsalt": "netcore",  # the same picture gives the same file
        "pdf.fonttype": 42,  # letters that can be searched and copied
    }
    return mpl.rc_context(settings)


# ---- places, in units


@dataclass(frozen=True)
class Box:
    """A rectangle in units: left, top (downwards), width, height."""

    x: float
    y: float
    w: float
    h: float

    def inset(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Box":
        """The box without these margins."""
        return Box(self.x + left, self.y + top, self.w - left - right, self.h - top - bottom)

    def columns(self, *weights: float, gap: float = 20) -> list["Box"]:
        """Boxes side by side, their widths as `weights`."""
        unit = (self.w - gap * (len(weights) - 1)) / sum(weights)
        starts = np.cumsum([0, *(w * unit + gap for w in weights)])
        return [Box(self.x + float(s), self.y, w * unit, self.h) for s, w in zip(starts, weights, strict=False)]

    def rows(self, *weights: float, gap: float = 20) -> list["Box"]:
        """Boxes one below the other, their heights as `weights`."""
        turned = Box(self.y, self.x, self.h, self.w).columns(*weights, gap=gap)
        return [Box(b.y, b.x, b.h, b.w) for b in turned]


def page(fig: Figure) -> Box:
    """The whole figure."""
    return Box(0, 0, UNITS, UNITS * fig.bbox.height / fig.bbox.width)


def add_axes(fig: Figure, box: Box, **settings: Any) -> Axes:
    """Axes whose frame is `box`."""
    whole = page(fig)
    return fig.add_axes((box.x / whole.w, 1 - (box.y + box.h) / whole.h, box.w / whole.w, box.h / whole.h), **settings)


def write(fig: Figure, x: float, y: float, text: str, **settings: Any) -> Text:
    """Text at (x, y) in units, left-aligned and below y unless told otherwise."""
    whole = page(fig)
    settings = {"ha": "left", "va": "top", "fontsize": SMALL, "color": fig.theme.ink} | settings  # type: ignore[attr-defined]
    return fig.text(x / whole.w, 1 - y / whole.h, text, **settings)


def width(fig: Figure, text: str, fontsize: float = SMALL, weight: str = "normal") -> float:
    """Width of a text in units."""
    return _width(text, fontsize, weight, fig.dpi)


@lru_cache(10_000)
def _width(text: str, fontsize: float, weight: str, dpi: float) -> float:
    fig = Figure(figsize=(1, 1), dpi=dpi)
    probe = Text(0, 0, text, fontsize=fontsize, fontweight=weight, fontfamily=FONT, figure=fig)
    return probe.get_window_extent(RendererAgg(1, 1, dpi)).width * 72 / dpi


def fit(
    fig: Figure, text: str, room: float, fontsize: float = SMALL, weight: str = "normal", keep: str = "start"
) -> str:
    """The text, or as much of its start (or its end, by `keep`) as fits into `room` units, with an ellipsis."""
    if len(text) * fontsize * 0.9 <= room or width(fig, text, fontsize, weight) <= room:  # hardly a letter is wider
        return text

    def cut(count: int) -> str:
        return "…" + text[len(text) - count :].lstrip("._") if keep == "end" else text[:count].rstrip(" ·,") + "…"

    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(fig, cut(middle), fontsize, weight) <= room else (low, middle - 1)
    return cut(low)


def heading(fig: Figure, title: str, note: str = "", aside: float = 0) -> tuple[Box, Text]:
    """Title and one line of note at the top left; give the box that is left for the body, and the note's artist.

    `aside` units to the right of the title are left free.
    """
    whole = page(fig)
    room = whole.w - 2 * MARGIN
    write(fig, MARGIN, 16, fit(fig, title, room - aside, TITLE, "bold"), fontsize=TITLE, fontweight="bold")
    line = write(fig, MARGIN, 46, fit(fig, note, room), color=fig.theme.muted)  # type: ignore[attr-defined]
    return whole.inset(MARGIN, 78, MARGIN, 18), line


def subtitle(fig: Figure, box: Box, title: str, note: str = "") -> None:
    """A panel's title at the top left of its box, in bold, and what belongs to it (a unit) behind."""
    title = fit(fig, title, box.w, LABEL, "bold")
    write(fig, box.x, box.y, title, fontsize=LABEL, fontweight="bold")
    start = width(fig, title, LABEL, "bold") + 8
    if note and box.w - start > 40:
        muted = fig.theme.muted  # type: ignore[attr-defined]
        write(fig, box.x + start, box.y + 0.8, fit(fig, note, box.w - start), color=muted)


def legend(fig: Figure, entries: dict[str, str], right: float = UNITS - MARGIN, y: float = 22) -> None:
    """Names in their colours (name: colour), one line that ends at `right`."""
    for name, colour in reversed(entries.items()):
        right -= width(fig, name)
        write(fig, right, y, name, color=colour)
        write(fig, right - 20, y, "●", color=colour)
        right -= 40


def chart(
    fig: Figure,
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
        subtitle(fig, box, title, note)
    ax.set_xlabel(x)
    ax.tick_params(length=0, pad=6)
    ax.spines[["left"]].set_visible(False)
    if grid:
        ax.grid(axis=grid)
    return ax


def class_labels(fig: Figure, names: Sequence[str], room: float) -> tuple[list[str], int, float]:
    """How classes are named below `room` units each: the names, their rotation in degrees, the height they take."""
    longest = max(width(fig, name) for name in names)
    if longest <= room:
        return list(names), 0, 26.0
    if room < 16:
        return [""] * len(names), 0, 26.0
    return [fit(fig, name, 90) for name in names], 90, min(longest, 90) + 12


def percents(axis: Axis, nbins: int = 6) -> None:
    """Label an axis of shares in per cent."""
    axis.set_major_locator(MaxNLocator(nbins=nbins, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))


def colour_bar(
    fig: Figure,
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
    theme = fig.theme  # type: ignore[attr-defined]
    write(fig, box.x, box.y, label, color=theme.muted)
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

"""Text, headings and legends of a figure."""

from functools import lru_cache
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from netcore.viz.mpl.boxes import Box, figure_box
from netcore.viz.mpl.style import FIGURE_WIDTH, LABEL, MARGIN, SMALL, TITLE, ThemedFigure
from netcore.viz.theme import FONT


def add_text(fig: ThemedFigure, x: float, y: float, text: str, **settings: Any) -> Text:
    """Text at (x, y) in units, left-aligned and below y unless told otherwise."""
    whole = figure_box(fig)
    settings = {"ha": "left", "va": "top", "fontsize": SMALL, "color": fig.theme.foreground} | settings
    return fig.text(x / whole.w, 1 - y / whole.h, text, **settings)


def text_width(fig: ThemedFigure, text: str, fontsize: float = SMALL, weight: str = "normal") -> float:
    """Width of a text in units."""
    return _width(text, fontsize, weight, fig.dpi)


@lru_cache(10_000)
def _width(text: str, fontsize: float, weight: str, dpi: float) -> float:
    fig = Figure(figsize=(1, 1), dpi=dpi)
    probe = Text(0, 0, text, fontsize=fontsize, fontweight=weight, fontfamily=FONT, figure=fig)
    return probe.get_window_extent(RendererAgg(1, 1, dpi)).width * 72 / dpi


def ellipsize(
    fig: ThemedFigure, text: str, room: float, fontsize: float = SMALL, weight: str = "normal", keep: str = "start"
) -> str:
    """The text, or as much of its start (or its end, by `keep`) as fits into `room` units, with an ellipsis."""
    if (
        len(text) * fontsize * 0.9 <= room or text_width(fig, text, fontsize, weight) <= room
    ):  # hardly a letter is wider
        return text

    def cut(count: int) -> str:
        return "…" + text[len(text) - count :].lstrip("._") if keep == "end" else text[:count].rstrip(" ·,") + "…"

    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(fig, cut(middle), fontsize, weight) <= room else (low, middle - 1)
    return cut(low)


def add_heading(fig: ThemedFigure, title: str, note: str = "", aside: float = 0) -> tuple[Box, Text]:
    """Title and one line of note at the top left; give the box that is left for the body, and the note's artist.

    `aside` units to the right of the title are left free.
    """
    whole = figure_box(fig)
    room = whole.w - 2 * MARGIN
    add_text(fig, MARGIN, 16, ellipsize(fig, title, room - aside, TITLE, "bold"), fontsize=TITLE, fontweight="bold")
    line = add_text(fig, MARGIN, 46, ellipsize(fig, note, room), color=fig.theme.muted)
    return whole.inset(MARGIN, 78, MARGIN, 18), line


def add_subtitle(fig: ThemedFigure, box: Box, title: str, note: str = "") -> None:
    """A panel's title at the top left of its box, in bold, and what belongs to it (a unit) behind."""
    title = ellipsize(fig, title, box.w, LABEL, "bold")
    add_text(fig, box.x, box.y, title, fontsize=LABEL, fontweight="bold")
    start = text_width(fig, title, LABEL, "bold") + 8
    if note and box.w - start > 40:
        muted = fig.theme.muted
        add_text(fig, box.x + start, box.y + 0.8, ellipsize(fig, note, box.w - start), color=muted)


def add_color_legend(
    fig: ThemedFigure, entries: dict[str, str], right: float = FIGURE_WIDTH - MARGIN, y: float = 22
) -> None:
    """Names in their colours (name: colour), one line that ends at `right`."""
    for name, color in reversed(entries.items()):
        right -= text_width(fig, name)
        add_text(fig, right, y, name, color=color)
        add_text(fig, right - 20, y, "●", color=color)
        right -= 40

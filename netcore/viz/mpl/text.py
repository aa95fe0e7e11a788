"""Text, headings and legends of a figure."""

from functools import lru_cache
from typing import Any, Literal

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from netcore.viz.mpl.boxes import Box, figure_box
from netcore.viz.mpl.style import FIGURE_WIDTH, LABEL, MARGIN, SMALL, TITLE, ThemedFigure
from netcore.viz.theme import FONT


def add_text(fig: ThemedFigure, x: float, y: float, text: str, **settings: Any) -> Text:
    """Add text at (x, y) in units; by default (x, y) is its upper left corner."""
    whole = figure_box(fig)
    defaults: dict[str, Any] = {"ha": "left", "va": "top", "fontsize": SMALL, "color": fig.theme.foreground}
    return fig.text(x / whole.w, 1 - y / whole.h, text, **(defaults | settings))


def text_width(fig: ThemedFigure, text: str, fontsize: float = SMALL, weight: str = "normal") -> float:
    """Return the width of a text in units."""
    return _width(text, fontsize, weight, fig.dpi)


@lru_cache(10_000)
def _width(text: str, fontsize: float, weight: str, dpi: float) -> float:
    fig = Figure(figsize=(1, 1), dpi=dpi)
    probe = Text(0, 0, text, fontsize=fontsize, fontweight=weight, fontfamily=FONT, figure=fig)
    return probe.get_window_extent(RendererAgg(1, 1, dpi)).width * 72 / dpi


def ellipsize(
    fig: ThemedFigure,
    text: str,
    max_width: float,
    fontsize: float = SMALL,
    weight: str = "normal",
    keep: Literal["start", "end"] = "start",
) -> str:
    """Cut a text to `max_width` units with an ellipsis, keeping its start or end."""
    if (
        len(text) * fontsize * 0.9 <= max_width or text_width(fig, text, fontsize, weight) <= max_width
    ):  # few letters are wider than 0.9 em
        return text

    def cut(count: int) -> str:
        return "…" + text[len(text) - count :].lstrip("._") if keep == "end" else text[:count].rstrip(" ·,") + "…"

    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(fig, cut(middle), fontsize, weight) <= max_width else (low, middle - 1)
    return cut(low)


def add_heading(fig: ThemedFigure, title: str, subtitle: str = "", legend_width: float = 0) -> tuple[Box, Text]:
    """Add title and subtitle at the top left, and return the box below them and the subtitle.

    The last `legend_width` units of the title's line remain free.
    """
    whole = figure_box(fig)
    width = whole.w - 2 * MARGIN
    add_text(
        fig, MARGIN, 16, ellipsize(fig, title, width - legend_width, TITLE, "bold"), fontsize=TITLE, fontweight="bold"
    )
    line = add_text(fig, MARGIN, 46, ellipsize(fig, subtitle, width), color=fig.theme.muted)
    return whole.inset(MARGIN, 78, MARGIN, 18), line


def add_subtitle(fig: ThemedFigure, box: Box, title: str, note: str = "") -> None:
    """Add a panel's title in bold at the top left of its box, and a note (a unit, say) after it."""
    title = ellipsize(fig, title, box.w, LABEL, "bold")
    add_text(fig, box.x, box.y, title, fontsize=LABEL, fontweight="bold")
    start = text_width(fig, title, LABEL, "bold") + 8
    if note and box.w - start > 40:
        muted = fig.theme.muted
        add_text(fig, box.x + start, box.y + 0.8, ellipsize(fig, note, box.w - start), color=muted)


def add_color_legend(
    fig: ThemedFigure, entries: dict[str, str], right: float = FIGURE_WIDTH - MARGIN, y: float = 22
) -> None:
    """Add a legend in one line that ends at `right`: names and their colours."""
    for name, color in reversed(entries.items()):
        right -= text_width(fig, name)
        add_text(fig, right, y, name, color=color)
        add_text(fig, right - 20, y, "●", color=color)
        right -= 40

"""Figures in a theme: sizes and Matplotlib parameters."""

from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from netcore.viz.theme import FONT, MONO, Theme

FIGURE_WIDTH = 800.0  # width of every figure
SMALL, LABEL, TITLE = 14, 15, 20  # font sizes; nothing is smaller than SMALL
MARGIN = 24.0


class ThemedFigure(Figure):
    """A Matplotlib figure with an Agg canvas and the theme in which it is drawn.

    Parameters
    ----------
    theme : Theme
    transparent : bool
        Whether the background is left out.
    **settings
        Of `matplotlib.figure.Figure`.
    """

    canvas: FigureCanvasAgg

    def __init__(self, theme: Theme, transparent: bool = False, **settings: Any) -> None:
        super().__init__(facecolor=theme.background, **settings)
        FigureCanvasAgg(self)
        self.theme, self.transparent = theme, transparent
        self.patch.set_visible(not transparent)


def new_figure(theme: Theme, size_px: tuple[int, int] = (1280, 720), transparent: bool = False) -> ThemedFigure:
    """Make an empty figure of exactly `size_px` pixels."""
    width, height = size_px
    dpi = 72 * width / FIGURE_WIDTH
    return ThemedFigure(theme, transparent, figsize=((width + 0.01) / dpi, (height + 0.01) / dpi), dpi=dpi)


def theme_style(theme: Theme) -> AbstractContextManager[None]:
    """Set Matplotlib's parameters while drawing: ``with theme_style(theme): draw(fig, context)``."""
    settings: dict[Any, Any] = {  # the stubs list every parameter as a literal
        "font.family": FONT,
        "font.monospace": [MONO],
        "font.size": SMALL,
        "mathtext.fontset": "dejavusans",
        "text.parse_math": False,  # names of classes and files are text; a formula is drawn with parse_math=True
        "text.color": theme.foreground,
        "axes.facecolor": "none",
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.foreground,
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
        "figure.facecolor": theme.background,
        "savefig.facecolor": theme.background,
        "savefig.dpi": "figure",
        "svg.hashsalt": "netcore",  # makes identical figures identical files
        "pdf.fonttype": 42,  # text remains searchable
    }
    return mpl.rc_context(settings)

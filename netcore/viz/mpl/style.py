"""New figures in a theme: sizes and rc settings."""

from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from netcore.viz.theme import FONT, MONO, Theme

FIGURE_WIDTH = 800.0  # width of every figure
SMALL, LABEL, TITLE = 14, 15, 20  # font sizes; nothing is smaller than SMALL
MARGIN = 24.0


def new_figure(theme: Theme, size_px: tuple[int, int] = (1280, 720)) -> Figure:
    """Make an empty figure of exactly `size_px` pixels with an Agg canvas; its theme is ``fig.theme``."""
    width, height = size_px
    dpi = 72 * width / FIGURE_WIDTH
    fig = Figure(figsize=((width + 0.01) / dpi, (height + 0.01) / dpi), dpi=dpi, facecolor=theme.background)
    FigureCanvasAgg(fig)
    fig.theme = theme  # type: ignore[attr-defined]
    return fig


def theme_style(theme: Theme) -> AbstractContextManager[None]:
    """Matplotlib's settings while a figure is drawn and saved: ``with style(theme): draw(fig, context)``."""
    settings = {
        "font.family": FONT,
        "font.monospace": [MONO],
        "font.size": SMALL,
        "mathtext.fontset": "dejavusans",
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
        "svg.hashsalt": "netcore",  # the same picture gives the same file
        "pdf.fonttype": 42,  # letters that can be searched and copied
    }
    return mpl.rc_context(settings)

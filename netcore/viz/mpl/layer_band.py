"""A layer as a band: name, color scale, maps or neurons."""

from matplotlib.artist import Artist

from netcore.core.formatting import format_shape, format_subset
from netcore.core.trace import Trace
from netcore.viz.layout.grid_layout import fit_tiles
from netcore.viz.mpl.activation_columns import ActivationView
from netcore.viz.mpl.axes import add_scale_line
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging, sequential
from netcore.viz.mpl.style import SMALL, ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width

LABEL, BETWEEN = 112.0, 10.0  # width of the texts beside the tiles, and their distance
LINE = 18.0  # height of a line of text
MIN_BAND = 3 * LINE - 2
MIN_TILE, MIN_CELL = 40.0, 5.0  # height of a map, side of a neuron
GAP, CELL_GAP = 5.0, 2.0


class LayerBand:
    """The outputs of one layer, as large as they fit, with what they are and their own scale.

    Parameters
    ----------
    fig : ThemedFigure
    box : Box
    view : ActivationView
    beside : bool
        Whether the texts are beside the tiles; otherwise the scale alone is below them.
    """

    def __init__(self, fig: ThemedFigure, box: Box, view: ActivationView, beside: bool = True) -> None:
        self.fig, self.view = fig, view
        tiles = box.inset(left=LABEL + BETWEEN) if beside else box.inset(bottom=LINE + 10)
        gap, least = (CELL_GAP, MIN_CELL) if view.vector else (GAP, MIN_TILE)
        _, count, h, w = view.outputs.shape
        view.select(fit_tiles(count, h / w, (tiles.w, tiles.h), gap, least))
        self.grid = view.draw(fig, tiles, None, None, gap)
        cmap = (diverging if view.signed else sequential)(fig.theme)
        scale = Box(box.x, box.y + 2 * LINE if beside else box.y + box.h - LINE, LABEL if beside else 220, LINE)
        self.scale = add_scale_line(fig, scale, cmap, -view.limit * view.signed, view.limit)
        self.name = add_text(fig, box.x, box.y, "", fontweight="bold")
        if beside:
            self._add_label(box)

    def _add_label(self, box: Box) -> None:
        fig, view, muted = self.fig, self.view, self.fig.theme.muted
        _, count, h, w = view.outputs.shape
        name = ellipsize(fig, view.block.short, LABEL, SMALL, "bold", "end")
        self.name.set_text(name)
        size, left = "" if view.vector else format_shape((h, w)), text_width(fig, name, SMALL, "bold") + 8
        if text_width(fig, size) <= LABEL - left:
            add_text(fig, box.x + left, box.y, size, color=muted)
            size = ""
        words = [
            format_subset(len(view.selected), count, view.block.unit_word),
            format_subset(len(view.selected), count),
        ]
        lines = [f"{w} {size}".strip() for w in words] + words[1:]
        fitting = (line for line in lines if text_width(fig, line) <= LABEL)
        add_text(fig, box.x, box.y + LINE, next(fitting, ellipsize(fig, lines[-1], LABEL)), color=muted)

    def update(self, trace: Trace, shown: bool = True, current: bool = False) -> list[Artist]:
        """Show a trace's outputs, or empty tiles; the layer spoken of has its name in the emphasis color."""
        changed = self.view.update(trace, float(shown))
        self.name.set_color(self.fig.theme.emphasis if current else self.fig.theme.foreground)
        return [*changed, self.name]

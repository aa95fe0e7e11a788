"""Two kernels with their maps, and all other maps of the layer."""

import numpy as np

from netcore.core.formatting import format_subset
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.cell_tables import CellTables
from netcore.viz.film.components.color_scale import ColorScale
from netcore.viz.film.components.convolution_screen import ConvolutionScreen
from netcore.viz.film.components.convolution_tables import GAP, TALL
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.components.feature_maps import FeatureMaps, abs_max, map_rgb
from netcore.viz.film.components.map_grid import LINE, MapGrid, value_ends
from netcore.viz.film.components.tiles import max_tiles, tile_frames
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area

OTHERS = 0.33  # of the height, for all other maps


class KernelSummary:
    """The last picture of a film on one convolution.

    Parameters
    ----------
    screen : ConvolutionScreen
        What is on screen before.
    stage : Area
    limit : int
        Maximum number of other maps; of more, those that vary most are shown.

    Attributes
    ----------
    others : FeatureMaps or None
        The other maps, None if there are none.
    """

    def __init__(self, screen: ConvolutionScreen, stage: Area, limit: int) -> None:
        self.screen, e = screen, screen.examples
        shown = [e.base, *([e.other] if e.other else [])]
        output = e.layer.output
        rest = np.delete(np.arange(len(output)), [t.unit for t in shown])
        above, below = stage.rows([1 - OTHERS, OTHERS], GAP) if len(rest) else (stage, stage)
        halves = above.columns([1] * len(shown), GAP) if stage.width > TALL * stage.height else above.rows(
            [1] * len(shown), GAP
        )  # fmt: skip
        areas = [half.columns([1, 1], GAP) for half in halves]
        self.kernels = [screen.kernel_table(t, area[0]) for t, area in zip(shown, areas, strict=True)]
        self.map_areas = [area[1] for area in areas]
        self.others: FeatureMaps | None = None
        self.words: list[ArrayMobject] = []
        if len(rest):
            self._add_others(output, rest, below, limit)

    def _add_others(self, output: np.ndarray, rest: np.ndarray, area: Area, limit: int) -> None:
        theme = self.screen.theme
        inner = Area(area.left, area.bottom, area.right, area.top - LINE)
        size = (output.shape[1], output.shape[2])
        count = min(limit, len(rest), max_tiles(inner, size, 24 * PIXEL))
        spread = output[rest].std((1, 2))
        index = np.sort(rest[np.argsort(-spread, kind="stable")[:count]])
        values = output[index]
        vmax = abs_max(output)
        frames = tile_frames(inner, count, size)
        self.others = FeatureMaps(map_rgb(theme, values, vmax, True), frames, values, vmax, outline=theme.rgb("faint"))
        y = area.top - LINE / 2
        scale = ColorScale(theme, value_ends(vmax, True), True, (0.0, y))
        text = f"the other {format_subset(count, len(rest), 'map')}" if count == len(rest) else (
            f"{format_subset(count, len(rest))} other maps"
        )  # fmt: skip
        low, high = float(frames[..., 0].min()), float(frames[..., 0].max())
        wide = max(high - low, line_width(text, LABEL) + scale.width)  # over the maps
        left = max(area.left, min((low + high - wide) / 2, area.right - wide))
        scale.place((min(left + wide, area.right), y))
        title = text_line(text, LABEL, theme.rgb("foreground"), at=(left, y), align=(-1, 0))
        self.words = [title, *scale.mobjects]

    @property
    def tables(self) -> list[CellTables]:
        """Tables of both kernels."""
        return self.kernels

    def gather(self, second: MapGrid | None) -> list[Animate]:
        """Move the maps beside their kernels, and let the others appear."""
        maps = [self.screen.map, *([second] if second else [])]
        out = [a for grid, area in zip(maps, self.map_areas, strict=True) for a in grid.move(area, delay=0.3)]
        out += [a for table in self.kernels for a in table.appear(delay=0.6)]
        return [*out, *fade_in([*([self.others] if self.others else []), *self.words], delay=1.1)]

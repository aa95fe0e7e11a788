"""Weights of all first-layer units as tiles, untrained and trained."""

import numpy as np

from netcore.analysis.first_layer import FirstUnit
from netcore.analysis.units import top_k
from netcore.core.formatting import format_subset
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.map_screen import centered_scale
from netcore.viz.film.components.tiles import max_tiles, ring, tile_frames
from netcore.viz.film.components.time_axis import TimedImages, TimedText
from netcore.viz.film.components.weight_view import LINE
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

SCALE_ROOM = 2.8


class UnitGrid:
    """Tiles of the units with the largest weights, one of them framed, and their scale.

    Parameters
    ----------
    theme : Theme
    stage : Area
    unit : FirstUnit
        The unit that is framed.
    vmax : float
        Value of the full colour.
    limit : int
        Maximum number of units.
    pixel : float
        Side of a pixel of the frame.
    word : str
        What a unit is called.
    ends : tuple of str
        Names of the first and the last snapshot.

    Attributes
    ----------
    timed : list
        What goes from the first to the last snapshot.
    """

    def __init__(
        self, theme: Theme, stage: Area, unit: FirstUnit, vmax: float, limit: int, pixel: float, word: str,
        ends: tuple[str, str],
    ) -> None:  # fmt: skip
        weights = unit.weights[[0, -1]].mean(2)  # (2, U, h, w)
        h, w = weights.shape[2:]
        area = Area(stage.left, stage.bottom + LINE, stage.right, stage.top - LINE)
        sizes = np.linalg.norm(weights[-1].reshape(weights.shape[1], -1), axis=1)
        index = top_k(sizes, min(limit, max_tiles(area, (h, w))), [unit.unit])
        shown = weights[:, index]
        frames = tile_frames(area, len(index), (h, w), pixel=pixel)
        colors = theme.signed_colors(shown / vmax)
        self.tiles = TimedImages(np.array([0.0, 1.0]), colors, frames, shown, vmax, outline=theme.rgb("faint"))
        at = stage.center[0], float(frames[..., 1].max()) + LINE / 2
        now = TimedText(np.array([0.0, 1.0]), ends, NUMBER, theme.rgb("emphasis"), at)
        self.timed = [self.tiles, now]
        self.frame = frames[int(np.flatnonzero(index == unit.unit)[0])]
        self.all_shown = len(index) == weights.shape[1]
        self.count = format_subset(len(index), weights.shape[1], word)
        note = f"framed: {word} {unit.unit + 1}" + (", mean of colors" if unit.own.shape[1] > 1 else "")
        more = "; larger weights: full color"
        if (np.abs(shown) > vmax).any() and line_width(note + more, LABEL) < stage.width - SCALE_ROOM:
            note += more
        foot = stage.bottom + LINE / 2 - 2 * PIXEL
        self.fixed: list[ArrayMobject] = [
            ring(theme, self.frame),
            text_line(note, LABEL, theme.rgb("muted"), at=(stage.left, foot), align=(-1, 0)),
            *centered_scale(theme, vmax, True, (stage.right - 1.3, foot)),
        ]

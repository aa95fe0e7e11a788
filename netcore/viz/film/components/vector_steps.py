"""Neurons as a grid of squares, and class probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.core.formatting import format_percent
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.map_screen import map_limit
from netcore.viz.film.components.probabilities import probability_bars
from netcore.viz.film.components.tiles import Tiles, tile_frames
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

MAX_SQUARES = 1024
MAX_SQUARE = 60 * PIXEL
ROW = 25 * PIXEL  # height of a class's row, at least


def vector_squares(theme: Theme, values: NDArray[np.floating], area: Area, pixel: float) -> Tiles:
    """Draw the values (N,) of a vector as squares on one scale."""
    limit, signed = map_limit(values)
    frames = tile_frames(area, len(values), (1, 1), 3 * PIXEL, pixel, MAX_SQUARE)
    rgb = (theme.signed_colors if signed else theme.activation_colors)(values / limit)
    return Tiles(rgb[:, None, None], frames, values[:, None, None], limit, outline=theme.rgb("faint"))


class ClassBars:
    """Probabilities of classes as rows: name, bar, percentage; the rest of the classes in one line.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    area : Area
    limit : int
        Maximum number of classes: the most probable, the true one among them.
    """

    def __init__(self, theme: Theme, trace: Trace, area: Area, limit: int) -> None:
        self.index = shown_classes(trace.probabilities, limit, trace.label)
        rest = len(trace.classes) - len(self.index)
        rows = area.rows([1] * (len(self.index) + (rest > 0)))
        ys = np.array([row.center[1] for row in rows[: len(self.index)]])
        names = [ellipsize_line(trace.classes[k], 0.3 * area.width, NUMBER) for k in self.index]
        self.names = [
            text_line(n, NUMBER, theme.rgb("foreground"), at=(0, y), align=(1, 0))
            for n, y in zip(names, ys, strict=True)
        ]
        start = area.left + max(name.width for name in self.names)
        for name in self.names:
            name.shift(np.array([start, 0.0, 0.0]))
        length = area.right - start - 2.1
        p = trace.probabilities[self.index]
        self.bars, self.numbers = probability_bars(theme, p, ys, start + 0.15, length, area.right)
        self.others: list[ArrayMobject] = []
        if rest:
            text = f"{rest:,} more: {format_percent(1 - float(p.sum()))}"
            self.others = [
                text_line(text, LABEL, theme.rgb("muted"), at=(area.right, rows[-1].center[1]), align=(1, 0))
            ]
        self.goal = p

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of it."""
        return [*self.names, self.bars, *self.numbers, *self.others]

    def grow(self, delay: float = 0.0) -> list[Animate]:
        """Return the animations in which the bars appear and grow."""
        others = [m for m in self.mobjects if m is not self.bars]
        return [
            Animate(self.bars, values=self.goal, run_time=0.8, delay=delay),
            *(Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=delay) for m in others),
        ]


def shown_classes(probabilities: NDArray[np.floating], limit: int, label: int | None) -> list[int]:
    """Return the classes that are shown, in their order: all, or the most probable and the true one."""
    if len(probabilities) <= limit:
        return list(range(len(probabilities)))
    order = [int(k) for k in np.argsort(-np.asarray(probabilities), kind="stable")]
    keep = [] if label is None else [label]
    return sorted([*keep, *(k for k in order if k not in keep)][:limit])


def thumbnails(theme: Theme, images: Sequence[tuple[NDArray[np.floating], str]], area: Area) -> list[ArrayMobject]:
    """Draw colours (H, W, 3) in two columns, each with a line beneath it."""
    rows = area.rows([1] * -(-len(images) // 2), 0.2)
    cells = [cell for row in rows for cell in row.columns([1, 1], 0.2)]
    out: list[ArrayMobject] = []
    for (rgb, text), cell in zip(images, cells, strict=False):
        place = Area(cell.left, cell.bottom + 22 * PIXEL, cell.right, cell.top).fit(rgb.shape[1], rgb.shape[0])
        out.append(Tiles(rgb[None], place.frame, outline=theme.rgb("faint")))
        text = ellipsize_line(text, cell.width + 0.15, LABEL)
        out.append(text_line(text, LABEL, theme.rgb("muted"), at=(cell.center[0], cell.bottom + 9 * PIXEL)))
    return out

"""What one stage of a network gives, drawn as a column: maps as images, vectors as cells."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.text import Text

from netcore.stage.colours import diverging, sequential, spread
from netcore.stage.facts import some_of
from netcore.stage.mosaic import Mosaic, image_grid
from netcore.stage.plot import SMALL, UNITS, Box, fit, number, width, write
from netcore.stage.stages import Stage, strongest
from netcore.trace import Trace

GAP = 3.0  # units between maps
TOP, FOOT = 44.0, 38.0  # units for the name and the shape above a column, for two lines below it
CELL = 26.0  # units, at most, of a cell of a vector


class View:
    """Outputs of one stage: which maps or neurons are shown, and the mosaic they are in.

    Parameters
    ----------
    stage : Stage
    traces : sequence of Trace
        All that will be shown: they share one scale, and one choice of what answers to them most.
    """

    def __init__(self, stage: Stage, traces: Sequence[Trace]) -> None:
        self.outputs = np.stack([self._tiles(trace.value(stage.node)) for trace in traces])  # (traces, N, h, w)
        self.stage, self.shape = stage, traces[0].value(stage.node).shape
        self.signed = bool(self.outputs.min() < 0)
        self.limit = spread(self.outputs)
        self.chosen = np.arange(len(self.outputs[0]))
        self.name: Text | None = None

    def _tiles(self, output: np.ndarray) -> np.ndarray:
        return output if output.ndim == 3 else output.reshape(-1, 1, 1)

    def choose(self, count: int) -> None:
        """Show at most so many: those that answer to the image most."""
        strength = (
            self.outputs.std((2, 3)).mean(0) if self.outputs.shape[2] > 1 else np.abs(self.outputs).mean((0, 2, 3))
        )
        self.chosen = strongest(strength, count)

    def draw(self, fig: Figure, box: Box, columns: int | None, pixel: float | None, gap: float = GAP) -> Mosaic:
        """Make the mosaic, empty, at the top left of the box."""
        cmap = (diverging if self.signed else sequential)(fig.theme)  # type: ignore[attr-defined]
        empty = np.full((len(self.chosen), *self.outputs.shape[2:]), np.nan)
        settings = {"cmap": cmap, "low": -self.limit * self.signed, "high": self.limit, "frame": True, "gap": gap}
        self.mosaic = image_grid(fig, box, empty, columns=columns, pixel=pixel, **settings)
        return self.mosaic

    def column(self, fig: Figure, box: Box, pixel: float) -> None:
        """Draw it as a column, a map's pixel `pixel` units wide, with name, shape, number shown and largest value."""
        muted = fig.theme.muted  # type: ignore[attr-defined]
        count, h, w = self.outputs.shape[1:]
        gap = GAP
        if h == w == 1:  # a vector, or a map of one pixel each
            pixel, gap = _cell(count, box.w, box.h - TOP - FOOT)
        columns = max(1, int((box.w + gap) / (w * pixel + gap)))
        self.choose(columns * max(1, int((box.h - TOP - FOOT + gap) / (h * pixel + gap))))
        self.name = write(
            fig, box.x, box.y, fit(fig, self.stage.name, box.w + 4, SMALL, "bold", "end"), fontweight="bold"
        )
        write(fig, box.x, box.y + 19, f"{count:,}" if len(self.shape) == 1 else f"{h}×{w}", color=muted)
        self.draw(fig, box.inset(top=TOP, bottom=FOOT), min(columns, len(self.chosen)), pixel, gap)
        words = some_of(len(self.chosen), count)
        words = words if width(fig, words) <= box.w + 6 else words.replace(" of ", "/")
        write(fig, box.x, box.y + box.h - 34, words, color=muted)
        write(fig, box.x, box.y + box.h - 15, number(self.limit), color=muted)

    def show(self, trace: Trace, share: float = 1.0) -> list[Artist]:
        """Show the first `share` of a trace's maps; while they appear, the stage's name stands out."""
        tiles = self._tiles(trace.value(self.stage.node))[self.chosen].copy()
        tiles[round(share * len(tiles)) :] = np.nan
        changed = [self.mosaic.set(tiles)]
        if self.name:
            theme = self.name.figure.theme  # type: ignore[union-attr]
            self.name.set_color(theme.emphasis if 0 < share < 1 else theme.ink)
            changed.append(self.name)
        return changed


def _cell(count: int, wide: float, tall: float) -> tuple[float, float]:
    """Size of a vector's cells and the gap between them: as large as lets all be seen, from 3 to `CELL` units."""
    gap = 2.0
    size = CELL
    while size > 3 and int((wide + gap) / (size + gap)) * int((tall + gap) / (size + gap)) < count:
        size -= 0.5
    return size, gap


def map_pixel(fig: Figure, room: float, size: int) -> float:
    """Units a map's pixel is wide, whole screen pixels: two large maps of `size` pixels side by side, or one."""
    across = 2 if (room - GAP) / 2 >= 40 else 1
    scale = fig.bbox.width / UNITS
    return max(1, int((room + GAP / 2 - GAP * (across - 1)) / across / size * scale)) / scale

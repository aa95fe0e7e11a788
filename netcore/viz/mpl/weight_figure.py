"""Weights as tiles, one worked out on the image."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.unit_sum import UnitSum, explained_layer, strongest_unit, unit_sum
from netcore.core.context import SceneContext
from netcore.core.run import Snapshot
from netcore.viz.mpl.accuracy_curve import draw_time
from netcore.viz.mpl.axes import add_colorbar
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging
from netcore.viz.mpl.image_grid import image_grid
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.sum_panel import SumPanel
from netcore.viz.mpl.timeline import frame_index

SIDE, GAP = 250.0, 24.0  # width of the column beside the tiles, and their distance
SCALE, TIME, WORKED = 44.0, 108.0, 186.0  # heights


class WorkedUnit:
    """The unit of a layer with the largest sum on the image, at any snapshot.

    Parameters
    ----------
    context : SceneContext
    layer : str
    units : array_like of int
        Those that may be chosen.
    channels : array_like of int, optional
        Input maps that may be shown.
    """

    def __init__(self, context: SceneContext, layer: str, units: ArrayLike, channels: ArrayLike | None = None) -> None:
        self.context, self.layer = context, layer
        self.trace = context.trace()
        node = explained_layer(self.trace, layer)
        self.is_known = node is not None
        if node is not None:
            self.at = strongest_unit(node, units)
            self.last = unit_sum(self.trace, node, self.at, channels)
            self.name, self.clips = node.name, float(np.abs(self.trace.input_of(node)).max()) > 1
        self._kept: dict[int, UnitSum] = {}

    def at_snapshot(self, snapshot: Snapshot) -> UnitSum:
        """Return its sum at a snapshot; the pass is computed once and not held."""
        if snapshot.step not in self._kept:
            trace = self.context.network(snapshot).trace(self.context.sample)
            shown = None if self.last.channel < 0 else [self.last.channel]
            self._kept[snapshot.step] = unit_sum(trace, trace[self.name], self.at, shown)
        return self._kept[snapshot.step]


def work_out(
    context: SceneContext, layer: str, units: ArrayLike, channels: ArrayLike | None = None
) -> WorkedUnit | None:
    """Return a unit that can be worked out on the image, None if there is no image or no such unit."""
    if context.sample_or_none is None:
        return None
    worked = WorkedUnit(context, layer, units, channels)
    return worked if worked.is_known else None


def draw_weights(
    fig: ThemedFigure,
    body: Box,
    context: SceneContext,
    snapshots: Sequence[Snapshot],
    images: Sequence[NDArray[Any]],
    worked: WorkedUnit | None,
    marked: int | None,
    word: str,
    *,
    limit: float,
    clipped: bool = False,
    **settings: Any,
) -> Update:
    """Draw the tiles as large as they fit, beside them one worked out on the image, the time and the scale.

    Parameters
    ----------
    fig : ThemedFigure
    body : Box
    context : SceneContext
    snapshots : sequence of Snapshot, length T
    images : sequence of ndarray, length T, shape (N, h, w)
        The tiles at each snapshot.
    worked : WorkedUnit or None
    marked : int or None
        Tile of the worked unit.
    word : str
        ``"neuron"`` or ``"kernel"``.
    limit : float
        Value of the full colour.
    clipped : bool
        Whether there are larger values.
    **settings
        Of `image_grid`.
    """
    theme = fig.theme
    cmap = diverging(theme)
    tiles, scale, time = _places(body, worked is not None)
    grid = image_grid(
        fig, tiles, images[-1], align=(0.5, 0.5), frame=True, cmap=cmap, vmin=-limit, vmax=limit, **settings
    )
    label = "weight" if worked is None else "weight, and weight × " + ("value" if worked.last.channel >= 0 else "pixel")
    clipped = clipped or (worked is not None and worked.clips)
    add_colorbar(fig, scale, cmap, -limit, limit, label, clipped=clipped)
    timeline = draw_time(fig, time, context, snapshots)
    panel = None
    if worked is not None:
        place = Box(body.x, body.y, SIDE, time.y - body.y - 8)
        panel = SumPanel(fig, place, worked.last, worked.trace, word, limit)
        if marked is not None:
            grid.outline_images([marked], theme.emphasis, 2.0)

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(snapshots))
        changed = [grid.set(images[i]), *timeline.update(i)]
        if worked is not None and panel is not None:
            changed += panel.update(worked.at_snapshot(snapshots[i]))
        return changed

    update(1.0)
    return update


def _places(body: Box, beside: bool) -> tuple[Box, Box, Box]:
    """Return the boxes of tiles, scale and time."""
    bottom = body.y + body.h
    if not beside:
        scale, time = Box(body.x, bottom - TIME, body.w, TIME).columns(1, 2, gap=40)
        return body.inset(bottom=TIME + 12), Box(scale.x, bottom - SCALE, scale.w, SCALE), time
    high = max(TIME, min(180, body.h - WORKED - SCALE - 16))
    time = Box(body.x, bottom - SCALE - 8 - high, SIDE, high)
    return body.inset(left=SIDE + GAP), Box(body.x, bottom - SCALE, SIDE, SCALE), time

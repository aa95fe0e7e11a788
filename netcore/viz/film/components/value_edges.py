"""Edges from images to one value, and squares of a vector."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.base_mobject import ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.layout.edges import edge_style
from netcore.viz.theme import Theme

END_GAP = 0.08  # above and below the ring, that edges may end at


def value_edges(theme: Theme, frames: ArrayLike, goal: Rectangles, values: NDArray[np.floating]) -> list[ArrayMobject]:
    """Draw an edge from each of some frames (N, 3, 2) to a ring: colour by sign, width by size of values (N,).

    Edges begin and end at different heights, so that each can be seen.
    """
    corners = np.asarray(frames, float)
    starts = corners[:, 1] + _heights(corners, float(goal.points[:2, 1].mean()))[:, None] * (
        corners[:, 2] - corners[:, 0]
    )
    low, high = goal.points[0, :2], goal.points[1, :2]
    ends = np.tile([low[0], 0.0], (len(starts), 1))
    spread = np.linspace(high[1] + END_GAP, low[1] - END_GAP, 2 * len(starts) + 1)[1::2]
    ends[np.argsort(-starts[:, 1], kind="stable"), 1] = spread
    rgba, widths = edge_style(theme, values)
    rgba[:, 3] = np.maximum(rgba[:, 3], 0.6)
    outlines = np.stack([corners[:, 2], corners[:, 1]], axis=1)
    return [Edges(starts, ends, rgba, widths, values=values), Rectangles(outlines, line=rgba, width=2.5)]


def _heights(corners: NDArray[np.float64], goal: float) -> NDArray[np.float64]:
    """Shares of the frames' heights at which edges begin: the middle; of frames in a row the first nearest the goal."""
    out = np.full(len(corners), 0.5)
    tops = np.round(corners[:, 0, 1], 6)
    for top in np.unique(tops):
        row = np.flatnonzero(tops == top)
        row = row[np.argsort(corners[row, 0, 0])]
        out[row if goal >= corners[row[0], [0, 2], 1].mean() else row[::-1]] = (np.arange(len(row)) + 0.5) / len(row)
    return out

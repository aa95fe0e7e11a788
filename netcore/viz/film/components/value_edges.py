"""Edges from images to one value, and squares of a vector."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.base_mobject import ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.layout.edges import edge_style
from netcore.viz.theme import Theme


def value_edges(theme: Theme, frames: ArrayLike, goal: Rectangles, values: NDArray[np.floating]) -> list[ArrayMobject]:
    """Draw an edge from each of some frames (N, 3, 2) to a ring: colour by sign, width by size of values (N,)."""
    corners = np.asarray(frames, float)
    starts = (corners[:, 1] + corners[:, 1] + corners[:, 2] - corners[:, 0]) / 2
    low, high = goal.points[0, :2], goal.points[1, :2]
    ends = np.tile([low[0], (low[1] + high[1]) / 2], (len(starts), 1))
    rgba, widths = edge_style(theme, values)
    rgba[:, 3] = np.maximum(rgba[:, 3], 0.6)
    outlines = np.stack([corners[:, 2], corners[:, 1]], axis=1)
    return [Edges(starts, ends, rgba, widths, values=values), Rectangles(outlines, line=rgba, width=2.5)]

"""End points, widths and colours of edges between columns, for both kits."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.theme import Theme

MAX_EDGE_WIDTH = 3.5  # pixels, of the strongest edge into a layer
MAX_DIAGRAM_WIDTH = 2.6  # figure units, of the strongest edge into a column
WEAK_SHARE = 0.25  # of the strongest edge into a column: weaker ones are hairlines in a diagram


def edge_strength(values: ArrayLike) -> NDArray[np.float64]:
    """Return magnitudes as shares of the largest, in [0, 1]; zeros stay 0."""
    magnitude = np.abs(np.asarray(values, dtype=float))
    return magnitude / max(float(magnitude.max(initial=0.0)), 1e-12)


def edge_colors(theme: Theme, values: ArrayLike) -> NDArray[np.float64]:
    """Return colours (N, 3) by the sign of values (N,)."""
    negative = np.asarray(values)[:, None] < 0
    return np.where(negative, theme.rgb("negative"), theme.rgb("positive"))


def edge_style(theme: Theme, values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return colours (N, 4) by sign and widths (N,) in pixels by share of the largest; zero is hidden."""
    strength = edge_strength(values)
    alpha = np.where(values == 0, 0.0, 0.04 + 0.96 * strength**1.2)
    return np.column_stack([edge_colors(theme, values), alpha]), 0.5 + (MAX_EDGE_WIDTH - 0.5) * strength


def diagram_edge_style(
    theme: Theme, values: NDArray[np.floating], strength: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return colours (N, 4) and widths (N,) in figure units: strong edges wide and opaque, weak ones hairlines.

    Parameters
    ----------
    theme : Theme
    values : ndarray, shape (N,)
        What the edges carry; the sign is their colour.
    strength : ndarray, shape (N,)
        Magnitudes in [0, 1], see `edge_strength`; each column has its own largest.
    """
    strong = strength >= WEAK_SHARE
    alpha = np.where(strong, 0.35 + 0.65 * strength, 0.16)
    return np.column_stack([edge_colors(theme, values), alpha]), np.where(strong, MAX_DIAGRAM_WIDTH * strength, 0.6)


def connect_all(
    starts: NDArray[np.floating], ends: NDArray[np.floating], gap: float, end_gap: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return start and end points of the edges from every start to every end, which is right of it.

    Parameters
    ----------
    starts, ends : ndarray, shapes (S, 2) and (E, 2)
    gap, end_gap : float
        Distance kept to the right of a start and to the left of an end; `end_gap` is `gap` by default.

    Returns
    -------
    two ndarrays, shape (E * S, 2)
        Grouped by end.
    """
    before, after = np.array([gap, 0.0]), np.array([gap if end_gap is None else end_gap, 0.0])
    return np.tile(starts, (len(ends), 1)) + before, np.repeat(ends, len(starts), axis=0) - after

"""End points, widths and colours of edges between columns."""

import numpy as np

from netcore.viz.theme import Theme

MAX_EDGE_WIDTH = 3.5  # pixels, of the strongest edge into a layer


def edge_style(theme: Theme, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return edge colours (N, 4) by sign and widths (N,) in pixels by relative magnitude; zeros are transparent."""
    strength = np.abs(values) / max(float(np.abs(values).max()), 1e-12)
    colors = np.where(values[:, None] < 0, theme.rgb("negative"), theme.rgb("positive"))
    alpha = np.where(values == 0, 0.0, 0.04 + 0.96 * strength**1.2)
    return np.column_stack([colors, alpha]), 0.5 + (MAX_EDGE_WIDTH - 0.5) * strength


def connect_all(sources: np.ndarray, targets: np.ndarray, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end points of the edges from every source to every target.

    Parameters
    ----------
    sources : ndarray, shape (S, 2)
    targets : ndarray, shape (T, 2)
        To the right of the sources.
    gap : float
        Distance of an edge from the centres that it connects.

    Returns
    -------
    starts, ends : ndarray, shape (T * S, 2)
        Grouped by target.
    """
    shift = np.array([gap, 0.0])
    return np.tile(sources, (len(targets), 1)) + shift, np.repeat(targets, len(sources), axis=0) - shift

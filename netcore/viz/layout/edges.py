"""End points, widths and colours of edges between columns."""

import numpy as np

from netcore.viz.theme import Theme

MAX_EDGE_WIDTH = 3.5  # pixels, of the strongest edge into a layer


def edge_style(theme: Theme, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours (N, 4) by sign and widths (N,) in pixels by magnitude, as shares of the largest; zero is not seen."""
    strength = np.abs(values) / max(float(np.abs(values).max()), 1e-12)
    colors = np.where(values[:, None] < 0, theme.rgb("negative"), theme.rgb("positive"))
    alpha = np.where(values == 0, 0.0, 0.04 + 0.96 * strength**1.2)
    return np.column_stack([colors, alpha]), 0.5 + (MAX_EDGE_WIDTH - 0.5) * strength


def connect_all(starts: np.ndarray, ends: np.ndarray, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Lines from each of `starts` (S, 2) to each of `ends` (E, 2), right of them: two (E·S, 2), end by end.

    They leave `gap` to the right of a start and arrive `gap` to the left of an end.
    """
    shift = np.array([gap, 0.0])
    return np.tile(starts, (len(ends), 1)) + shift, np.repeat(ends, len(starts), axis=0) - shift

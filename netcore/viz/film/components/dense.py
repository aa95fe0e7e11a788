"""Neurons, edges and ellipses of dense layers in a film."""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.dense_layers import DenseLayer
from netcore.viz.film.base_mobject import PIXEL
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons
from netcore.viz.layout.columns import column_positions
from netcore.viz.layout.edges import connect_all, edge_style
from netcore.viz.theme import Theme


def contribution_edges(
    theme: Theme, layer: DenseLayer, sources: np.ndarray, targets: np.ndarray, columns: tuple[Neurons, Neurons]
) -> Edges:
    """Edges of the shown neurons into a layer: what each carries, weight × activation, as `values` (T·S,), by target.

    Parameters
    ----------
    theme : Theme
    layer : DenseLayer
    sources, targets : (S,), (T,)
        Indices of the neurons that are shown.
    columns : two Neurons
        Where they are drawn.
    """
    values = layer.contributions(targets, sources).ravel()
    rgba, widths = edge_style(theme, values)
    before, after = columns
    starts, ends = connect_all(before.centers, after.centers, before.radius + 2 * PIXEL)
    return Edges(starts, ends, rgba, widths, values=values)


def source_order(sources: int, targets: int) -> np.ndarray:
    """The order in which such edges start when sources send one after the other, in [0, 1]: (T·S,)."""
    return np.tile(np.linspace(0, 1, sources), targets)


def ellipsis(theme: Theme, dots: np.ndarray) -> Neurons:
    """Three dots at (3, 2), for the neurons that are left out."""
    return Neurons(dots, 1.6 * PIXEL, theme.rgb("muted"), theme.rgb("muted"), width=0)


def neuron_columns(
    theme: Theme, counts: Sequence[int], sizes: Sequence[int], xs: np.ndarray, low: float, high: float,
    radius: float = 0.15, pitch: float = 0.5,
) -> tuple[list[Neurons], list[Neurons]]:  # fmt: skip
    """Columns of empty neurons, `counts` of `sizes` shown, and the dots of those that leave some out."""
    rows = [column_positions(c, x, low, high, c < n, pitch) for c, n, x in zip(counts, sizes, xs, strict=True)]
    steps = [float(np.abs(np.diff(centers[:, 1])).min()) for centers, _ in rows if len(centers) > 1]
    radius = min([radius] + [0.42 * step for step in steps])
    ground, faint = theme.rgb("background"), theme.rgb("faint")
    return [Neurons(c, radius, ground, faint) for c, _ in rows], [ellipsis(theme, d) for _, d in rows if len(d)]

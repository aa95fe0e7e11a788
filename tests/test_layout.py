"""Positions, widths and colours that both kits draw: the same inputs give the same picture in each."""

import numpy as np
import pytest
from matplotlib.colors import Normalize

from netcore.viz.colors import map_colors
from netcore.viz.film.components.neuron_columns import CircleStyle, NeuronColumns
from netcore.viz.layout.area import Area
from netcore.viz.layout.columns import column_positions
from netcore.viz.layout.edges import connect_all, diagram_edge_style, edge_colors, edge_strength, edge_style
from netcore.viz.mpl.colormaps import diverging, sequential
from netcore.viz.mpl.network_diagram import PITCH, _Neurons
from netcore.viz.mpl.style import new_figure
from netcore.viz.theme import DARK, LIGHT


class Column:
    """A column of 40 neurons, as `NetworkDiagram` has them."""

    size = 40


@pytest.mark.parametrize("shown", [7, 10, 40])
def test_columns_agree_between_kits(shown: int) -> None:
    """Up to the map of the frame (y down, in figure units) both kits place neurons alike."""
    height, scale = 300.0, 0.02
    ax = new_figure(DARK, (640, 360)).add_axes((0, 0, 1, 1))
    in_figure = _Neurons(ax, 50.0, height, 3.0, Column(), shown, DARK).centers
    x, top = np.array([50 * scale]), height / 2 * scale
    (in_film,) = NeuronColumns(
        DARK, [np.arange(shown)], [Column.size], x, Area(0, -top, 1, top), CircleStyle(pitch=PITCH * scale)
    ).columns
    np.testing.assert_allclose(in_figure, in_film.centers / scale * [1, -1] + [0, height / 2])
    np.testing.assert_allclose(in_figure, column_positions(shown, 50.0, height, 0.0, shown < 40, PITCH)[0])


def test_column_positions_leave_room_for_dots() -> None:
    centers, dots = column_positions(4, 1.0, 0.0, 10.0, True, 1.0)
    np.testing.assert_allclose(centers, [[1, 7], [1, 6], [1, 4], [1, 3]])
    np.testing.assert_allclose(dots.mean(0), [1, 5])
    assert len(column_positions(4, 1.0, 0.0, 10.0, False, 1.0)[1]) == 0


def test_connect_all_grouped_by_end() -> None:
    starts, ends = np.array([[0.0, 0], [0, 1]]), np.array([[4.0, 0], [4, 1], [4, 2]])
    a, b = connect_all(starts, ends, 0.5, 1.0)
    np.testing.assert_allclose(a, [[0.5, 0], [0.5, 1]] * 3)
    np.testing.assert_allclose(b, [[3, 0], [3, 0], [3, 1], [3, 1], [3, 2], [3, 2]])
    np.testing.assert_allclose(connect_all(starts, ends, 0.5)[1][:, 0], 3.5)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_edge_colors_agree_between_kits(theme) -> None:
    values = np.array([-2.0, 0.0, 1.0, 4.0])
    np.testing.assert_allclose(edge_strength(values), [0.5, 0, 0.25, 1])
    in_film, film_widths = edge_style(theme, values)
    in_figure, figure_widths = diagram_edge_style(theme, values, edge_strength(values))
    np.testing.assert_array_equal(in_film[:, :3], in_figure[:, :3])
    np.testing.assert_array_equal(in_film[:, :3], edge_colors(theme, values))
    assert (np.argsort(film_widths) == np.argsort(figure_widths)).all()
    assert in_film[1, 3] == 0


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_map_colors_agree_between_kits(theme, low: float) -> None:
    values = np.linspace(low, 2.0, 12).reshape(3, 2, 2)
    in_film, limit, signed = map_colors(theme, values)
    cmap = (diverging if signed else sequential)(theme)
    in_figure = cmap(Normalize(-limit * signed, limit)(values))[..., :3]
    np.testing.assert_allclose(in_figure, in_film, atol=0.02)  # Matplotlib's maps have 256 steps

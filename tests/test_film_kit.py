"""The film base: mobjects paint what their arrays say, Change ends exactly, only what must be drawn again is."""

from itertools import pairwise

import cairo
import numpy as np
import pytest
import torch
from film_checks import module_context, play_film
from hypothesis import given
from hypothesis import strategies as st
from manim import tempconfig
from torch import nn

from netcore.analysis.dense_layers import mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.units import top_k
from netcore.core.errors import RequirementError
from netcore.viz.colors import normalize_activation
from netcore.viz.film.animation import Animate
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.edges import Edges
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import BarMobject, Neurons, PixelImages
from netcore.viz.film.text import ellipsize_line, formula, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.columns import column_positions
from netcore.viz.layout.image_frames import axis_aligned_frame, pixel_boxes, row_frames, unrolled_frames
from netcore.viz.theme import DARK

SIZE = 100


def painted(*mobjects) -> np.ndarray:
    """Paint on black, 10 pixels a unit, the origin in the middle: (100, 100, 3), red first."""
    frame = np.zeros((SIZE, SIZE, 4), np.uint8)
    frame[..., 3] = 255
    ctx = cairo.Context(cairo.ImageSurface.create_for_data(frame, cairo.FORMAT_ARGB32, SIZE, SIZE))
    ctx.set_matrix(cairo.Matrix(10, 0, 0, -10, SIZE / 2, SIZE / 2))
    for m in mobjects:
        m.draw(ctx)
    return frame[..., :3]


def test_array_mobject_channel_order():
    frame = painted(Neurons([(0, 0)], 2, (1, 0, 0), (1, 0, 0)))
    assert frame[50, 50].tolist() == [255, 0, 0]
    assert frame[5, 5].tolist() == [0, 0, 0]


def test_edges_width_and_progress():
    edges = Edges([(-4, 0)], [(4, 0)], [0, 1, 0, 1], widths=120.0)
    thick = (painted(edges)[:, 50, 1] > 127).sum()
    assert thick == pytest.approx(120 * 128 / 9 / 854 * 10, abs=1)
    edges.progress[:] = 0.5
    frame = painted(edges)
    assert frame[50, 30, 1] == 255
    assert frame[50, 70, 1] == 0


def test_edges_cache_matches_drawing():
    rng = np.random.default_rng(1)
    edges = Edges(rng.uniform(-4, 4, (30, 2)), rng.uniform(-4, 4, (30, 2)), rng.random((30, 4)), rng.uniform(5, 30, 30))
    first, kept = painted(edges), painted(edges)
    assert first.any()
    assert np.abs(first.astype(int) - kept).max() <= 8, "but for the rounding of each line's colour"
    edges.rgba[:, 3] = 0
    assert not painted(edges).any(), "new numbers are drawn anew"


def test_pixel_images_stay_sharp():
    rgb = np.zeros((2, 2, 3))
    rgb[0, 1] = rgb[1, 0] = 1
    frame = painted(PixelImages(rgb, axis_aligned_frame(-4, -4, 8, 8)))
    assert set(np.unique(frame[15:85, 15:85])) == {0, 255}
    assert frame[30, 70].tolist() == [255] * 3
    assert frame[30, 30].tolist() == [0] * 3


def test_bars_length_matches_values():
    frame = painted(BarMobject([[(-4, -1), (4, 1)]], 0.25, (1, 1, 1), (0, 0, 0)))
    assert (frame[50, :, 0] > 127).sum() == pytest.approx(20, abs=1)


def test_neurons_shift_and_scale():
    column_ = Neurons([(0, 0), (0, -1)], 0.3, (0, 0, 0), (1, 1, 1))
    column_.shift([1, 2, 0]).scale(2)
    np.testing.assert_allclose(column_.centers.mean(axis=0), [1, 1.5])
    assert column_.radius == pytest.approx(0.6)
    assert column_.copy().radius == pytest.approx(0.6)


@pytest.mark.parametrize("text", ["784", "weight × activation", "a $5 note", "σ → “7”", " "])
def test_text_line_size(text):
    line = text_line(text, 40, at=(0, 0), align=(-1, 0))
    assert line.get_left()[0] == pytest.approx(0)
    assert line.width == pytest.approx(line_width(text, 40))
    assert painted(line).any() == bool(text.strip())


def test_ellipsize_text_line():
    assert ellipsize_line("short", 10) == "short"
    cut = ellipsize_line("a very long name of a class", 1.5)
    assert cut.endswith("…")
    assert line_width(cut) <= 1.5


def test_formula_fractions_and_braces():
    whole = formula("p = e^z / (sum_j e^(z_j))", 60)
    assert whole.height > 1.5 * formula("p = e^z", 60).height
    assert painted(whole).any()


def test_sum_line_terms_and_rows():
    line = SumLine(DARK, Area(-6, -3.2, 6, -2.6))
    line.change("z =", ("1.35", "positive"), "+", "2.00", "=", "3.35")
    assert line.text == "z = 1.35 + 2.00 = 3.35"
    boxes = [part.bounding_box() for part in line.lines]
    assert all(a[2] < b[0] for a, b in pairwise(boxes))
    np.testing.assert_array_equal(line.lines[1].rgb, DARK.rgb("positive"))
    *_, last = line.change(*["123.45 +"] * 14, origins={13: (3, 2)})
    assert last.mobject.points.mean(axis=0)[:2] == pytest.approx((3, 2)), "it starts at its mark"
    rows = {round(float(part.points[0, 1]), 3) for part in line.lines[:13]}
    assert len(rows) == 2
    assert all(part.bounding_box()[0] >= -6 and part.bounding_box()[2] <= 6 for part in line.lines[:13])


class Moves(Film):
    """Neurons light up one after another over a bar, beside a label."""

    def construct(self):
        self.column = Neurons([(0, 1), (0, 0), (0, -1)], 0.4, (0, 0, 0), (1, 1, 1))
        self.on_top = Edges([(-1, 0)], [(1, 0)], [1, 0, 0, 1], 5.0)
        with self.step("first"):
            self.add(text_line("x", at=(5, 0)))
            self.play(Animate(self.column, start={"opacity": 0.0}, opacity=1.0, run_time=0.4))
            self.add(self.on_top)
        with self.step("second"):
            self.play(Animate(self.column, fill=np.eye(3), lag_ratio=1.0, run_time=1.0))
            self.moved, self.stood = self.moving_mobjects, self.static_mobjects


def test_animate_and_redraw(mlp_run, make_context):
    played = play_film(Moves, make_context(mlp_run), fps=10)
    film = played.film
    np.testing.assert_array_equal(film.column.fill, np.eye(3))
    assert film.column.opacity == 1.0
    assert film.on_top in film.moved, "what lies over a moving mobject is drawn again"
    assert "x" in [m.text for m in film.stood if hasattr(m, "text")]
    film.renderer.static_image = None
    film.renderer.update_frame(film)
    whole = film.camera.pixel_array[..., :3]
    assert np.array_equal(played.frames[-1][0], whole), "frames pieced together are those drawn whole"


def test_animate_lag_ratio(mlp_run, make_context):
    change = Animate(Neurons([(0, 1), (0, 0)], 0.4, 0, 1), fill=np.ones((2, 3)), lag_ratio=1.0, run_time=1.0)
    change.begin()
    change.interpolate(0.5)
    first, last = change.mobject.fill[:, 0]
    assert first == pytest.approx(1)
    assert last == pytest.approx(0)
    change.interpolate(1)
    assert (change.mobject.fill == 1).all()


def test_graph_dense_blocks(mlp_run):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)
    )
    trace = module_context(mlp_run, module, mlp_run.examples().images[0], list("abc"), 0).trace()
    first, last = mlp_layers(trace, graph_of_trace(trace))
    assert first.functions == ("BN", "ReLU")
    np.testing.assert_allclose(first.weight @ first.inputs + first.bias, first.z, atol=1e-5)
    np.testing.assert_allclose(last.weight @ first.output + last.bias, trace.logits, atol=1e-5)
    rows, columns_ = np.array([2, 5]), np.array([100, 300, 350])
    np.testing.assert_array_equal(
        first.contributions(rows, columns_), first.weight[rows][:, columns_] * first.inputs[columns_]
    )


class Skip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(784, 10), nn.Linear(10, 10)

    def forward(self, x):
        y = self.a(x.flatten(1)).relu()
        return self.b(y) + y


def test_dense_blocks_refuse_skip_connections(mlp_run):
    trace = module_context(mlp_run, Skip(), mlp_run.examples().images[0], list("0123456789"), 0).trace()
    with pytest.raises(RequirementError, match="expected a sequence of dense layers"):
        mlp_layers(trace, graph_of_trace(trace))


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.integers(1, 20))
def test_select_strongest(values, limit):
    found = top_k(np.array(values), limit)
    assert len(found) == min(limit, len(values)) == len(set(found.tolist()))
    assert (np.diff(found) > 0).all()
    left = np.delete(np.abs(values), found)
    assert not len(left) or np.abs(np.array(values))[found].min() >= left.max()


def test_select_strongest_with_ties():
    assert top_k(np.ones(100), 4).tolist() == [0, 33, 66, 99]
    assert top_k(np.arange(10), 3, keep=[0]).tolist() == [0, 8, 9]


def test_normalize_activation():
    np.testing.assert_allclose(normalize_activation(np.array([0.2, 0.4]), ("Sigmoid",)), [0.2, 0.4])
    np.testing.assert_allclose(normalize_activation(np.array([-2.0, 4.0]), ("ReLU",)), [-0.5, 1])
    assert (normalize_activation(np.zeros(3)) == 0).all()


def test_layout_positions():
    centers, dots = column_positions(4, 1.0, -2, 2, True, 9)
    assert len(dots) == 3
    assert (np.diff(centers[:, 1]) < 0).all()
    assert centers[1, 1] > dots[:, 1].max() > dots[:, 1].min() > centers[2, 1]
    frame = axis_aligned_frame(0, 0, 28, 28)
    box = pixel_boxes(frame, np.array([0, 29, 784]), (28, 28))
    np.testing.assert_allclose(box, [[(0, 27), (1, 28)], [(1, 26), (2, 27)], [(0, 27), (1, 28)]])
    assert row_frames(frame, 28)[3, 0].tolist() == [0, 25]
    strip = unrolled_frames(0, 1, -1, 1, 4)
    np.testing.assert_allclose(strip[:-1, 1], strip[1:, 0])


def test_film_default_context(mlp_run, monkeypatch, tmp_path):
    monkeypatch.setenv("NETCORE_RUN", str(mlp_run.path))
    monkeypatch.setenv("NETCORE_THEME", "light")
    monkeypatch.chdir(tmp_path)
    with tempconfig({"dry_run": True, "frame_rate": 2, "progress_bar": "none", "verbosity": "ERROR"}):
        film = Moves()
        film.render()
    assert film.context._run.name == mlp_run.name
    assert film.theme.name == "light"
    assert film.theme.background != DARK.background

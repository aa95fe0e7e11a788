"""The first four figures show the run's numbers: artists read back and compared with run and trace."""

import numpy as np
import pytest
from figure_checks import drawn, words
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from scipy.stats import binomtest

from netcore.errors import NetcoreError
from netcore.stage.colours import diverging, sequential
from netcore.stage.mosaic import CrispImage, crisp, image_grid
from netcore.stage.plot import Box, fit, new_figure, percent, width
from netcore.stage.theme import DARK, LIGHT


def lines(fig):
    return [line for ax in fig.axes for line in ax.lines]


def test_history_lines(make_case, mlp_run) -> None:
    case = make_case(mlp_run)
    fig, update, _ = drawn("training_history", case)
    rows = case.history["epochs"]
    found = {tuple(np.round(line.get_ydata(), 6)) for line in lines(fig)}
    for key in ("train_loss", "val_loss", "train_accuracy", "val_accuracy"):
        assert tuple(np.round([r[key] for r in rows], 6)) in found, key
    update(0.0)
    assert all(len(line.get_xdata()) <= 1 for line in lines(fig))
    update(0.5)
    ends = [line.get_xdata()[-1] for line in lines(fig) if len(line.get_xdata())]
    assert max(ends) == pytest.approx(0.5 * rows[-1]["epoch"])
    update(1.0)
    assert any(percent(rows[-1]["val_accuracy"]) in text for text in words(fig))


def test_band_is_the_interval_of_the_held_out_accuracy(make_case, mlp_run) -> None:
    case = make_case(mlp_run)
    fig, update, _ = drawn("training_history", case)
    (band,) = fig.findobj(PolyCollection)
    of, rows = case.run.info["data"]["held_out"], case.history["epochs"]
    corners = {tuple(np.round(corner, 6)) for corner in band.get_paths()[0].vertices}
    for row in rows:
        found = binomtest(round(row["val_accuracy"] * of), of).proportion_ci(method="wilson")
        assert {(row["epoch"], round(end, 6)) for end in found} <= corners
    update(0.5)
    assert band.get_paths()[0].vertices[:, 0].max() == pytest.approx(0.5 * rows[-1]["epoch"])


def test_learning_rate_only_where_it_changes(make_case, mlp_run) -> None:
    case = make_case(mlp_run)
    assert "Learning rate" not in words(drawn("training_history", case)[0])
    rows = [dict(r, learning_rate=0.1 / (i + 1)) for i, r in enumerate(case.history["epochs"])]
    before = dict(case.run.info["history"])
    case.run.info["history"] |= {"epochs": rows, "steps": []}
    try:
        fig, update, _ = drawn("training_history", case)
        assert "Learning rate" in words(fig)
        (line,) = fig.axes[-1].lines
        assert list(line.get_xdata()) == [0, 1, 1, 2, 2, 3]
        assert np.allclose(line.get_ydata(), np.repeat([r["learning_rate"] for r in rows], 2))
        update(1.5 / len(rows))  # in the middle of the second epoch its rate holds
        assert line.get_ydata()[-1] == rows[1]["learning_rate"]
        steps = [{"step": 25 * i, "loss": 1.0, "learning_rate": 0.1 / i} for i in range(1, 16)]
        case.run.info["history"]["steps"] = steps
        (line,) = drawn("training_history", case)[0].axes[-1].lines  # of single batches, where they were logged
        assert np.allclose(line.get_ydata(), [s["learning_rate"] for s in steps])
        assert np.allclose(line.get_xdata(), [s["step"] / rows[0]["step"] for s in steps])
    finally:
        case.run.info["history"] |= before


def test_filters_are_the_snapshots_kernels(make_case, cnn_run) -> None:
    case = make_case(cnn_run)
    fig, update, (mosaic,) = drawn("filter_grid", case)
    first, last = (case.weights(at)["conv1.weight"][:, 0] for at in ("first", "best"))
    assert np.array_equal(mosaic.tiles(), last)
    assert mosaic.image.norm.vmin == -mosaic.image.norm.vmax
    assert mosaic.image.norm.vmax >= np.abs(last).max()
    update(0.0)
    assert np.array_equal(mosaic.tiles(), first)
    assert any(text.startswith("untrained") for text in words(fig))
    assert any(text.startswith("32 kernels of 3×3") for text in words(fig))


def test_deep_filters_are_a_matrix_of_kernels(make_case, cnn_run) -> None:
    case = make_case(cnn_run)
    fig, _, (mosaic,) = drawn("filter_grid", case, layer="conv2")
    weight = case.weights()["conv2.weight"]  # (64, 32, 3, 3)
    kernels = {kernel.tobytes() for kernel in weight.reshape(-1, 3, 3)}
    assert len(mosaic.tiles()) == 28 * 12
    assert all(np.ascontiguousarray(tile).tobytes() in kernels for tile in mosaic.tiles())
    norm = np.linalg.norm(weight.reshape(64, -1), axis=1)
    column = mosaic.tiles()[:: mosaic.columns]  # of the first output map shown
    chosen = int(np.sort(np.argsort(-norm)[:28])[0])
    assert all(any(np.array_equal(tile, k) for k in weight[chosen]) for tile in column)
    assert any("28 of 64 output maps" in text and "12 of 32 input maps" in text for text in words(fig))
    with pytest.raises(NetcoreError, match="did you mean 'conv2'"):
        drawn("filter_grid", case, layer="conv22")


def test_neurons_are_rows_of_the_matrix(make_case, mlp_run) -> None:
    case = make_case(mlp_run)
    fig, update, (mosaic,) = drawn("neuron_weights", case)
    assert np.array_equal(mosaic.tiles().reshape(16, 784), case.weights()["hidden1.weight"])
    update(0.0)
    assert np.array_equal(mosaic.tiles().reshape(16, 784), case.weights("first")["hidden1.weight"])
    fig, _, (mosaic,) = drawn("neuron_weights", case, neurons=6)
    weights = case.weights()
    used = np.linalg.norm(weights["hidden2.weight"], axis=0)
    assert np.array_equal(mosaic.tiles().reshape(6, 784), weights["hidden1.weight"][np.sort(np.argsort(-used)[:6])])
    assert any("6 of 16 neurons" in text for text in words(fig))


def test_maps_are_the_traces(make_case, cnn_run) -> None:
    case = make_case(cnn_run)
    fig, update, mosaics = drawn("feature_maps", case)
    trace = case.trace()
    outputs = {name: trace[name].output for name in ("act1", "pool1", "act2", "pool2")}
    digit = next(m for m in mosaics if len(m.tiles()) == 1)
    assert np.allclose(digit.tiles()[0], trace.pixels[0] / 255)
    views = [m for m in mosaics if m is not digit]
    assert len(views) == 4
    for mosaic, output in zip(views, outputs.values(), strict=True):
        known = {np.ascontiguousarray(m).tobytes() for m in output}
        assert all(np.ascontiguousarray(tile).tobytes() in known for tile in mosaic.tiles())
        assert mosaic.image.norm.vmax == pytest.approx(output.max())
    texts = words(fig)
    assert {"28×28", "14×14", "7×7", "conv1", "pool1", "conv2", "pool2"} <= set(texts)
    assert any(f"of {len(outputs['act1'])}" in text for text in texts)
    assert any(f"The network says {trace.prediction}" in text for text in texts)
    update(0.0)
    assert all(np.isnan(mosaic.tiles()).all() for mosaic in views)


def test_bars_are_the_probabilities(make_case, cnn_run) -> None:
    case = make_case(cnn_run)
    fig, _, _ = drawn("feature_maps", case)
    bars = next(ax.patches for ax in fig.axes if len(ax.patches) == 10)
    trace = case.trace()
    assert np.allclose([bar.get_width() for bar in bars], trace.probabilities)
    colour = DARK.right if trace.prediction == trace.label else DARK.wrong
    assert to_hex(bars[trace.prediction].get_facecolor()) == colour


def test_maps_over_images_and_snapshots(make_case, cnn_run) -> None:
    case = make_case(cnn_run)
    fig, update, mosaics = drawn("feature_maps", case, layer="conv1", over="images", images=3)
    assert np.allclose(np.sort(mosaics[0].tiles(), 0), np.sort(case.trace()["act1"].output, 0))
    update(0.0)
    assert np.allclose(mosaics[1].tiles()[0], case.examples().images[0, 0] / 255)
    fig, update, mosaics = drawn("feature_maps", case, layer="conv1", over="snapshots")
    update(0.0)
    assert np.array_equal(mosaics[0].tiles(), case.trace("first")["act1"].output)
    assert "untrained" in words(fig)


# ---- the kit


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_colour_maps_are_the_themes(theme) -> None:
    values = np.linspace(-1, 1, 41)
    assert np.allclose(diverging(theme)(values / 2 + 0.5)[:, :3], theme.signed(values), atol=0.005)
    assert np.allclose(sequential(theme)(abs(values))[:, :3], theme.activation(abs(values)), atol=0.005)
    assert np.allclose(diverging(theme)(0.5)[:3], theme.rgb("ground"))


@pytest.mark.parametrize("size", [(1280, 720), (854, 480), (800, 800), (641, 361)])
def test_figures_have_exactly_the_size_asked_for(size) -> None:
    fig = new_figure(DARK, size)
    fig.canvas.draw()
    assert fig.canvas.get_width_height() == size
    assert fig.dpi / 72 * 14 == pytest.approx(14 * size[0] / 800)  # 14 units are 14 px at 800 px


def test_crisp_images_are_what_matplotlib_draws() -> None:
    pictures = []
    values = np.random.default_rng(0).normal(size=(7, 11)).astype(np.float32)
    values[2] = np.nan
    for own in (True, False):
        fig = new_figure(DARK, (440, 300))
        ax = fig.add_axes((0, 0.1, 0.5, 0.7 * 220 * 7 / 11 / 210 * 300 / 300))
        fig.canvas.draw()
        if own:
            assert isinstance(crisp(ax, values, diverging(DARK), -2, 2), CrispImage)
        else:
            ax.imshow(values, cmap=diverging(DARK), vmin=-2, vmax=2, interpolation="nearest", aspect="auto")
            ax.axis("off")
        fig.canvas.draw()
        pictures.append(np.asarray(fig.canvas.buffer_rgba()).astype(int))
    assert (np.abs(pictures[0] - pictures[1]).max(2) > 1).mean() < 0.002


def test_mosaic_pixels_on_screen() -> None:
    fig = new_figure(DARK, (800, 450))
    images = np.random.default_rng(0).random((6, 5, 5))
    mosaic = image_grid(fig, Box(10, 20, 300, 200), images, gap=4)
    fig.canvas.draw()
    screen = np.asarray(fig.canvas.buffer_rgba())[..., :3] / 255
    place = mosaic.ax.get_window_extent()
    cell = place.width / mosaic.image.get_array().shape[1]
    for i in (0, 3, 5):
        row, column = mosaic.corner(i)
        y, x = (450 - place.y1) + (row + 0.5) * cell, place.x0 + (column + 0.5) * cell
        assert np.allclose(screen[int(y), int(x)], DARK.activation(images[i, 0, 0]), atol=0.01)


def test_fit_shortens_only_what_is_too_long() -> None:
    fig = new_figure(DARK)
    assert fit(fig, "short", 200) == "short"
    cut = fit(fig, "a name that is much too long for this", 120)
    assert cut.endswith("…")
    assert 90 < width(fig, cut) <= 120


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100.0 %"), (0.99999, "> 99.9 %"), (0.5, "50.0 %"), (1e-6, "< 0.1 %"), (0.0, "0.0 %")],
)
def test_percent_never_rounds_to_certainty(share, text) -> None:
    assert percent(share) == text

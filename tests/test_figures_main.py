"""The first four figures show the run's numbers: artists read back and compared with run and trace."""

from dataclasses import replace

import figure_runs
import numpy as np
import pytest
from figure_checks import (
    artist_center,
    color_bar_of,
    draw_figure,
    is_nearer,
    layout_problems,
    legend_colors,
    painted_strings,
    text_spots,
    texts_in_row,
    title_above,
)
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from sampling import sampled
from scipy.stats import binomtest

from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.history import held_out_text
from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_count, format_number, format_percent, format_subset
from netcore.core.run_writer import RunWriter
from netcore.core.trace import LayerTrace, Trace
from netcore.viz.mpl.activation_columns import ActivationView, draw_activation_columns
from netcore.viz.mpl.axes import add_colorbar
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging, sequential
from netcore.viz.mpl.image_grid import PixelImage, image_grid, show_pixels
from netcore.viz.mpl.probability_bars import ProbabilityBars, prediction_color
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.mpl.text import add_color_legend, ellipsize, text_width
from netcore.viz.mpl.timeline import frame_index
from netcore.viz.theme import DARK, LIGHT
from netcore.viz.wording import format_prediction

ROWS = [
    {"epoch": 1, "step": 10, "train_loss": 1.64, "val_loss": 0.94, "train_accuracy": 0.3, "val_accuracy": 0.4},
    {"epoch": 2, "step": 20, "train_loss": 0.654, "val_loss": 0.53, "train_accuracy": 0.84, "val_accuracy": 0.8},
    {"epoch": 4, "step": 50, "train_loss": 0.052, "val_loss": 0.61, "train_accuracy": 0.97, "val_accuracy": 0.925},
]
STEPS = [
    {"step": step, "loss": loss} for step, loss in ((2, 2.3), (5, 1.9), (14, 1.0), (20, 1.1), (35, 0.4), (50, 0.2))
]
ENDS = " on 40 held-out images"
NOTES = {  # by the share of the animation, four epochs long
    0.0: "before the end of epoch 1 of 4",
    0.2: "before the end of epoch 1 of 4",
    0.25: "epoch 1 of 4 · training loss 1.6 (epoch mean) · accuracy 40.0 %" + ENDS,
    0.45: "epoch 1 of 4 · training loss 1.6 (epoch mean) · accuracy 40.0 %" + ENDS,
    0.5: "epoch 2 of 4 · training loss 0.65 (epoch mean) · accuracy 80.0 %" + ENDS,
    0.75: "epoch 2 of 4 · training loss 0.65 (epoch mean) · accuracy 80.0 %" + ENDS,
    1.0: "epoch 4 of 4 · training loss 0.052 (epoch mean) · accuracy 92.5 %" + ENDS,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`made("rgb")`: a case of a run with random weights."""
    kept = {}

    def make(name):
        if name not in kept:
            kept[name] = figure_runs.make_run(tmp_path_factory.mktemp("runs"), name)
        return figure_runs.first_example_context(kept[name])

    return make


@pytest.fixture
def history(made, monkeypatch):
    """A case with a history whose epochs and steps are not evenly spaced."""
    context = made("made-mlp")
    monkeypatch.setitem(context._run.info, "history", {"epochs": ROWS, "steps": STEPS})
    return context


def note_of(fig) -> str:
    """The line under the title."""
    title, *below = (s for s in text_spots(fig) if s.left < 30)
    assert title.bold
    return below[0].text


def panels(fig):
    """Axes with curves by the titles that stand over them."""
    return {title_above(fig, ax): ax for ax in fig.axes if ax.lines}


def curves(ax):
    """Data of the lines of axes by colour, without the pale ones of single batches."""
    drawn = [line for line in ax.lines if line.get_alpha() is None and line.get_linestyle() != "None"]
    return {to_hex(line.get_color()): line.get_xydata() for line in drawn}


def column(key: str) -> list[float]:
    return [row[key] for row in ROWS]


def value_of(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-").strip("≤≥ "))


def near(value: float):
    """What a number of two digits may differ from."""
    return pytest.approx(value, rel=0.051)


def told(context, snapshot) -> str:
    """What the timeline must say of a snapshot."""
    rows = {row["step"]: row for row in context.history["epochs"]}
    if snapshot.step not in rows:
        return f"step {snapshot.step}" if snapshot.step else "untrained"
    right, of = rows[snapshot.step]["val_accuracy"], context._run.info["data"]["held_out"]
    return f"epoch {rows[snapshot.step]['epoch']} · accuracy {format_percent(right)} on {of:,} held-out images"


def timeline_of(fig):
    """The text over the row of dots, and where in it the dots, the past ones and the present one stand."""
    named = [{to_hex(line.get_color()): line for line in ax.lines} for ax in fig.axes]
    ax, lines = next((ax, found) for ax, found in zip(fig.axes, named, strict=True) if DARK.emphasis in found)
    (left, _), y = ax.transData.transform((0, 0)), artist_center(ax)[1]
    text = next(s.text for s in text_spots(fig) if abs(s.left - left) < 8 and 0 < y - s.y < 35)
    return text, *(list(lines[color].get_xdata()) for color in (DARK.faint, DARK.muted, DARK.emphasis))


def check_timeline(fig, context, snapshots, i: int) -> None:
    dots = [k / (len(snapshots) - 1) for k in range(len(snapshots))]
    text, every, past, now = timeline_of(fig)
    assert text == told(context, snapshots[i])
    assert every == pytest.approx(dots)
    assert past == pytest.approx(dots[: i + 1])
    assert now == pytest.approx([dots[i]])


def check_curve(fig, context, i: int) -> None:
    """The time axis is the held-out accuracy, its cursor at snapshot `i`, its dot where that accuracy is recorded."""
    steps = np.array([snapshot.step for snapshot in context.snapshots], float)
    at = np.log1p if steps[4] < 0.02 * steps[-1] else lambda step: step
    rows = {row["step"]: row["val_accuracy"] for row in context.history["epochs"]}
    curve, past, cursor, dot = curve_of(fig)
    assert np.allclose(curve, [[at(step) / at(steps[-1]), value] for step, value in rows.items()])
    assert np.allclose(past, [xy for xy, step in zip(curve, rows, strict=True) if step <= steps[i]] or past)
    assert np.allclose(cursor[:, 0], at(steps[i]) / at(steps[-1]))
    value = rows.get(context.snapshots[i].step)
    assert np.allclose(dot, [[at(steps[i]) / at(steps[-1]), value]] if value is not None else dot[:0])
    label = context.snapshots[i].label
    texts = painted_strings(fig)
    assert (label if value is None else f"{label}: {format_percent(value)}") in texts
    assert f"accuracy, {held_out_text(context)}" in texts


def curve_of(fig):
    """Points of the accuracy curve, of its part so far, of the cursor and of the dot."""
    (ax,) = (ax for ax in fig.axes if any(to_hex(line.get_color()) == DARK.emphasis for line in ax.lines))
    return [line.get_xydata() for line in ax.lines[-4:]]


def strip_of(fig):
    """The image inside the colour bar."""
    (strip,) = (i for i in fig.findobj(AxesImage) if not isinstance(i, PixelImage))
    return strip


def check_scale(fig, grid, label: str, low: float, high: float) -> list[str]:
    """The colour bar under `label` is the scale of a grid; give what stands at its ticks."""
    strip = strip_of(fig)
    limits, ticks = color_bar_of(fig, label)
    assert limits == pytest.approx((low, high))
    assert (grid.image.norm.vmin, grid.image.norm.vmax) == pytest.approx((low, high))
    values = np.linspace(low, high, strip.get_array().shape[1])
    assert strip.get_extent()[:2] == pytest.approx((low, high))
    assert np.allclose(strip.to_rgba(strip.get_array())[0], grid.image.to_rgba(values), atol=0.02)
    expected = DARK.signed_colors(values / high) if low < 0 else DARK.activation_colors(values / high)
    assert np.allclose(grid.image.to_rgba(values)[:, :3], expected, atol=0.02)
    return ticks


def rows_of(bars: ProbabilityBars, fig) -> list[tuple[list[str], float, str]]:
    """Every bar from the top: the texts beside it, its length and its colour."""
    found = sorted(bars.bars, key=lambda bar: artist_center(bar)[1])
    return [(texts_in_row(fig, artist_center(b)[1]), b.get_width(), to_hex(b.get_facecolor())) for b in found]


def context_with_predictions(shares, label, classes=None) -> Trace:
    """A trace of nothing but an answer."""
    names = classes or [f"class {k}" for k in range(len(shares))]
    empty = np.zeros((1, 2, 2))
    return Trace(empty.astype(np.uint8), empty, (), np.log(shares).astype(np.float32), tuple(names), label)


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """Places of the largest values, in order."""
    return np.sort(np.argsort(-values, kind="stable")[:count])


# ---- training_history


def test_training_history_curve_colors(history) -> None:
    fig, update, _ = draw_figure("training_history", history)
    assert legend_colors(fig) == {"training": DARK.positive, "held out": DARK.negative}
    axes = panels(fig)
    assert set(axes) == {"Loss", "Accuracy"}
    for name, ax in axes.items():
        for color, which in ((DARK.positive, "train"), (DARK.negative, "val")):
            assert np.allclose(curves(ax)[color], np.transpose([[1, 2, 4], column(f"{which}_{name.lower()}")]))
        assert ax.get_xlim() == (0, 4)
        assert ax.get_xlabel() == "epoch"
        low, high = ax.get_ylim()
        assert all(low <= y <= high for data in curves(ax).values() for y in data[:, 1])
        for x, text in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True):
            assert float(text.get_text()) == x
    assert axes["Loss"].get_ylim()[0] == 0
    for y, text in zip(axes["Accuracy"].get_yticks(), axes["Accuracy"].get_yticklabels(), strict=True):
        assert text.get_text() == f"{100 * y:.4g} %"
    update(0.0)
    assert all(len(data) == 0 for ax in axes.values() for data in curves(ax).values())
    update(0.75)  # in the third epoch, whose end was not measured
    for name, ax in axes.items():
        for color, which in ((DARK.positive, "train"), (DARK.negative, "val")):
            y = column(f"{which}_{name.lower()}")
            assert np.allclose(curves(ax)[color], [(1, y[0]), (2, y[1]), (3, (y[1] + y[2]) / 2)])
        assert all(len(line.get_markevery()) == 2 for line in ax.lines if line.get_alpha() is None)


def test_training_history_note_over_time(history) -> None:
    fig, update, _ = draw_figure("training_history", history)
    for t, note in NOTES.items():
        update(t)
        assert note_of(fig) == note


def test_training_history_batch_loss_positions(history) -> None:
    fig, update, _ = draw_figure("training_history", history)
    (thin,) = (line for line in panels(fig)["Loss"].lines if line.get_alpha())
    assert to_hex(thin.get_color()) == DARK.positive
    x, y = [0.2, 0.5, 1.4, 2, 3, 4], [s["loss"] for s in STEPS]
    assert np.allclose(thin.get_xydata(), np.transpose([x, y]))
    update(0.3)
    assert np.allclose(thin.get_xydata(), [(0.2, 2.3), (0.5, 1.9), (1.2, 1.9 - 0.9 * 7 / 9)])
    fig = draw_figure("training_history", history, batch_loss=False, log_scale=True).fig
    assert panels(fig)["Loss"].get_yscale() == "log"
    assert not [line for ax in fig.axes for line in ax.lines if line.get_alpha()]
    assert not any("batches" in text for text in painted_strings(fig))


def test_training_history_marks_best_epoch(history, monkeypatch) -> None:
    """A ring at the held-out loss and accuracy of the best snapshot, once its epoch is drawn."""
    monkeypatch.setitem(history._run.info, "best", 10)
    fig, update, _ = draw_figure("training_history", history)
    assert legend_colors(fig)["best epoch"] == DARK.emphasis
    lines = {name: ax.lines for name, ax in panels(fig).items()}
    rings = {name: next(line for line in found if line.get_linestyle() == "None") for name, found in lines.items()}
    for name, ring in rings.items():
        assert np.allclose(ring.get_xydata(), [(1, ROWS[0][f"val_{name.lower()}"])])
        assert to_hex(ring.get_markeredgecolor()) == DARK.emphasis
    update(0.2)
    assert not any(ring.get_visible() for ring in rings.values())
    update(0.25)
    assert all(ring.get_visible() for ring in rings.values())


def test_training_history_reports_hidden_losses(history, monkeypatch) -> None:
    """Batch losses above the axis are given as a number, those within it are not."""
    fig = draw_figure("training_history", history).fig
    assert panels(fig)["Loss"].get_ylim()[1] < 2.3
    assert "nats · thin: batches, up to 2.3" in painted_strings(fig)
    low = [step | {"loss": 0.1} for step in STEPS]
    monkeypatch.setitem(history._run.info, "history", {"epochs": ROWS, "steps": low})
    assert "nats · thin: batches" in painted_strings(draw_figure("training_history", history).fig)


METRICS = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "learning_rate")


@pytest.mark.parametrize("absent", sampled([*((key,) for key in METRICS), METRICS, METRICS[1:]], every=3))
def test_training_history_without_some_metrics(history, monkeypatch, absent) -> None:
    every = [row | {"learning_rate": 0.1 / row["epoch"], "f1": 0.5} for row in ROWS]
    rows = [{k: v for k, v in row.items() if k not in absent} for row in every]
    monkeypatch.setitem(history._run.info, "history", {"epochs": rows, "steps": []})
    monkeypatch.setitem(history._run.info, "best", 10)
    fig = draw_figure("training_history", history).fig
    assert layout_problems(fig) == []
    for name in ("Loss", "Accuracy"):
        for color, which in ((DARK.positive, "train"), (DARK.negative, "val")):
            shown = curves(panels(fig)[name])[color] if name in panels(fig) else []
            assert len(shown) == (0 if f"{which}_{name.lower()}" in absent else len(ROWS))


def test_training_history_accuracy_interval(history, monkeypatch) -> None:
    fig, update, _ = draw_figure("training_history", history)
    (band,) = fig.findobj(PolyCollection)
    assert band.axes is panels(fig)["Accuracy"]
    assert to_hex(band.get_facecolor()[0]) == DARK.negative
    ends = [binomtest(round(a * 40), 40).proportion_ci(method="wilson") for a in column("val_accuracy")]
    low, high = np.transpose(ends)

    def corners() -> set:
        return {tuple(np.round(corner, 6)) for corner in band.get_paths()[0].vertices}

    def expected(x, *sides) -> set:
        return {(a, round(b, 6)) for side in sides for a, b in zip(x, side, strict=True)}

    assert corners() == expected([1, 2, 4], low, high)
    update(0.75)
    assert corners() == expected([1, 2, 3], *((*side[:2], side[1:].mean()) for side in (low, high)))
    assert "band: 95 % confidence interval" in painted_strings(fig)
    monkeypatch.setitem(history._run.info, "data", {"train": 1000})
    fig, _, _ = draw_figure("training_history", history)
    assert not fig.findobj(PolyCollection)
    assert not any("interval" in text for text in painted_strings(fig))
    assert note_of(fig).endswith("accuracy 92.5 % on held-out images")


def test_training_history_learning_rate_panel(history, monkeypatch) -> None:
    assert set(panels(draw_figure("training_history", history).fig)) == {"Loss", "Accuracy"}
    rates = [0.1, 0.05, 0.03]
    rows = [row | {"learning_rate": rate} for row, rate in zip(ROWS, rates, strict=True)]
    monkeypatch.setitem(history._run.info, "history", {"epochs": rows, "steps": []})
    fig, update, _ = draw_figure("training_history", history)
    ax = panels(fig)["Learning rate"]
    (line,) = ax.lines
    assert list(line.get_xdata()) == [0, 1, 1, 2, 2, 4]
    assert np.allclose(line.get_ydata(), np.repeat(rates, 2))
    assert (ax.get_xlim(), ax.get_xlabel()) == ((0, 4), "epoch")
    assert [(t, text.get_text()) for t, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)] == [
        (0.03, "0.030"),
        (0.1, "0.10"),
    ]
    update(1.5 / 4)  # in the middle of the second epoch its rate holds
    assert line.get_xdata()[-1] == 1.5
    assert line.get_ydata()[-1] == 0.05
    steps = [step | {"learning_rate": 0.1 / (i + 1)} for i, step in enumerate(STEPS)]
    monkeypatch.setitem(history._run.info, "history", {"epochs": rows, "steps": steps})
    (line,) = panels(draw_figure("training_history", history).fig)[
        "Learning rate"
    ].lines  # of batches, where they were logged
    assert np.allclose(line.get_ydata(), [s["learning_rate"] for s in steps])
    assert np.allclose(line.get_xdata(), [0.2, 0.5, 1.4, 2, 3, 4])


# ---- filter_grid


def test_filter_grid_kernels_by_snapshot(make_context, cnn_run) -> None:
    context = make_context(cnn_run)
    fig, update, (grid, *_) = draw_figure("filter_grid", context, kernels=64)
    over_time = [context.weights(s)["conv1.weight"][:, 0] for s in context.snapshots]
    limit = np.abs(over_time).max()
    low, zero, high = check_scale(fig, grid, "weight, and weight × pixel", -limit, limit)
    assert (value_of(low), zero, value_of(high)) == (near(-limit), "0", near(limit))
    sense = "of 3×3 · blue: positive weights, orange: negative weights"
    assert note_of(fig) == f"32 kernels {sense}"
    for i, kernels in enumerate(over_time):
        update((i + 0.5) / len(over_time))
        assert np.array_equal(grid.images(), kernels)
        check_curve(fig, context, i)
    early = make_context(cnn_run, at="step:10")
    fig, _, (grid, *_) = draw_figure("filter_grid", early, kernels=10)
    last = early.weights()["conv1.weight"][:, 0]
    assert np.array_equal(grid.images(), last[largest(np.sqrt((last**2).sum((1, 2))), 10)])
    assert note_of(fig) == f"10 of 32 kernels {sense}"
    check_timeline(fig, early, context.snapshots[:4], 3)


def test_filter_grid_of_deep_layer(make_context, cnn_run) -> None:
    context = make_context(cnn_run)
    fig, update, (grid, *_) = draw_figure("filter_grid", context, layer="conv2")
    over_time = [context.weights(s)["conv2.weight"] for s in context.snapshots]  # (64, 32, 3, 3)
    norm = np.sqrt((over_time[-1] ** 2).sum((2, 3)))
    across, down = largest(norm.sum(1), 12), largest(norm.sum(0), 9)
    limit = max(np.abs(w[across][:, down]).max() for w in over_time)
    low, _, high = check_scale(fig, grid, "weight, and weight × value", -limit, limit)
    assert (value_of(low), value_of(high)) == (near(-limit), near(limit))
    assert grid.columns == 12
    for i, weight in enumerate(over_time):
        update((i + 0.5) / len(over_time))
        assert np.array_equal(grid.images(), [weight[a, b] for b in down for a in across])
    assert "12 of 64 output maps across, 9 of 32 input maps down, largest norms" in note_of(fig)
    assert "Convolution kernels of convolution 2, cnn-2conv" in painted_strings(fig)
    with pytest.raises(NetcoreError, match="did you mean 'conv2'"):
        draw_figure("filter_grid", context, layer="conv22")


def test_filter_grid_of_color_channels(tmp_path) -> None:
    run = figure_runs.make_run(tmp_path, "rgb")
    turned = {k: v[::-1] / 2 if k == "conv1.weight" else v for k, v in run.weights(run.snapshot("last")).items()}
    # the last one has other kernels that are strongest, and the middle one larger ones
    RunWriter(run).add_snapshot(turned, 2, 20)
    context = figure_runs.first_example_context(run)
    over_time = [context.weights(s)["conv1.weight"] for s in context.snapshots]  # (6, 3, 3, 3)
    fig, update, (grid, *_) = draw_figure("filter_grid", context, kernels=4)
    chosen = largest(np.sqrt((over_time[-1] ** 2).sum((2, 3))).sum(1), 4)
    limit = np.abs([weight[chosen] for weight in over_time]).max()
    check_scale(fig, grid, "weight, and weight × pixel", -limit, limit)
    assert note_of(fig).startswith("4 of 6 kernels of 3×3, the 3 input channels one below the other")
    for i, weight in enumerate(over_time):
        update((i + 0.5) / 3)
        assert np.array_equal(grid.images(), [np.concatenate(weight[k]) for k in chosen])


# ---- neuron_weights


def test_neuron_weights_by_snapshot(make_context, mlp_run) -> None:
    context = make_context(mlp_run)
    fig, update, (grid, *_) = draw_figure("neuron_weights", context, neurons=24)
    over_time = [context.weights(s)["hidden1.weight"] for s in context.snapshots]
    limit = np.quantile(np.abs(over_time[-1]), 0.998)
    low, zero, high = check_scale(fig, grid, "weight, and weight × pixel", -limit, limit)
    assert (low[:2], zero, high[:2]) == ("≤ ", "0", "≥ ")
    assert (value_of(low), value_of(high)) == (near(-limit), near(limit))
    assert note_of(fig) == "16 neurons · blue: positive, orange: negative"
    for i, weight in enumerate(over_time):
        update((i + 0.5) / len(over_time))
        assert np.array_equal(grid.images(), weight.reshape(16, 28, 28))
        check_curve(fig, context, i)


def test_neuron_weights_selection(make_context, mlp_run) -> None:
    context = make_context(mlp_run)
    fig, update, (grid, *_) = draw_figure("neuron_weights", context, neurons=6)
    chosen = largest((context.weights()["hidden2.weight"] ** 2).sum(0), 6)
    for t, snapshot in ((0, context.snapshots[0]), (1, context.snapshots[-1])):
        update(t)
        assert np.array_equal(grid.images(), context.weights(snapshot)["hidden1.weight"][chosen].reshape(6, 28, 28))
    assert note_of(fig).startswith("6 of 16 neurons, largest outgoing weights")


def test_neuron_weights_of_color_images(made) -> None:
    """Weights of colour images are shown as the mean of the channels."""
    context = made("colour-mlp")
    fig, _, (grid, *_) = draw_figure("neuron_weights", context, neurons=24)
    weights = context.weights()
    chosen = largest((weights["output.weight"] ** 2).sum(0), 24)
    red, green, blue = weights["hidden1.weight"][chosen].reshape(24, 3, 32, 32).swapaxes(0, 1)
    assert np.allclose(grid.images(), (red + green + blue) / 3, atol=1e-6)
    limit = np.quantile(np.abs(red + green + blue) / 3, 0.998)
    check_scale(fig, grid, "weight, and weight × pixel", -limit, limit)
    assert note_of(fig).startswith("24 of 40 neurons, largest outgoing weights")


# ---- the shared kit: bars


def bars_of(trace, most=10):
    with theme_style(DARK):
        fig = new_figure(DARK, (800, 450))
        bars = ProbabilityBars(fig, Box(100, 60, 400, 340), trace.classes, most)
        bars.update(trace)
    return fig, bars


def test_probability_bars_rows() -> None:
    shares = np.array([0.25, 0.0004, 0.5, 0.15, 0.0996])
    fig, bars = bars_of(context_with_predictions(shares, 3))
    rows = rows_of(bars, fig)
    texts = [["class 0", "25.0 %"], ["class 1"], ["class 2", "50.0 %"], ["class 3", "15.0 %"], ["class 4", "10.0 %"]]
    assert [row[0] for row in rows] == texts
    assert np.allclose([row[1] for row in rows], shares)
    assert [row[2] for row in rows] == [DARK.positive, DARK.positive, DARK.incorrect, DARK.correct, DARK.positive]
    colors = {s.text: (s.color, s.bold) for s in text_spots(fig)}
    assert colors["class 2"] == (DARK.incorrect, True)
    assert colors["class 3"] == (DARK.correct, True)
    assert colors["class 0"] == (DARK.muted, False)
    ends = {s.text: s.left for s in text_spots(fig)}
    assert all(
        0 < ends[row[0][1]] - bar.get_window_extent().x1 < 10
        for row, bar in zip(rows, bars.bars, strict=True)
        if row[1] > 0.01
    )
    assert bars.bars[2].get_window_extent().width == pytest.approx(bars.bars[0].axes.get_window_extent().width / 2)
    bars.update(None)
    assert [row[:2] for row in rows_of(bars, fig)] == [([f"class {k}"], 0) for k in range(5)]


def test_probability_bars_colors_by_label() -> None:
    shares = np.array([0.1, 0.7, 0.2])
    for label, color in ((1, DARK.correct), (None, DARK.emphasis)):
        fig, bars = bars_of(context_with_predictions(shares, label))
        assert [row[2] for row in rows_of(bars, fig)] == [DARK.positive, color, DARK.positive]


def test_probability_bars_many_classes_sorted() -> None:
    shares = np.arange(1, 13)[[3, 0, 7, 11, 5, 1, 9, 2, 10, 4, 8, 6]] / 78
    order = [3, 8, 6, 10, 2, 11, 4, 9, 0, 7]  # not the two least likely
    fig, bars = bars_of(context_with_predictions(shares, 6))
    rows = rows_of(bars, fig)
    assert [row[0] for row in rows] == [[f"class {k}", f"{100 * shares[k]:.1f} %"] for k in order]
    assert np.allclose([row[1] for row in rows], shares[order])
    assert [row[2] for row in rows] == [DARK.incorrect, DARK.positive, DARK.correct] + [DARK.positive] * 7


def test_prediction_color() -> None:
    wrong, right, unknown = (context_with_predictions(np.array([0.1, 0.7, 0.2]), label) for label in (2, 1, None))
    assert [prediction_color(DARK, wrong, k) for k in range(3)] == [None, DARK.incorrect, DARK.correct]
    assert [prediction_color(DARK, right, k) for k in range(3)] == [None, DARK.correct, None]
    assert [prediction_color(DARK, unknown, k) for k in range(3)] == [None, DARK.emphasis, None]
    assert prediction_color(DARK, None, 1) is None


def test_format_prediction() -> None:
    animals = ["cat", "dog", "elk"]
    assert format_prediction(animals, 1, 0.725, 1) == "predicted dog (72.5 %), correct"
    assert format_prediction(animals, 1, 0.725, 2) == "predicted dog (72.5 %), true class elk"
    assert format_prediction({1: "dog"}, 1, 0.99999) == "predicted dog (> 99.9 %)"


# ---- the shared kit: views, timeline, facts


def of_values(*outputs) -> Trace:
    """A trace of these outputs, named a, b, …"""
    empty = np.zeros((1, 2, 2))
    arrays = [np.asarray(value, float) for value in outputs]
    kinds = ["Conv2d" if value.ndim == 3 else "Linear" for value in arrays]
    inputs = ["input", *"abc"]
    layers = [
        LayerTrace(name, kind, (before,), value)
        for name, kind, before, value in zip("abc", kinds, inputs, arrays, strict=False)
    ]
    return Trace(empty.astype(np.uint8), empty, tuple(layers), np.zeros(2), ("cat", "dog"))


def view_of(*traces: Trace) -> ActivationView:
    graph = graph_of_trace(traces[0])
    return ActivationView(graph["a"], traces, graph)


def test_activation_view_selects_units() -> None:
    """Maps that vary most and the largest entries of vectors are shown."""
    flat, edge, faint, spot = np.full((2, 2), 9), [[0, 4], [0, 4]], [[0, 0], [0, 0.5]], [[0, 0], [0, 8]]
    maps = view_of(of_values([flat, edge, faint, spot]))
    maps.select(2)
    assert list(maps.selected) == [1, 3]
    assert (maps.limit, maps.signed) == (9, False)
    vector = view_of(of_values([1.5, -5, 0, 3]), of_values([1.5, 4, 0, 3.5]))
    vector.select(2)  # means of the magnitudes: 1.5, 4.5, 0, 3.25
    assert list(vector.selected) == [1, 3]
    assert (vector.limit, vector.signed) == (5, True)


def test_activation_columns_scale_labels() -> None:
    trace = of_values(np.full((3, 4, 4), 2.0), [1.0, -4.0, 3.0])
    graph = graph_of_trace(trace)
    views = [
        ActivationView(replace(graph.fold("operation")[node], short=name), [trace], graph)
        for name, node in (("first", "a"), ("second", "b"))
    ]
    with theme_style(DARK):
        fig = new_figure(DARK, (800, 450))
        draw_activation_columns(fig, Box(100, 50, 400, 300), views, 18)
        for view in views:
            view.update(trace)
    assert [(view.grid.image.norm.vmin, view.grid.image.norm.vmax) for view in views] == [(-2, 2), (-4, 4)]
    assert np.allclose(views[1].grid.images().ravel(), [1, -4, 3])
    colors = views[1].grid.image.to_rgba(np.array([-4.0, 4.0]))[:, :3]
    assert is_nearer(colors[0], DARK.negative, DARK.positive)
    assert is_nearer(colors[1], DARK.positive, DARK.negative)
    heights = sorted({round(s.y) for s in text_spots(fig)})
    assert [texts_in_row(fig, y, slack=1) for y in heights] == [
        ["first", "second"],
        ["4×4", "3"],
        ["3", "3"],
        ["2.0", "4.0"],
    ]


def test_frame_index_spreads_evenly() -> None:
    assert [frame_index(t, 4) for t in (0, 0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert frame_index(1.0, 1) == 0


def test_format_count(made) -> None:
    assert [format_subset(24, 1024, "neuron"), format_subset(16, 16, "neuron"), format_subset(1, 5, "map")] == [
        "24 of 1,024 neurons",
        "16 neurons",
        "1 of 5 maps",
    ]
    assert [format_count(n, noun) for n, noun in ((1, "image"), (1000, "image"), (2, "pass"), (0, "class"))] == [
        "1 image", "1,000 images", "2 passes", "0 classes",
    ]  # fmt: skip
    assert held_out_text(made("made-mlp")) == "40 held-out images"


# ---- the shared kit: plot


def test_legend_names_and_colors() -> None:
    fig = new_figure(DARK, (800, 450))
    entries = {"one": DARK.correct, "another": DARK.incorrect, "third": DARK.emphasis}
    add_color_legend(fig, entries)
    assert legend_colors(fig) == entries
    assert texts_in_row(fig, next(s.y for s in text_spots(fig) if s.text == "one")) == [
        "●",
        "one",
        "●",
        "another",
        "●",
        "third",
    ]


def test_colorbar_tick_positions() -> None:
    for low, clipped, texts in (
        (-1, False, ["−1.0", "0", "3.0"]),
        (-1, True, ["≤ −1.0", "0", "≥ 3.0"]),
        (0, True, ["0", "≥ 3.0"]),
        (1, False, ["1.0", "3.0"]),
    ):
        fig = new_figure(DARK, (800, 450))
        ax = add_colorbar(fig, Box(100, 100, 400, 40), diverging(DARK), low, 3, "weight", clipped=clipped)
        fig.canvas.draw()
        assert color_bar_of(fig, "weight") == ((low, 3), texts)
        found = {s.text: s for s in text_spots(fig)}
        assert found[texts[0]].left == pytest.approx(100, abs=2)
        assert found[texts[-1]].right == pytest.approx(500, abs=2)
        if len(texts) == 3:
            assert found["0"].x == pytest.approx(200, abs=2)
        strip = ax.images[0]
        values = np.linspace(0, 1, strip.get_array().shape[1])
        assert np.allclose(strip.to_rgba(strip.get_array())[0], diverging(DARK)(values), atol=0.01)
        assert list(strip.get_extent()[:2]) == [low, 3]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.01234, "0.012"), (-0.5, "−0.50"), (1.25001, "1.3"), (12.34, "12"), (1234567, "1,234,567"),
        (3.7e-7, "3.7×10⁻⁷"), (-2e8, "−2.0×10⁸"),
    ],
)  # fmt: skip
def test_format_number_digits(value, text) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_colormaps_match_theme(theme) -> None:
    values = np.linspace(-1, 1, 41)
    assert np.allclose(diverging(theme)(values / 2 + 0.5)[:, :3], theme.signed_colors(values), atol=0.005)
    assert np.allclose(sequential(theme)(abs(values))[:, :3], theme.activation_colors(abs(values)), atol=0.005)
    assert np.allclose(diverging(theme)(0.5)[:3], theme.rgb("background"))


@pytest.mark.parametrize("size", [(1280, 720), (854, 480), (800, 800), (641, 361)])
def test_new_figure_exact_size(size) -> None:
    fig = new_figure(DARK, size)
    fig.canvas.draw()
    assert fig.canvas.get_width_height() == size
    assert fig.dpi / 72 * 14 == pytest.approx(14 * size[0] / 800)  # 14 units are 14 px at 800 px


def test_pixel_image_matches_matplotlib() -> None:
    pictures = []
    values = np.random.default_rng(0).normal(size=(7, 11)).astype(np.float32)
    values[2] = np.nan
    for own in (True, False):
        fig = new_figure(DARK, (440, 300))
        ax = fig.add_axes((0, 0.1, 0.5, 0.7 * 220 * 7 / 11 / 210 * 300 / 300))
        fig.canvas.draw()
        if own:
            assert isinstance(show_pixels(ax, values, diverging(DARK), -2, 2), PixelImage)
        else:
            ax.imshow(values, cmap=diverging(DARK), vmin=-2, vmax=2, interpolation="nearest", aspect="auto")
            ax.axis("off")
        fig.canvas.draw()
        pictures.append(np.asarray(fig.canvas.buffer_rgba()).astype(int))
    assert (np.abs(pictures[0] - pictures[1]).max(2) > 1).mean() < 0.002


def test_image_grid_pixels() -> None:
    fig = new_figure(DARK, (800, 450))
    images = np.random.default_rng(0).random((6, 5, 5))
    grid = image_grid(fig, Box(10, 20, 300, 200), images, gap=4)
    fig.canvas.draw()
    screen = np.asarray(fig.canvas.buffer_rgba())[..., :3] / 255
    place = grid.ax.get_window_extent()
    cell = place.width / grid.image.get_array().shape[1]
    for i in (0, 3, 5):
        row, column = grid.corner(i)
        y, x = (450 - place.y1) + (row + 0.5) * cell, place.x0 + (column + 0.5) * cell
        assert np.allclose(screen[int(y), int(x)], DARK.activation_colors(images[i, 0, 0]), atol=0.01)


def test_ellipsize_only_long_text() -> None:
    fig = new_figure(DARK)
    assert ellipsize(fig, "short", 200) == "short"
    cut = ellipsize(fig, "a name that is much too long for this", 120)
    assert cut.endswith("…")
    assert 90 < text_width(fig, cut) <= 120


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100.0 %"), (0.99999, "> 99.9 %"), (0.5, "50.0 %"), (1e-6, "< 0.1 %"), (0.0, "0.0 %")],
)
def test_format_percent_never_claims_certainty(share, text) -> None:
    assert format_percent(share) == text

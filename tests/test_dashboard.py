"""The dashboard shows the run's numbers, panel by panel: artists read back and compared with traces; and its window."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from figure_checks import artist_center, is_nearer, painted_strings, text_spots, texts_in_row
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import StepPatch

from netcore.analysis.convolution import conv_contributions
from netcore.analysis.diagram_columns import column_contributions, diagram_columns
from netcore.analysis.image_sequence import sample_sequence
from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_number, format_percent
from netcore.core.sample import Sample
from netcore.core.trace import LayerTrace
from netcore.rendering.scenes import find_scene, load_scene
from netcore.rendering.window import Player
from netcore.viz.layout.edges import WEAK_SHARE
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.network_diagram import IDLE, NetworkDiagram
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import DARK
from netcore.viz.wording import prediction_lines

scene = load_scene(find_scene("dashboard").path)


@pytest.fixture(params=["mlp", "cnn"], scope="module")
def context(request, make_context):
    return make_context(request.getfixturevalue(f"{request.param}_run"))


@pytest.fixture(scope="module")
def dashboard_figure(context):
    """The figure, its update, its images, and its panels by name; drawn once, updated by each test."""
    panels = {}
    names = ("Input", "Probability", "Network", "Confusion", "Activity", "Weight", "Confidence")
    with pytest.MonkeyPatch.context() as monkeypatch, theme_style(DARK):
        for name in (f"{name}Panel" for name in names):
            original = getattr(scene, name)

            def noticed(*args, original=original, name=name):
                panels[name] = original(*args)
                return panels[name]

            monkeypatch.setattr(scene, name, noticed)
        fig = new_figure(DARK, (1280, 720))
        update = scene.draw(fig, context, images=60, seed=3)
    return fig, update, sample_sequence(context, "", 60, 3, 60 // scene.MISTAKES), panels


def at(update, feed, i):
    update((i + 0.5) / len(feed))


def traces(context, feed, n):
    return [context.trace(sample=sample) for sample in feed[:n]]


@pytest.mark.parametrize("i", [0, 11, 23])  # among them right and wrong answers
def test_dashboard_image_prediction_probabilities(dashboard_figure, context, i):
    fig, update, feed, panels = dashboard_figure
    at(update, feed, i)
    trace = context.trace(sample=feed[i])
    assert np.allclose(panels["InputPanel"].image.images()[0], feed[i].pixels[0] / 255)
    lines = panels["InputPanel"].texts
    assert [line.get_text() for line in lines] == prediction_lines(
        trace.classes, trace.prediction, trace.probabilities.max(), feed[i].label
    )
    assert to_hex(lines[0].get_color()) == (DARK.correct if feed[i].label == trace.prediction else DARK.incorrect)
    bars = panels["ProbabilityPanel"].bars.bars
    assert np.allclose([bar.get_width() for bar in bars], trace.probabilities, atol=1e-9)
    colors = [to_hex(bar.get_facecolor()) for bar in bars]
    expected = (
        dict.fromkeys(range(10), DARK.positive) | {trace.prediction: DARK.incorrect} | {feed[i].label: DARK.correct}
    )
    assert colors == list(expected.values())
    assert any(f"image {i + 1} of 60" in text for text in painted_strings(fig))
    names = panels["NetworkPanel"].diagram.names
    assert [name.get_text() for name in names] == [str(k) for k in range(10)]
    assert [name.get_fontweight() == "bold" for name in names] == [k == trace.prediction for k in range(10)]
    expected |= {k: DARK.muted for k, color in expected.items() if color == DARK.positive}
    assert [to_hex(name.get_color()) for name in names] == list(expected.values())


@pytest.mark.parametrize("i", [0, 23, 59])
def test_dashboard_confusion_matrix_accumulates(dashboard_figure, context, i):
    fig, update, feed, panels = dashboard_figure
    at(update, feed, i)
    expected = np.zeros((10, 10), int)
    for trace in traces(context, feed, i + 1):
        expected[trace.label, trace.prediction] += 1
    panel = panels["ConfusionPanel"]
    assert np.array_equal(panel.counts, expected)
    right = int(np.trace(expected))
    images = context.examples()
    predicted = context.predict_batch(images.images)["logits"].argmax(1)
    stored = context.evaluations and context.evaluation().snapshot == context.snapshot().label
    if stored:
        images, predicted = context.evaluation(), context.evaluation().logits.argmax(1)
    assert panel.accuracy.get_text() == format_percent((predicted == images.labels).mean())
    kind = "held-out" if stored else "examples"
    assert f"of {len(images.labels):,} {kind}" in painted_strings(fig)
    assert panel.right.get_text() == f"here {right} of {i + 1}"
    cells = np.asarray(panel.image.get_array()).reshape(100, -1)
    empty = cells[expected.ravel() == 0]
    assert (empty == empty[0]).all()
    assert (cells[expected.ravel() > 0] != empty[0]).any(1).all()
    for k in np.flatnonzero(expected):
        on_the_diagonal = k % 11 == 0
        assert (
            is_nearer(cells[k] / 255 - empty[0] / 255 + to_rgb(DARK.background), DARK.correct, DARK.incorrect)
            == on_the_diagonal
        )
    x, y = panel.newest.get_data()
    assert (x.mean().round(), y[:4].mean()) == pytest.approx(
        (traces(context, feed, i + 1)[-1].prediction, feed[i].label)
    )


def test_dashboard_activation_by_layer(dashboard_figure, context):
    fig, update, feed, panels = dashboard_figure
    at(update, feed, 7)
    trace = context.trace(sample=feed[7])
    values = [np.abs(trace.value(c.block.output)) for c in diagram_columns(trace)[1:]]
    panel = panels["ActivityPanel"]
    assert np.allclose([bar.get_width() for bar in panel.mean], [v.mean() for v in values], rtol=1e-4)
    assert np.allclose([bar.get_width() for bar in panel.largest], [v.max() for v in values], rtol=1e-4)
    names = {"mlp": ["hidden 1", "hidden 2", "output"], "cnn": ["pool 1", "pool 2", "hidden", "output"]}
    for bar, name, v in zip(panel.mean, names[context._run.name[:3]], values, strict=True):
        row = texts_in_row(fig, artist_center(bar)[1], right=panel.ax.get_window_extent().x1 + 120)
        assert row == [name, f"{format_number(float(v.mean()))} · {format_number(float(v.max()))}"]
    heads = {spot.text: spot.color for spot in text_spots(fig)}
    assert heads["mean |a|"] == to_hex(panel.mean[0].get_facecolor()) == DARK.positive


def test_dashboard_weights_of_predicted_class(dashboard_figure, context):
    fig, update, feed, panels = dashboard_figure
    panel = panels["WeightPanel"]
    for i in (2, 30):
        at(update, feed, i)
        predicted = context.trace(sample=feed[i]).prediction
        assert all(isinstance(bars, StepPatch) for bars in panel.bars)
        (low, below, _), (high, above, _) = (bars.get_data() for bars in panel.bars)
        counts, edges = np.concatenate([low, high]), np.concatenate([below, above[1:]])
        assert below[-1] == above[0] == pytest.approx(0)
        assert [to_hex(bars.get_facecolor()) for bars in panel.bars] == [DARK.negative, DARK.positive]
        assert np.array_equal(counts, np.histogram(context.weights()["output.weight"][predicted], edges)[0])
        assert counts.sum() == context.weights()["output.weight"].shape[1]
        assert panel.title.get_text() == f"Weights into {predicted}"
    assert any(np.allclose(line.get_xdata(), 0) for line in panel.ax.lines)
    assert np.allclose(panel.ax.get_xlim(), (edges[0], edges[-1]))
    y = next(spot.y for spot in text_spots(fig) if spot.text == format_number(edges[0]))
    frame = panel.ax.get_window_extent()
    assert texts_in_row(fig, y, frame.x0 - 5, frame.x1 + 5) == [format_number(edges[0]), "0", format_number(edges[-1])]


def test_dashboard_confidence_of_last_fifty(dashboard_figure, context):
    fig, update, feed, panels = dashboard_figure
    panel = panels["ConfidencePanel"]
    sure = [float(trace.probabilities.max()) for trace in traces(context, feed, 60)]
    at(update, feed, 4)
    assert np.allclose(panel.line.get_ydata(), sure[:5])
    at(update, feed, 59)
    assert np.allclose(panel.line.get_ydata(), sure[10:])
    right = np.array([t.prediction == t.label for t in traces(context, feed, 60)][10:])
    assert 0 < right.sum() < 50
    dots = {to_hex(dots.get_color()): dots.get_data() for dots in panel.dots if len(dots.get_xdata())}
    assert dots.keys() == {DARK.correct, DARK.incorrect}
    for color, which in ((DARK.correct, right), (DARK.incorrect, ~right)):
        assert np.allclose(dots[color], (np.flatnonzero(which), np.array(sure[10:])[which]))
    for line in panel.ax.lines[:3]:  # each with its share before it
        y = artist_center(line)[1]
        assert texts_in_row(fig, y, right=panel.ax.get_window_extent().x0)[-1] == f"{100 * line.get_ydata()[0]:.0f} %"
    assert [line.get_ydata()[0] for line in panel.ax.lines[:3]] == [0.9, 0.5, 0]


def test_dashboard_edges_are_contributions(dashboard_figure, context):
    _, update, feed, panels = dashboard_figure
    at(update, feed, 11)
    trace, diagram = context.trace(sample=feed[11]), panels["NetworkPanel"].diagram
    last, chosen = diagram.columns[-1], diagram.selected
    assert list(chosen[-1]) == list(range(10))
    layer = trace["output"]
    expected = layer.weight[:, chosen[-2]] * trace.input_of(layer)[chosen[-2]]
    assert last.name == "output"
    assert np.allclose(diagram.values[-1], expected)
    everything = column_contributions(trace, *diagram.columns[-2:], np.arange(diagram.columns[-2].size), chosen[-1])
    assert np.allclose(everything.sum(1) + layer.bias, trace.logits, atol=1e-4)
    carried = np.concatenate([v.ravel() for v in diagram.values if v is not None])
    assert sorted(diagram.carried) == sorted(carried[carried != 0])
    assert len(diagram.lines.get_segments()) == len(diagram.carried)
    places = [{tuple(np.round(c + sign * (v.half + 1) * np.array([1, 0]), 6)): n for n, c in enumerate(v.centers)}
              for v in diagram.views for sign in (1, -1)]  # fmt: skip
    for (start, end), carries in zip(diagram.lines.get_segments(), diagram.carried, strict=True):
        start, end = (tuple(np.round(point, 6)) for point in (start, end))
        j = next(j for j in range(len(diagram.views) - 1) if start in places[2 * j] and end in places[2 * j + 3])
        assert carries == diagram.values[j][places[2 * j + 3][end], places[2 * j][start]]


def test_contributions_of_maps_sum_to_input(make_context, cnn_run):
    """The contributions of all maps to a neuron add up to its input."""
    trace = make_context(cnn_run).trace()
    pooled, hidden = diagram_columns(trace)[2:4]
    assert (pooled.name, hidden.name) == ("pool 2", "hidden")
    parts = column_contributions(trace, pooled, hidden, np.arange(64), np.arange(320))
    assert np.allclose(parts.sum(1) + trace["hidden1"].bias, trace["hidden1"].output, atol=1e-3)
    weight, maps = trace["hidden1"].weight.reshape(320, 64, -1), trace["pool2"].output.reshape(64, -1)
    assert np.allclose(parts[7], (weight[7] * maps).sum(1), atol=1e-4)


def test_dashboard_edge_legend_colors(dashboard_figure):
    colors = {spot.text: spot.color for spot in text_spots(dashboard_figure[0])}
    assert (colors["raises"], colors["lowers"]) == (DARK.positive, DARK.negative)


def test_dashboard_edge_color_and_width(dashboard_figure):
    _, update, feed, panels = dashboard_figure
    at(update, feed, 11)
    diagram = panels["NetworkPanel"].diagram
    colors, widths = diagram.lines.get_colors(), np.asarray(diagram.lines.get_linewidths())
    blue, orange = DARK.rgb("positive"), DARK.rgb("negative")
    assert np.allclose(colors[:, :3], np.where(diagram.carried[:, None] < 0, orange, blue))
    pairs = [v.ravel() / np.abs(v).max() for v in diagram.values if v is not None]
    strong = sum(int((np.abs(p) >= WEAK_SHARE).sum()) for p in pairs)
    assert 0 < strong < len(widths)
    assert sum(colors[:, 3] > 0.4) == strong
    assert widths[-1] == max(widths) > widths[0]


def test_dashboard_shows_most_active_neurons(dashboard_figure, context):
    _, update, feed, panels = dashboard_figure
    at(update, feed, 20)
    trace, diagram = context.trace(sample=feed[20]), panels["NetworkPanel"].diagram
    for column, view, chosen in list(zip(diagram.columns, diagram.views, diagram.selected, strict=True))[:-1]:
        values = trace.value(column.block.output) if column.block else trace.pixels[:, :, :] / 255
        activity = values.std((1, 2)) if column.has_maps else np.abs(values).ravel()
        assert len(chosen) == view.count <= 15
        assert activity[chosen].min() >= np.sort(activity)[-view.count]
        if not column.has_maps:
            share = np.abs(column.values(trace)[chosen]) / np.abs(column.values(trace)).max()
            ground = np.isclose(view.artist.get_facecolor()[:, :3], DARK.rgb("background")).all(1)
            assert np.array_equal(~ground, share > IDLE)
            fills = view.artist.get_facecolor()[~ground, :3]
            assert np.allclose(fills, DARK.activation_colors(share[share > IDLE]), atol=0.01)
        elif column.block:
            expected = column.values(trace)[chosen]
            assert np.allclose(view.grid.images(), expected / np.abs(column.values(trace)).max(), atol=1e-6)


def test_conv_contributions_sum_to_convolution():
    torch.manual_seed(0)
    for settings in (
        {"padding": 1},
        {"stride": 2, "padding": (0, 2)},
        {"dilation": 2, "padding": "same"},
        {"groups": 2},
    ):
        layer = torch.nn.Conv2d(4, 6, (3, 5), **settings)
        x = torch.randn(4, 11, 12)
        out = layer(x[None])[0].detach().numpy()
        plain = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        node = LayerTrace("conv", "Conv2d", ("input",), out, layer.weight.detach().numpy(), settings=plain)
        parts = conv_contributions(node, x.numpy())
        bias = layer.bias.detach().numpy() * out[0].size
        assert np.allclose(parts.sum(1) + bias, out.sum((1, 2)), atol=1e-3), settings


def test_contributions_only_between_successive_layers(make_context, cnn_run):
    trace = make_context(cnn_run).trace()
    first, last = diagram_columns(trace)[0], diagram_columns(trace)[-1]
    assert column_contributions(trace, first, last, np.arange(1), np.arange(10)) is None
    few = diagram_columns(trace, 4)
    assert [c.name for c in few] == ["input", "pool 1", "hidden", "output"]
    with theme_style(DARK):
        diagram = NetworkDiagram(new_figure(DARK), Box(0, 0, 300, 200), trace, limit=4)
    assert diagram.values[1] is None
    assert diagram.values[2] is not None


def test_input_activity_is_brightness(make_context, mlp_run):
    """Not by what the network receives: normalised, black is far from 0."""
    trace = make_context(mlp_run).trace()
    odd = replace(trace, input=trace.input - 5)
    assert np.array_equal(diagram_columns(trace)[0].activity(odd), trace.pixels.ravel() / 255)


def test_sample_sequence_selection(make_context, mlp_run):
    context = make_context(mlp_run, digit=4)
    feed = sample_sequence(context, "3-5,9", 12, 0)
    assert {p.label for p in feed} <= {3, 4, 5, 9}
    assert len(feed) == 12
    assert np.array_equal(feed[-1].pixels, context.sample.pixels)
    assert not any(np.array_equal(p.pixels, context.sample.pixels) for p in feed[:-1])
    assert [p.digest for p in feed] == [p.digest for p in sample_sequence(context, "3-5,9", 12, 0)]
    assert [p.digest for p in feed] != [p.digest for p in sample_sequence(context, "3-5,9", 12, 1)]
    assert {p.label for p in sample_sequence(context, "0-2", 5, 0)} <= {0, 1, 2}
    for first in (9, 18):  # round by round, one of each class; the chosen image, a 4, is the last one
        counts = np.bincount([p.label for p in sample_sequence(context, "", first + 1, 0)[:-1]], minlength=10)
        assert counts.max() - counts.min() <= 1
    feed = sample_sequence(context, "", 20, 0, 4)
    predicted = [context.trace(sample=p).prediction for p in feed]
    wrong = [k for k, (p, answer) in enumerate(zip(feed, predicted, strict=True)) if answer != p.label]
    assert len(feed) == 20
    assert len(wrong) >= 4
    assert max(np.diff(wrong)) < 10
    with pytest.raises(NetcoreError, match="no class between 9 and 0: use 0-9"):
        sample_sequence(context, "9-0")
    with pytest.raises(NetcoreError, match="class 'x'"):
        sample_sequence(context, "x")
    with pytest.raises(NetcoreError, match="--images must be at least 1"):
        sample_sequence(context, images=0)


def test_dashboard_does_not_count_unlabeled(make_context, mlp_run):
    context = make_context(mlp_run)
    context.sample_or_none = Sample(context.sample.pixels, None)
    with theme_style(DARK):
        fig = new_figure(DARK)
        scene.draw(fig, context, images=3)
    assert "correct" not in painted_strings(fig)
    assert any(text.startswith("here ") and text.endswith(" of 2") for text in painted_strings(fig))


# ---- live


def test_player_keys():
    player = Player(3)
    assert player.tick()
    assert player.tick()
    assert not player.tick()
    assert (player.at, player.playing) == (2, False)
    player.on_key(" ")
    assert (player.at, player.playing) == (0, True)
    player.on_key("right")
    assert (player.at, player.playing) == (1, False)
    for _ in range(3):
        player.on_key("left")
    assert player.at == 0
    player.on_key("x")
    player.on_key(None)
    assert player == Player(3, 0, False)
    assert [int(Player(3, i).t * 3) for i in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("display", [None, ":991"])
def test_dashboard_without_display_suggests_render(mlp_run, display):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"DISPLAY": display} if display else {}
    command = [sys.executable, "-m", "netcore", "dashboard", str(mlp_run.path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"netcore render dashboard --run {mlp_run.path} -f gif" in done.stderr


STEPS = """
import json, sys
from netcore.rendering import window as live

run, build, built = live.Window.run, live.Window._build, []
live.Window._build = lambda self: (built.append(self._size), build(self))

def watched(self):
    widget = self.canvas.get_tk_widget()
    seen = []

    def press(key):
        widget.focus_force()
        widget.event_generate(f"<{key}>")
        seen.append([key, self.player.at, self.player.playing, self.fig.texts[1].get_text().split(" of")[0]])

    def resized():
        if self._size != (900, 600):  # the test's own time limit ends it
            steps.insert(0, (100, resized))
            return
        seen.append([*self._size, round(self.fig.bbox.width), round(self.fig.bbox.height), len(set(built))])
        print(json.dumps(seen), flush=True)

    steps = [
        (1500, lambda: press("space")), (200, lambda: press("Right")), (200, lambda: press("Left")),
        (200, lambda: self.manager.window.geometry("900x600")), (100, resized), (100, lambda: press("q")),
    ]

    def go_on():
        steps.pop(0)[1]()
        if steps:
            widget.after(steps[0][0], go_on)

    widget.after(steps[0][0], go_on)
    run(self)

live.Window.run = watched
from netcore.cli.main import main
sys.exit(main(["dashboard", sys.argv[1], "--interval", "0.3", "--images", "100"]))
"""


@pytest.fixture(params=[96, 120])
def virtual_display(request):
    """A virtual display of that many dots an inch."""
    pytest.importorskip("tkinter", reason="no tkinter here")
    if not shutil.which("Xvfb"):
        pytest.skip("no Xvfb here")
    read, write = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(write),
        "-screen",
        "0",
        "1400x900x24",
        "-nolisten",
        "tcp",
        "-dpi",
        str(request.param),
    ]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        name = number.readline().strip()
    yield f":{name}"
    server.terminate()
    server.wait(10)


def test_dashboard_window_keys_and_resize(mlp_run, virtual_display):
    environment = os.environ | {"DISPLAY": virtual_display}
    command = [sys.executable, "-c", STEPS, str(mlp_run.path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    space, right, left, size = json.loads(done.stdout)
    assert 0 < space[1] < 90
    assert right[1:3] == [space[1] + 1, False]
    assert left[1:3] == [space[1], False]
    assert left[3] == f"image {left[1] + 1}"
    assert size[:4] == [900, 600, 900, 600]
    assert size[4] < 6  # sizes on the way: a window must not chase its own

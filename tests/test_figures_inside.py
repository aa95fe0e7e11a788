"""Figures of what goes on inside show weights, activations and images as the run has them."""

import itertools
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import figure_runs
import numpy as np
import pytest
from figure_checks import (
    TextSpot,
    artist_center,
    color_bar_of,
    draw_figure,
    is_nearer,
    legend_colors,
    painted_strings,
    text_spots,
    title_above,
)
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_number, format_percent
from netcore.core.run import Examples, load_run
from netcore.core.run_writer import RunWriter
from netcore.core.sample import Sample
from netcore.models.architecture import Architecture
from netcore.training.recorder import record_run
from netcore.viz.mpl.image_grid import PixelImage
from netcore.viz.theme import DARK
from netcore.viz.wording import format_prediction


@pytest.fixture
def mlp(make_context, mlp_run):
    return make_context(mlp_run)


@pytest.fixture
def cnn(make_context, cnn_run):
    return make_context(cnn_run)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`made(name)`: a case of one of the made runs."""
    return lambda name: figure_runs.first_example_context(figure_runs.make_run(tmp_path_factory.mktemp("made"), name))


@pytest.fixture(scope="module")
def deep(made):
    """Eleven layers, twelve snapshots, a long name: more than figures have room for."""
    size = Architecture(hidden=tuple(range(16, 6, -1)), activation="tanh")
    with patch.dict(figure_runs.MADE, deep=(size, (1, 28, 28), 10)):
        run = made("deep")._run
    weights = run.weights(run.snapshot("first"))
    for k in range(2, 12):
        RunWriter(run).add_snapshot({name: value * (1.6 - k / 12) for name, value in weights.items()}, k, 10 * k)
    RunWriter(run).save()
    return figure_runs.first_example_context(load_run(run.path))


def snapshot_told(fig, context):
    """The snapshot that the line above the dots names; its accuracy must be the history's."""
    told = {s.text.split(" · ")[0]: s.text for s in text_spots(fig) if s.left < 30 and s.y > 0.6 * fig.bbox.height}
    (snapshot,) = (s for s in context.snapshots if s.label in told)
    right = [row["val_accuracy"] for row in context.history["epochs"] if row["step"] == snapshot.step]
    images = f"{context._run.info['data']['held_out']:,} held-out images"
    assert told[snapshot.label] == " · ".join(
        [snapshot.label, *(f"accuracy {format_percent(r)} on {images}" for r in right)]
    )
    return snapshot


def around(every: list[TextSpot], ax: Axes, above: bool = False) -> list[str]:
    """The line of text right below axes, or right above them, from left to right."""
    box, high = ax.get_window_extent(), ax.get_figure().bbox.height
    top, bottom = (high - box.y1 - 36, high - box.y1) if above else (high - box.y0, high - box.y0 + 24)
    found = [s for s in every if top < s.y < bottom and box.x0 - 2 <= s.left and s.right <= box.x1 + 12]
    return [s.text for s in sorted(found, key=lambda s: s.x)]


def beside(every: list[TextSpot], y: float, left: float = 0, right: float = np.inf) -> list[str]:
    """The texts at a height, from left to right."""
    found = [s for s in every if abs(s.y - y) < 7 and left <= s.x <= right]
    return [s.text for s in sorted(found, key=lambda s: s.x)]


def same(texts: list[str], expected: list[str]) -> bool:
    """Whether texts are those expected, but for what an ellipsis leaves out."""
    return len(texts) == len(expected) and all(
        text == full
        or (len(text) > 3 and text[-1] == "…" and full.startswith(text[:-1]))
        or (len(text) > 3 and text[0] == "…" and full.endswith(text[1:]))
        for text, full in zip(texts, expected, strict=True)
    )


def test_weight_distribution_histograms(mlp, cnn, deep) -> None:
    for context, shown, told in (
        (mlp, {"hidden1": "hidden layer 1", "hidden2": "hidden layer 2"}, "3 layers"),
        (cnn, {"conv1": "convolution 1", "conv2": "convolution 2", "hidden1": "hidden layer"}, "4 layers"),
        (deep, {f"hidden{k}": f"hidden layer {k}" for k in (1, 2, 4, 5, 7, 8, 10)}, "8 of 11 layers"),
    ):
        fig, update, _ = draw_figure("weight_distribution", context)
        panels = [ax for ax in fig.axes if len(ax.patches) == 2]
        colors = legend_colors(fig)
        assert any(text.startswith(told) for text in painted_strings(fig))
        moments = [s for s in context.snapshots if s.step <= context.snapshot().step]
        over_time = [context.weights(snapshot) for snapshot in moments]
        for i in (0, len(moments) // 2, len(moments) - 1):
            update((i + 0.5) / len(moments))
            assert snapshot_told(fig, context) == moments[i]
            (dot,) = (line for ax in fig.axes for line in ax.lines if line.get_color() == DARK.emphasis)
            assert dot.get_xdata()[0] == pytest.approx(i / (len(moments) - 1))
            every = text_spots(fig)
            for (name, human), ax in zip((shown | {"output": "output layer"}).items(), panels, strict=True):
                weights = [w[f"{name}.weight"] for w in over_time]
                now, before = ax.patches
                counts, edges, _ = now.get_data()
                limit = max(np.quantile(np.abs(w), 0.999) for w in (weights[0], weights[-1]))
                assert np.allclose(edges, np.linspace(-limit, limit, len(edges)))
                assert np.array_equal(counts, np.histogram(np.clip(weights[i], edges[0], edges[-1]), edges)[0])
                assert counts.sum() == weights[i].size
                first = np.clip(weights[0], edges[0], edges[-1])
                assert np.array_equal(before.get_data().values, np.histogram(first, edges)[0])
                assert (now.get_fill(), before.get_fill()) == (True, False)
                assert to_hex(now.get_facecolor()) == colors["this snapshot"]
                assert to_hex(before.get_edgecolor()) == colors["before training"]
                deviation = f"σ {format_number(float(weights[i].std()))}"
                title, note = around(every, ax, above=True)
                assert same([title], [human])
                assert note in (deviation, f"{weights[i].size:,} weights, {deviation}")
                low = "≤ " if min(w.min() for w in weights) < edges[0] else ""
                high = "≥ " if max(w.max() for w in weights) > edges[-1] else ""
                assert around(every, ax) == [low + format_number(edges[0]), "0", high + format_number(edges[-1])]
    fig = draw_figure("weight_distribution", replace(mlp, at="first")).fig
    assert legend_colors(fig) == {}
    assert [len(ax.patches) for ax in fig.axes if ax.patches] == [1, 1, 1]


def test_activation_strength_by_layer(cnn, deep) -> None:
    maps = {"conv 1": "act1", "pool 1": "pool1", "conv 2": "act2", "pool 2": "pool2", "hidden": "hidden1_act"}
    for context, found in (
        (cnn, maps),
        (deep, {f"hidden {k}": f"hidden{k}_act" for k in (1, 2, 3, 4, 5, 7, 8, 9, 10)}),
    ):
        fig, update, (image,) = draw_figure("activation_strength", context, images=3)
        trace, examples, nodes = context.trace(), context.examples(), tuple(found.values())
        charts = fig.axes[1:4]
        assert [title_above(fig, ax) for ax in charts] == ["Mean", "Maximum", "Active units"]
        values = context.predict_batch(examples.images, nodes)
        marks = [np.mean([_strength(one) for one in values[node]], 0) for node in nodes]
        legend = next(s for s in text_spots(fig) if s.text == f"▎ mean over {len(examples.labels)} example images")
        for ax, expected in zip(charts, np.transpose(marks), strict=True):
            (lines,) = ax.collections
            assert np.allclose([line[:, 0] for line in lines.get_segments()], expected[:, None], rtol=1e-4)
            assert [line[:, 1].mean() for line in lines.get_segments()] == list(range(len(nodes)))
            assert to_hex(lines.get_colors()[0]) == legend.color
        others = [k for k, pixels in enumerate(examples.images) if not np.array_equal(pixels, trace.pixels)]
        pictures = [(examples.images[k], examples.labels[k]) for k in others[:2]] + [(trace.pixels, trace.label)]
        for t, (pixels, label) in zip((0, 0.5, 1), pictures, strict=True):
            update(t)
            outputs = context.predict_batch(pixels[None], nodes)
            bars = [ax.patches for ax in charts]
            widths = [[bar.get_width() for bar in row] for row in bars]
            assert np.allclose(np.transpose(widths), [_strength(outputs[node]) for node in nodes], rtol=1e-3)
            assert np.allclose(image.images()[0], pixels[0] / 255)
            every = text_spots(fig)
            assert f"image of class {context.classes[label]} · {context.snapshot().label}" in [s.text for s in every]
            for row, name in enumerate(found):
                mean, largest, active = (w[row] for w in widths)
                y = artist_center(bars[0][row])[1]
                assert all(artist_center(b[row])[1] == pytest.approx(y) for b in bars)
                assert beside(every, y) == [
                    name,
                    format_number(mean),
                    format_number(largest),
                    format_percent(active, 0),
                ]
            for ax, row in zip(charts, widths, strict=True):
                assert ax.get_xlim()[0] == 0
                assert ax.get_xlim()[1] >= max(row)
        assert charts[2].get_xlim() == (0, 1)
    unknown = draw_figure("activation_strength", replace(cnn, sample_or_none=Sample(cnn.sample.pixels)), images=1).fig
    assert f"image · {cnn.snapshot().label}" in painted_strings(unknown)


def _strength(outputs: np.ndarray) -> tuple[float, float, float]:
    size = np.abs(outputs)
    return size.mean(), size.max(), (size > 1e-6).mean()


def test_activations_by_digit_table(mlp, cnn, deep) -> None:
    for context, node, told, options in (
        (mlp, "hidden2_act", "16 neurons", {}),
        (mlp, "hidden2_act", "6 of 16 neurons, largest sd of class means", {"neurons": 6}),
        (cnn, "act1", "24 of 32 maps, largest sd of class means", {"layer": "conv1"}),
        (cnn, "hidden1_act", "24 of 320 neurons, largest sd of class means", {}),  # their numbers are upright
        (deep, "hidden3_act", "14 neurons", {"layer": "hidden3"}),  # has negative values
    ):
        fig = draw_figure("activations_by_digit", context, **options).fig
        table, expected, columns, signed = _by_class(fig, context, node, options.get("neurons", 24))
        count = len(context.examples().labels)
        assert f"{told} · ordered by the class of their highest mean, framed" in painted_strings(fig)
        assert f"mean activation over {count} example images" in painted_strings(fig)
        (frames,) = fig.findobj(PatchCollection)
        corners = sorted(tuple(path.vertices[0]) for path in frames.get_paths())
        varies = np.ptp(table, axis=0) > 0
        assert corners == [(k - 0.5, row - 0.5) for k, row in enumerate(table.argmax(0)) if varies[k]]
        assert np.allclose(table, expected, atol=1e-6)
        assert len(columns) == int(told.split()[0])
        assert signed == (context is deep)
    titles = [
        text_spots(draw_figure("activations_by_digit", cnn, layer=name).fig)[0].text for name in ("conv1", "hidden1")
    ]
    assert titles == [f"Mean activation by class, {name} of cnn-2conv" for name in ("convolution 1", "hidden layer")]
    with pytest.raises(NetcoreError, match="did you mean 'hidden1'"):
        draw_figure("activations_by_digit", mlp, layer="hiden1")


def _ends(signed: bool) -> tuple[str, str]:
    """Colour of the largest value on a scale with two sides or one, and on the other kind."""
    return (DARK.positive, DARK.foreground) if signed else (DARK.foreground, DARK.positive)


def test_activations_by_digit_missing_classes(mlp, monkeypatch) -> None:
    whole = mlp.examples()
    kept = ~np.isin(whole.labels, (0, 3))
    monkeypatch.setattr(mlp, "examples", lambda: Examples(whole.images[kept], whole.labels[kept], whole.index[kept]))
    fig = draw_figure("activations_by_digit", mlp).fig
    table, expected, _, _ = _by_class(fig, mlp, "hidden2_act", 24)
    assert np.allclose(table, expected, atol=1e-6)
    assert any(text.endswith("framed, 8 of 10 classes") for text in painted_strings(fig))


def _by_class(fig, context, node: str, count: int) -> tuple[np.ndarray, np.ndarray, list[int], bool]:
    """Table shown and table expected, the neurons' numbers below it, whether its scale has two sides."""
    examples = context.examples()
    outputs = context.predict_batch(examples.images, (node,))[node]
    values = outputs.mean((2, 3)) if outputs.ndim == 4 else outputs
    present = sorted(set(examples.labels.tolist()))
    means = np.stack([values[examples.labels == k].mean(0) for k in present])
    most = np.sort(np.argsort(-means.std(0), kind="stable")[:count])
    highest = np.where(np.ptp(means, axis=0) > 0, means.argmax(0), len(means))
    order = most[np.argsort(highest[most], kind="stable")]
    (image,) = fig.findobj(PixelImage)
    table, ax, every = np.asarray(image.get_array()), image.axes, text_spots(fig)
    box, high = ax.get_window_extent(), fig.bbox.height
    for row, k in enumerate(present):
        y = high - ax.transData.transform((0, row))[1]
        assert same(beside(every, y, right=box.x0), [context.classes[k]])
    foot = high - box.y0
    below = [s for s in every if foot < s.y < foot + 26 and not s.text.startswith("mean activation")]
    numbers = sorted(below, key=lambda s: s.x)
    assert np.allclose([s.x for s in numbers], [ax.transData.transform((k, 0))[0] for k in range(len(order))], atol=2)
    assert [s.text for s in numbers] == [str(k) for k in order]
    limit, signed = np.abs(table).max(), bool(table.min() < 0)
    assert (image.norm.vmin, image.norm.vmax) == pytest.approx((-limit * signed, limit))
    ends, ticks = color_bar_of(fig, f"mean activation over {len(examples.labels)} example images")
    assert ends == pytest.approx((-limit * signed, limit))
    assert ticks == [format_number(-limit), "0", format_number(limit)] if signed else ["0", format_number(limit)]
    assert is_nearer(image.to_rgba([limit])[0, :3], *_ends(signed))
    return table, means[:, order], [int(s.text) for s in numbers], signed


def test_prediction_pipeline_scores_and_probabilities(cnn, deep, made) -> None:
    wrong = replace(cnn, sample_or_none=Sample(cnn.sample.pixels, (cnn.trace().prediction + 1) % 10))
    for context in (cnn, wrong, deep, made("hundred")):
        fig, _, grids = draw_figure("prediction_pipeline", context)
        trace, every = context.trace(), text_spots(fig)
        assert np.allclose(grids[0].images()[0], trace.pixels[0] / 255)
        scores, shares = (ax for ax in fig.axes if len(ax.patches) == 10)
        order = list(range(10)) if len(trace.logits) == 10 else np.argsort(-trace.logits)[:10].tolist()
        assert np.allclose([bar.get_width() for bar in scores.patches], trace.logits[order])
        assert np.allclose([bar.get_width() for bar in shares.patches], trace.probabilities[order])
        assert [title_above(fig, ax) for ax in (scores, shares)] == ["logit z", "probability"]
        sizes = beside(every, next(s.y for s in every if s.text == "28×28"))
        assert sizes[0] == "28×28"
        assert sizes[-2:] == [str(len(trace.logits))] * 2
        for k, bar, share in zip(order, scores.patches, shares.patches, strict=True):
            z, p = float(trace.logits[k]), trace.probabilities[k]
            y = artist_center(bar)[1]
            assert artist_center(share)[1] == pytest.approx(y)
            name, score, answer, *value = beside(every, y, left=scores.get_window_extent().x0 - 60)
            assert same([name, answer], [context.classes[k]] * 2)
            assert score == format_number(z)
            assert value in ([format_percent(p)], [format_percent(p, 0)]) if p >= 0.01 else len(value) <= 1
            assert to_hex(bar.get_facecolor()) == (DARK.negative if z < 0 else DARK.positive)
            of_truth, of_answer = k == trace.label, k == trace.prediction
            color = DARK.correct if of_truth else DARK.incorrect if of_answer else DARK.positive
            assert to_hex(share.get_facecolor()) == color
        prediction = format_prediction(context.classes, trace.prediction, trace.probabilities.max(), trace.label)
        assert any(t.startswith(prediction) for t in painted_strings(fig))


def test_prediction_pipeline_block_outputs(cnn, deep, made) -> None:
    few = {f"hidden {k}": f"hidden{k}_act" for k in (1, 3, 5, 6, 8, 10)}
    maps = {"conv 1": "act1", "pool 1": "pool1", "conv 2": "act2", "pool 2": "pool2", "hidden": "hidden1_act"}
    for context, found, told in ((cnn, maps, "5 layers"), (deep, few, "6 of 10 layers")):
        right = replace(context, sample_or_none=Sample(context.sample.pixels, context.trace().prediction))
        fig, _, (image, *views) = draw_figure("prediction_pipeline", right)
        trace, every = context.trace(), text_spots(fig)
        k = trace.prediction
        prediction = format_prediction(context.classes, k, trace.probabilities.max(), k)
        assert every[1].text == f"{prediction} · {told} between image and logits · {context.snapshot().label}"
        assert image.ax.get_window_extent().x1 < min(view.ax.get_window_extent().x0 for view in views)
        outputs = [trace[node].output for node in found.values()]
        signed = min(output.min() for output in outputs) < 0
        for name, output, view in zip(found, outputs, views, strict=True):
            shown = len(view.images())
            strength = np.abs(output) if output.ndim == 1 else output.std((1, 2))
            if name.startswith("pool"):  # it shows the maps of the layer before it
                strength = trace[found[name.replace("pool", "conv")]].output.std((1, 2))
            chosen = np.sort(np.argsort(-strength, kind="stable")[:shown])
            assert np.array_equal(view.images().squeeze(), output[chosen].squeeze())
            limit = np.abs(output).max()
            assert (view.image.norm.vmin, view.image.norm.vmax) == pytest.approx((-limit * signed, limit))
            assert is_nearer(view.image.to_rgba([limit])[0, :3], *_ends(signed))
            size = f"{len(output)}" if output.ndim == 1 else "{}×{}".format(*output.shape[1:])
            part = f"{shown} of {len(output)}" if shown < len(output) else f"{shown}"
            column = [s.text for s in every if abs(s.left - view.ax.get_window_extent().x0) < 2]
            column[2] = column[2].replace("/", " of ")
            assert same(column, [name, size, part, format_number(float(limit))])
    colors = made("rgb")
    fig, _, (image, *_) = draw_figure("prediction_pipeline", colors)
    assert "64×64" in around(text_spots(fig), image.ax, above=True)
    assert np.array_equal(image.images()[0], colors.sample.pixels.transpose(1, 2, 0))


def test_points_map_principal_components(mlp, cnn, deep) -> None:
    few = {f"hidden {k}": f"hidden{k}_act" for k in (1, 3, 5, 7, 9)} | {"output": "output"}
    maps = {"conv 1": "act1", "pool 1": "pool1", "conv 2": "act2", "pool 2": "pool2", "hidden": "hidden1_act"}
    for context, shown, told in (
        (
            mlp,
            {"hidden 1": "hidden1_act", "hidden 2": "hidden2_act", "output": "output"},
            "50 of 500 example images · 3 l",
        ),
        (cnn, maps | {"output": "output"}, "50 of 500 example images · 6 layers"),
        (replace(deep, at="step:100"), few, "40 example images · 6 of 11 layers"),
    ):
        fig, update, _ = draw_figure("points_map", context, images=50)
        pixels, labels = context.examples().images[:50], context.examples().labels[:50]
        assert any(
            text.startswith(told)
            and text.endswith(f"the plane in which they spread most at {context.snapshot().label}")
            for text in painted_strings(fig)
        )
        planes = [ax for ax in fig.axes if len(ax.collections) == 2]
        colors = _classes_told(fig, context)
        nodes = tuple(shown.values())
        until_now = [s for s in context.snapshots if s.step <= context.snapshot().step]
        moments = [
            until_now[i] for i in np.linspace(0, len(until_now) - 1, min(10, len(until_now))).round().astype(int)
        ]
        every = len(moments) == len(until_now)
        assert ("one dot per snapshot" if every else f"10 of {len(until_now)} snapshots") in painted_strings(fig)
        last = context.predict_batch(pixels, nodes, at=moments[-1])
        fitted = {node: PCA(2, svd_solver="full").fit(last[node].reshape(len(pixels), -1)) for node in nodes}
        turned = {}
        for i in (len(moments) - 1, len(moments) // 2, 0):
            update((i + 0.5) / len(moments))
            assert snapshot_told(fig, context) == moments[i]
            passed, every = context.predict_batch(pixels, nodes, at=moments[i]), text_spots(fig)
            wrong = last["logits"].argmax(1) != labels  # rings: the mistakes of the last snapshot, at all moments
            assert _mistakes(wrong.sum(), moments[-1]) in [s.text for s in every if s.y < 40]
            for (name, node), ax in zip(shown.items(), planes, strict=True):
                dots, rings = ax.collections
                offsets, values = np.asarray(dots.get_offsets()), passed[node].reshape(len(pixels), -1)
                expected = (values - values.mean(0)) @ fitted[node].components_.T
                side = turned.setdefault(node, np.sign((offsets * expected).sum(0)))  # an axis may point either way
                assert np.allclose(offsets, expected * side, atol=0.01 * np.abs(expected).max())
                share = format_percent(expected.var(0).sum() / values.var(0).sum(), 0)
                assert around(every, ax, above=True) == [name, f"{share} of the spread"]
                assert np.array_equal(np.asarray(rings.get_offsets()), offsets[wrong])
                assert to_hex(rings.get_edgecolors()[0]) == DARK.incorrect
                assert [to_hex(c) for c in dots.get_facecolors()] == [colors[k] for k in labels]
                _all_seen(ax, offsets)
                _classes_named(ax, offsets, labels, context.classes)


def test_points_map_tsne_without_mistakes(mlp, monkeypatch) -> None:
    whole = mlp.examples()
    predicted = mlp.predict_batch(whole.images)["logits"].argmax(1)
    monkeypatch.setattr(mlp, "examples", lambda: Examples(whole.images, predicted, whole.index))
    fig, last = draw_figure("points_map", mlp, images=40).fig, mlp.snapshot()
    assert _mistakes(0, last) in painted_strings(fig)
    assert all(len(ax.collections[1].get_offsets()) == 0 for ax in fig.axes if len(ax.collections) == 2)
    predicted[5] = (predicted[5] + 1) % 10
    fig = draw_figure("points_map", mlp, images=40, method="tsne").fig
    assert _mistakes(1, last) in painted_strings(fig)
    assert any(
        text.startswith("40 of 500 example images") and text.endswith("neighbours stay neighbours")
        for text in painted_strings(fig)
    )
    assert not any("of the spread" in text for text in painted_strings(fig))
    nodes = ("hidden1_act", "hidden2_act", "output")
    passed = mlp.predict_batch(whole.images[:40], nodes)
    for node, ax in zip(nodes, (ax for ax in fig.axes if len(ax.collections) == 2), strict=True):
        dots, rings = (np.asarray(c.get_offsets()) for c in ax.collections)
        assert trustworthiness(passed[node], dots) > 0.9  # who is near stays near
        assert np.array_equal(rings, dots[[5]])
        _all_seen(ax, dots)


def _classes_told(fig, context) -> list[str]:
    """Colours of the classes by the legend at the foot."""
    found = []
    every = [s for s in text_spots(fig) if s.y > fig.bbox.height - 60]
    for dot in sorted((s for s in every if s.text == "●"), key=lambda s: (round(s.y), s.x)):
        found.append((beside(every, dot.y, left=dot.right)[0], dot.color))
    assert same([name for name, _ in found], context.classes)
    assert len({color for _, color in found}) == len(found)
    return [color for _, color in found]


def _mistakes(count: int, last) -> str:
    return f"{'○ ' * bool(count)}{count} misclassified at {last.label}"


def _classes_named(ax, points: np.ndarray, labels: np.ndarray, classes: list[str]) -> None:
    """A class is named in the middle of its points, where most of them are nearest to it; names are apart."""
    middles = {k: np.median(points[labels == k], 0) for k in np.unique(labels) if (labels == k).sum() >= 3}
    nearest = [min(middles, key=lambda k: np.hypot(*(p - middles[k])), default=-1) for p in points]
    shown = {k: text for k, text in enumerate(ax.texts) if text.get_visible()}
    assert all(classes[k].startswith(text.get_text().rstrip("…")) for k, text in shown.items())
    boxes = []
    for k, text in shown.items():
        assert np.mean([nearest[i] == k for i in np.flatnonzero(labels == k)]) >= 0.5
        inside = (points.min(0) < middles[k]) & (middles[k] < points.max(0))
        near_edge = np.abs(np.array(text.get_position()) - middles[k]) > 0.1 * np.ptp(points, 0)
        assert not (inside & near_edge).any()
        boxes.append(ax.transData.transform(text.get_position()))
    assert all(np.abs(a - b).max() > 5 for a, b in itertools.combinations(boxes, 2))
    assert shown or not any(np.mean([nearest[i] == k for i in np.flatnonzero(labels == k)]) >= 0.5 for k in middles)


def _all_seen(ax, points: np.ndarray) -> None:
    """All points lie within the axes, whose directions have one scale."""
    box, spans = ax.get_window_extent(), []
    for (low, high), values, length in zip(
        (ax.get_xlim(), ax.get_ylim()), points.T, (box.width, box.height), strict=True
    ):
        assert low < values.min()
        assert values.max() < high
        spans.append((high - low) / length)
    assert spans[0] == pytest.approx(spans[1])


def test_model_graph_parameter_counts(cnn) -> None:
    fig = draw_figure("model_graph", cnn).fig
    total = sum(v.size for k, v in cnn.weights().items() if k.endswith((".weight", ".bias")))
    told = f"7 layers, {total:,} parameters (bars: share) · {4 * total / 1e6:.1f} MB in float32"
    assert told in painted_strings(fig)
    norm = "Conv 3×3 → BN → ReLU"
    cards, edges = _cards(fig)
    assert cards == [
        ("image", "1×28×28", "pixels", 0),
        ("convolution 1", "32×28×28", norm, 32 * 9 + 3 * 32),
        ("pooling 1", "32×14×14", "Max-pool 2×2", 0),
        ("convolution 2", "64×14×14", norm, 64 * 32 * 9 + 3 * 64),
        ("pooling 2", "64×7×7", "Max-pool 2×2", 0),
        ("flatten", "3,136", "64×7×7 in a row", 0),
        ("hidden layer", "320", "Dense → ReLU, dropout 0.4", 3136 * 320 + 320),
        ("output layer", "10", "Dense", 3210),
    ]
    assert edges == [(a, b) for (a, *_), (b, *_) in pairwise(cards)]


def test_model_graph_skip_connections(tmp_path) -> None:
    context = figure_runs.first_example_context(figure_runs.make_recorded_run(tmp_path))
    fig = draw_figure("model_graph", context).fig
    assert any("5 layers, 906 parameters" in text and "· 3.6 kB in" in text for text in painted_strings(fig))
    cards, edges = _cards(fig)
    assert cards == [
        ("image", "3×20×24", "pixels", 0),
        ("convolution 1", "8×20×24", "Conv 3×3 → ReLU", 8 * 27 + 8),
        ("convolution 2", "8×20×24", "Conv 3×3 → BN", 8 * 72 + 16),
        ("residual sum", "8×20×24", "Sum → ReLU", 0),
        ("global average", "8", "Global average", 0),
        ("output layer", "10", "Dense", 90),
    ]
    chain = [(a, b) for (a, *_), (b, *_) in pairwise(cards)]
    assert edges == sorted(
        [*chain, ("convolution 1", "residual sum")], key=lambda edge: [c[0] for c in cards].index(edge[0])
    )


def test_model_graph_omits_layers(tmp_path) -> None:
    start, again = (nn.Flatten(), nn.Linear(784, 4)), nn.Linear(4, 4)
    flat = nn.Sequential(*start, again, nn.Tanh(), again, *(nn.Linear(4, 4) for _ in range(25)), nn.Linear(4, 10))
    blocks = (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)) for _ in range(12))
    grouped = nn.Sequential(*start, *blocks, nn.Linear(4, 10))
    rows = {
        "flat": [("4", "Dense → Tanh", 20), ("4", "26 × Dense", 500), ("10", "Dense", 50)],
        "grouped": [("4", "2 dense layers", 40)] * 12 + [("10", "Dense", 50)],
    }
    images = np.zeros((10, 1, 28, 28), np.uint8), np.arange(10)
    told = {"flat": "30 layers in 5 blocks, 3,710", "grouped": "27 layers in 15 blocks, 3,670"}
    for name, model in (("flat", flat), ("grouped", grouped)):
        with record_run(model.eval(), images, tmp_path / name) as recorder:
            recorder.snapshot(0)
        fig = draw_figure("model_graph", figure_runs.first_example_context(load_run(tmp_path / name))).fig
        assert f"{told[name]} parameters (bars: share) · 15 kB in float32" in painted_strings(fig)
        cards, edges = _cards(fig)
        assert [card[1:] for card in cards[3:]] == rows[name]
        assert edges == [(a, b) for (a, *_), (b, *_) in pairwise(cards)]


def _cards(fig) -> tuple[list[tuple], list[tuple[str, str]]]:
    """What each card says (name, shape, operations, parameters), bars checked, and which cards edges join."""
    (ax,) = (ax for ax in fig.axes if any(isinstance(p, FancyBboxPatch) for p in ax.patches))
    boxes = [p for p in ax.patches if isinstance(p, FancyBboxPatch)]
    corners = np.array([(p.get_x(), p.get_y(), p.get_x() + p.get_width(), p.get_y() + p.get_height()) for p in boxes])
    every, found, lengths = text_spots(fig), [], {}
    for x0, y0, x1, y1 in corners:
        within = [s for s in every if x0 < s.x < x1 and y0 < s.y < y1]  # the figure is 800 pixels, and units, wide
        name = next(s for s in within if s.bold)
        shape = next(s for s in within if abs(s.right - x1 + 10) < 3)
        *operations, count = [s.text for s in within if s not in (name, shape)] + [""] * (name.text == "image")
        assert shape.y - name.y < 30
        bars = [p for p in ax.patches if isinstance(p, Rectangle) and x0 < p.get_x() < x1 and y0 < p.get_y() < y1]
        digits = count.removesuffix(" parameters").replace(",", "")
        parameters = 0 if digits in ("", "no", "shared") else int(digits)
        assert len(bars) == (parameters > 0)
        lengths[name.text] = sum(bar.get_width() for bar in bars), parameters, x1 - x0
        found.append((name.text, shape.text, *operations, parameters))
    drawn_lengths, counts, whole = np.array([*lengths.values()], float).T
    assert np.allclose(drawn_lengths / drawn_lengths.sum(), counts / counts.sum())
    assert 0.8 < drawn_lengths.sum() / whole[0] < 1
    order = np.lexsort((corners[:, 1], corners[:, 0]))
    assert np.array_equal(order, np.arange(len(order)))  # column by column

    def card_at(point: np.ndarray) -> str:
        away = np.maximum(corners[:, :2] - point, point - corners[:, 2:]).max(1)
        assert away.min() < 4
        return found[int(away.argmin())][0]

    joined = []
    turns = [line.get_xydata() for line in ax.lines]
    for arrow in (p for p in ax.patches if isinstance(p, FancyArrowPatch)):
        path = arrow.get_path().vertices
        start = next((turn[0] for turn in turns if np.allclose(turn[-1], path[0], atol=0.1)), path[0])
        joined.append((card_at(start), card_at(path[4])))  # the head's tip
    names = [name for name, *_ in found]
    return found, sorted(joined, key=lambda edge: [names.index(end) for end in edge])

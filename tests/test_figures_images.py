"""Figures of single images, of what changes the answer to them, and of whole data sets show the true numbers."""

from dataclasses import replace

import figure_runs
import numpy as np
import pytest
from figure_checks import (
    artist_center,
    caption_below,
    color_bar_of,
    draw_figure,
    legend_colors,
    text_spots,
    texts_in_column,
    texts_in_row,
    tile_center,
    title_above,
)
from matplotlib.colors import to_hex, to_rgb
from scipy.ndimage import map_coordinates
from scipy.special import softmax
from scipy.stats import binomtest

from netcore.core.formatting import format_number, format_percent
from netcore.core.run_writer import RunWriter
from netcore.core.sample import Sample
from netcore.models.architecture import Architecture
from netcore.rendering.scenes import SCENE_DIRS, load_scene
from netcore.viz.mpl.image_grid import to_display
from netcore.viz.mpl.style import FIGURE_WIDTH
from netcore.viz.theme import DARK
from netcore.viz.wording import format_prediction, prediction_lines


@pytest.fixture
def mlp(make_context, mlp_run):
    """Neither the last snapshot nor the best."""
    return make_context(mlp_run, at="epoch:2")


@pytest.fixture
def wide(tmp_path, monkeypatch):
    """Colour images wider than high, five classes, each channel normalised in its own way."""
    monkeypatch.setitem(figure_runs.MADE, "wide", (Architecture(hidden=(12,), activation="tanh"), (3, 20, 24), 5))
    run = figure_runs.make_run(tmp_path, "wide")
    run.info["input"] |= {"mean": [0.2, 0.5, 0.6], "std": [0.5, 0.25, 0.4]}
    return figure_runs.first_example_context(run)


def color_at(fig, grid, y, x):
    """The painted colour of a pixel of a grid's first image."""
    place, (_, height, width), scale = grid.image_box(0), grid.shape, fig.bbox.width / FIGURE_WIDTH
    return painted(
        fig, (place.x + (x + 0.5) * place.w / width) * scale, (place.y + (y + 0.5) * place.h / height) * scale
    )


def painted(fig, x, y):
    """The colour at a point of a drawn figure in pixels from its top left corner."""
    fig.canvas.draw()
    return np.asarray(fig.canvas.buffer_rgba())[int(y), int(x), :3] / 255


def marks_are_true(ax, unit=1.0):
    """Every label of a vertical axis stands at the value that it names."""
    labels = [label for label in ax.get_yticklabels() if label.get_text()]
    high = ax.get_figure().bbox.height
    for label in labels:
        value = float(label.get_text().rstrip(" %").replace(",", "")) * unit
        assert artist_center(label)[1] == pytest.approx(high - ax.transData.transform((0, value))[1], abs=3)
    assert len(labels) > 1


def first_and_second(trace):
    second, first = np.argsort(trace.logits)[-2:]
    return int(first), int(second)


def margin(context, images):
    """Score of the answer to the case's image less that of the second likeliest, on other images."""
    first, second = first_and_second(context.trace())
    logits = context.predict_batch(images)["logits"].astype(float)
    return logits[:, first] - logits[:, second]


def slope(context, step=5):
    """Derivative of the margin by the network's input, by differences: (C, H, W)."""
    pixels = context.sample.pixels
    moved = step * np.eye(pixels.size, dtype=np.int16).reshape(pixels.size, *pixels.shape)
    up, down = (margin(context, (pixels + sign * moved).astype(np.uint8)) for sign in (1, -1))
    std = np.array(context._run.info["input"]["std"])[:, None, None]
    return (up - down).reshape(pixels.shape) / (2 * step / 255 / std)


def cost_of_covering(context, ground, side, stride):
    """What a patch costs of the margin, mean over the patches that cover a pixel."""
    pixels = context.sample.pixels
    _, height, width = pixels.shape
    losses = [[[] for _ in range(width)] for _ in range(height)]
    for top in range(stride - side, height, stride):
        for left in range(stride - side, width, stride):
            image = pixels.copy()
            rows = [y for y in range(top, top + side) if 0 <= y < height]
            under = [(y, x) for y in rows for x in range(left, left + side) if 0 <= x < width]
            for y, x in under:
                image[:, y, x] = ground
            lost = margin(context, np.stack([pixels, image]))
            for y, x in under:
                losses[y][x].append(lost[0] - lost[1])
    return np.array([[np.mean(cell) for cell in row] for row in losses])


@pytest.mark.parametrize("name", ["mlp", "wide"])
def test_saliency_is_gradient_of_margin(name, request) -> None:
    context = request.getfixturevalue(name)
    context.sample_or_none = replace(context.sample, pixels=np.clip(context.sample.pixels, 10, 245))
    fig, _, grids = draw_figure("saliency", context)
    expected, given = slope(context), context._run.info["input"]
    mean, std = (np.array(given[key])[:, None, None] for key in ("mean", "std"))
    times = expected * (context.sample.pixels / 255 - mean) / std
    fig.canvas.draw()
    assert np.array_equal(grids[0].images()[0], to_display(context.sample.pixels).astype(np.float32))
    for grid, values in zip(grids[1:3], (expected, times), strict=True):
        assert np.allclose(grid.images()[0], values.sum(0), atol=0.005 * np.abs(values).max())
    for grid, label in zip(grids[1:], ("per unit of input", "contribution", "decrease"), strict=True):
        values = grid.images()[0]
        limit = float(np.abs(values).max())
        limits, ends = color_bar_of(fig, label)
        assert limits == pytest.approx((-limit, limit))
        assert ends == [format_number(-limit), "0", format_number(limit)]
        for share in (1, 0.5):
            y, x = np.unravel_index(np.abs(np.abs(values) / limit - share).argmin(), values.shape)
            end = DARK.rgb("positive" if values[y, x] > 0 else "negative")
            expected = DARK.rgb("background") + np.abs(values[y, x]) / limit * (end - DARK.rgb("background"))
            assert np.allclose(color_at(fig, grid, y, x), expected, atol=0.02)
        bar = next(ax for ax in fig.axes if ax.get_xlim() == limits)
        box, (_, y) = bar.get_window_extent(), artist_center(bar)
        assert np.allclose(painted(fig, box.x0 + 3, y), to_rgb(DARK.negative), atol=0.05)
        assert np.allclose(painted(fig, box.x1 - 3, y), to_rgb(DARK.positive), atol=0.05)


def test_saliency_occlusion_costs(mlp, wide) -> None:
    *_, covered = draw_figure("saliency", mlp, patch=7, stride=7)[2]
    assert np.allclose(covered.images()[0], cost_of_covering(mlp, 0, 7, 7), atol=1e-4)
    pixels = wide.sample.pixels.copy()
    border = np.ones(pixels.shape[1:], bool)
    border[1:-1, 1:-1] = False
    pixels[:, border] = [[200], [90], [30]]
    pixels[:, 0, 4:8] = 255
    wide.sample_or_none = Sample(pixels, 1)
    *_, covered = draw_figure("saliency", wide, patch=6, stride=4)[2]  # patches that overlap
    assert np.allclose(covered.images()[0], cost_of_covering(wide, [200, 90, 30], 6, 4), atol=1e-4)


@pytest.mark.parametrize("outcome", ["correct", "true class", ""])
def test_saliency_labels(mlp, outcome) -> None:
    examples = mlp.examples()
    hits = mlp.predict_batch(examples.images)["logits"].argmax(1) == examples.labels
    i = int(np.flatnonzero(hits == (outcome == "correct"))[0])
    mlp.sample_or_none = Sample(examples.images[i], int(examples.labels[i]) if outcome else None)
    fig, _, grids = draw_figure("saliency", mlp, patch=5)
    trace = mlp.trace()
    a, b = first_and_second(trace)
    confidence = float(softmax(trace.logits.astype(float)).max())
    prediction = format_prediction(mlp.classes, int(trace.logits.argmax()), confidence, mlp.sample.label)
    differ = format_number(float(np.sort(trace.logits)[-1] - np.sort(trace.logits)[-2]))
    texts = [spot.text for spot in text_spots(fig)]
    assert texts[0] == f"Saliency of {a} versus {b} in mlp-16-16"
    assert texts[1] == f"{prediction} · logit difference {differ} · epoch 2"
    assert outcome in texts[1]
    assert texts[-1].startswith(f"blue: supports {a}, orange: supports {b}")
    assert [title_above(fig, m.ax) for m in grids] == ["Image", "Gradient", "Gradient × input", "Occlusion"]
    y = next(spot.y for spot in text_spots(fig) if spot.text == "first-order estimate")
    assert texts_in_row(fig, y) == ["of the logit difference", "first-order estimate", "patch of 5×5 pixels"]


def turned(image, degrees):
    """An image (H, W) turned counter-clockwise about its middle."""
    angle, middles = np.deg2rad(degrees), [(side - 1) / 2 for side in image.shape]
    down, right = (axis - half for axis, half in zip(np.indices(image.shape), middles, strict=True))
    source = np.cos(angle) * down + np.sin(angle) * right, np.cos(angle) * right - np.sin(angle) * down
    return map_coordinates(
        image.astype(float), [s + m for s, m in zip(source, middles, strict=True)], order=1, mode="nearest"
    )


def test_robustness_rotates_by_quarter_turn() -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28))
    assert np.allclose(turned(image, 90), np.rot90(image))
    _, _, turn, word = load_scene(SCENE_DIRS[1] / "robustness.py").CHANGES["Rotation"]
    assert np.allclose(turn(image[None, None].astype(float), 90)[0, 0], np.rot90(image))
    assert word(90) == "90°"


def test_robustness_image_transformations(wide) -> None:
    pixels = np.zeros((3, 20, 24), np.uint8)
    pixels[:] = np.array([100, 120, 90])[:, None, None]
    pixels[:, 7:13, 9:15] = np.array([160, 150, 200])[:, None, None]
    wide.sample_or_none = Sample(pixels, 0)
    fig, _, grids = draw_figure("robustness", wide, images=5)
    noisy, rotated, shifted, stroke = (grid.images().astype(float) for grid in grids)
    image = pixels.transpose(1, 2, 0).astype(float)

    other = np.random.default_rng(7).normal(0, 255, image.shape)
    for tile, level in zip(noisy, np.arange(7) / 10, strict=True):
        expected = np.clip(image + level * other, 0, 255) - image
        assert (tile - image).std() == pytest.approx(expected.std(), rel=0.06)
        assert (tile - image).mean() == pytest.approx(expected.mean(), abs=6)
    for tile, degrees in zip(rotated, range(-60, 61, 20), strict=True):
        for channel in range(3):
            assert np.allclose(tile[..., channel], turned(image[..., channel], degrees), atol=1)
    y, x = np.indices(image.shape[:2])
    for tile, level in zip(shifted, range(-30, 31, 10), strict=True):
        for channel in range(3):
            ink = tile[..., channel] - image[0, 0, channel]
            assert (x * ink).sum() / ink.sum() == pytest.approx(11.5 + level / 100 * 24, abs=0.05)
            assert (y * ink).sum() / ink.sum() == pytest.approx(9.5)
    for tile, level in zip(stroke, range(-3, 4), strict=True):
        ink = tile == [160, 150, 200]
        assert (ink | (tile == [100, 120, 90])).all()
        assert (ink.any(1).sum(0) == 6 + level).all()  # rows
        assert (ink.any(0).sum(0) == 6 + level).all()

    for ax, grid in zip(_charts(fig), grids, strict=True):
        for i in range(7):
            x, _ = ax.transData.inverted().transform((tile_center(grid, i)[0], 0))
            assert x == pytest.approx(i, abs=0.2)
            assert 0 < tile_center(grid, i)[1] - (fig.bbox.height - ax.get_window_extent().y0) < 50


def test_robustness_accuracy_and_confidence(mlp) -> None:
    count = 100
    fig, _, grids = draw_figure("robustness", mlp, images=count)
    images, labels = mlp.examples().images[:count], mlp.examples().labels[:count]
    places = np.arange(28.0)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)), "edge"), (3, 3), (1, 2)
    )
    changed = (
        (0, 3, images + np.random.default_rng(0).normal(0, 0.3 * 255, images.shape)),
        (1, 5, [[turned(image, 40)] for image in images[:, 0]]),
        (2, 5, [[[np.interp(places - 0.2 * 28, places, row) for row in image]] for image in images[:, 0]]),
        (3, 1, windows.min((3, 4))[:, None]),
        (3, 5, windows.max((3, 4))[:, None]),
        *((panel, place, images) for panel, place in enumerate((0, 3, 3, 3))),
    )
    charts, colors = _charts(fig), legend_colors(fig)
    assert colors == {"accuracy (band: 95 % interval)": DARK.positive, "mean confidence": DARK.negative}
    shown, _ = colors.values()
    for panel, place, batch in changed:
        logits = mlp.predict_batch(np.clip(np.round(batch), 0, 255).astype(np.uint8))["logits"]
        found = {to_hex(line.get_color()): line.get_ydata()[place] for line in charts[panel].lines}
        right = (logits.argmax(1) == labels).mean()
        sure = softmax(logits.astype(float), axis=1).max(1).mean()
        assert found[shown] == pytest.approx(right, abs=1.01 / count if batch is not images else 1e-9)
        assert found[colors["mean confidence"]] == pytest.approx(sure, abs=0.002 if batch is not images else 1e-5)
    for grid, place in zip(grids, (0, 3, 3, 3), strict=True):
        assert np.allclose(grid.images()[place], mlp.sample.pixels[0] / 255, atol=1e-6)

    for ax in charts:
        accuracy = next(line for line in ax.lines if to_hex(line.get_color()) == shown)
        (band,) = ax.collections
        assert to_hex(band.get_facecolor()[0]) == shown
        edges = band.get_paths()[0].vertices
        for x, y in zip(accuracy.get_xdata(), accuracy.get_ydata(), strict=True):
            here = edges[np.isclose(edges[:, 0], x), 1]
            expected = binomtest(round(y * count), count).proportion_ci(method="wilson")
            assert (here.min(), here.max()) == pytest.approx((expected.low, expected.high))
        assert all(list(line.get_xdata()) == list(range(7)) for line in ax.lines)


def test_robustness_labels(mlp) -> None:
    fig, _, _ = draw_figure("robustness", mlp, images=30)
    texts = text_spots(fig)
    assert min(texts, key=lambda spot: (round(spot.left), spot.y)).text == "Robustness of mlp-16-16"
    _message_is_largest_gap(fig, mlp, [spot.text for spot in texts if spot.left < 30][1])
    expected = (
        ("Noise", "sd, share of the pixel range", ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]),
        ("Rotation", "counter-clockwise", ["−60°", "−40°", "−20°", "0", "20°", "40°", "60°"]),
        ("Translation", "to the right, % of the width", ["−30", "−20", "−10", "0", "10", "20", "30"]),
        ("Stroke width", "change in pixels", ["−3", "−2", "−1", "0", "+1", "+2", "+3"]),
    )
    for ax, (title, note, ticks) in zip(_charts(fig), expected, strict=True):
        box = ax.get_window_extent()
        assert title_above(fig, ax) == title
        y = next(spot.y for spot in texts if spot.text == title)
        assert [spot.text for spot in texts if abs(spot.y - y) < 6 and box.x0 - 60 < spot.x < box.x1] == [title, note]
        assert texts_in_row(fig, artist_center(ax.get_xticklabels()[0])[1], box.x0 - 5, box.x1 + 5) == ticks
        at = [ax.transData.transform((i, 0))[0] for i in range(7)]
        assert [artist_center(label)[0] for label in ax.get_xticklabels()] == pytest.approx(at, abs=3)
        marks_are_true(ax, 0.01)


def _message_is_largest_gap(fig, context, note) -> None:
    """The figure opens with the level at which the confidence exceeds the accuracy most."""
    gaps = []
    for ax in _charts(fig):
        accuracy, confidence = (line.get_ydata() for line in ax.lines)
        labels = [text.get_text() for text in ax.get_xticklabels()]
        gaps += [
            (c - a, f"{title_above(fig, ax).lower()} {label}", a, c)
            for a, c, label in zip(accuracy, confidence, labels, strict=True)
        ]
    _, where, accuracy, confidence = max(gaps)
    where += " %" if where.startswith("translation") else ""
    shares = f"accuracy {format_percent(accuracy, 0)}, confidence {format_percent(confidence, 0)}"
    stored = len(context.examples().labels)
    assert note == f"Most overconfident: {where}, {shares} · 30 of {stored} examples · epoch 2"


def _charts(fig):
    """Charts of two lines, in reading order."""
    found = [ax for ax in fig.axes if len(ax.lines) == 2]
    assert len(found) == 4
    return sorted(found, key=lambda ax: (round(artist_center(ax)[1]), artist_center(ax)[0]))


def frames(grid):
    """The colours of the frames around each image of a grid."""
    fig = grid.ax.get_figure(root=True)
    scale, high, found = fig.bbox.width / FIGURE_WIDTH, fig.bbox.height, [[] for _ in range(grid.shape[0])]
    boxes = [grid.image_box(i) for i in range(grid.shape[0])]
    boxes = np.array([(b.x, b.y, b.x + b.w, b.y + b.h) for b in boxes]) * scale
    for lines in grid.ax.collections:
        for path in lines.get_paths():
            x0, y0, x1, y1 = path.get_extents(lines.get_transform()).extents
            around = np.flatnonzero((np.abs(boxes - (x0, high - y1, x1, high - y0)) < 4).all(1))
            assert len(around) == 1
            found[around[0]].append(to_hex(lines.get_edgecolor()[0]))
    return found


@pytest.mark.parametrize(("name", "images"), [("mlp", 40), ("wide", 9)])
def test_predictions_frame_colors(name, images, request) -> None:
    context = request.getfixturevalue(name)
    fig, _, (grid,) = draw_figure("predictions", context, images=images)
    examples, count = context.examples(), len(grid.images())
    assert count == images if images == 9 else 9 < count < images
    pictures = [to_display(pixels) for pixels in examples.images[:count]]
    assert np.allclose(grid.images(), pictures)
    shares = softmax(context.predict_batch(examples.images[:count])["logits"].astype(float), axis=1)
    right = shares.argmax(1) == examples.labels[:count]
    assert name == "mlp" or 0 < right.sum() < count
    for i, share in enumerate(shares):
        lines = prediction_lines(context.classes, share.argmax(), share.max(), examples.labels[i], number=i)
        assert caption_below(fig, grid, i, 3) == lines
    assert legend_colors(fig) == {"correct": DARK.correct, "misclassified": DARK.incorrect}
    assert frames(grid) == [[DARK.correct if ok else DARK.incorrect] for ok in right]
    title, note = [spot.text for spot in text_spots(fig) if spot.left < 30 and spot.y < 70]
    assert title == f"Predictions of {context._run.name}"
    epoch = "epoch 2" if name == "mlp" else "epoch 1"
    assert note == f"{right.sum()} of {count} example images correct · {epoch} · #: number for --index"


def test_predictions_shorten_long_captions(wide) -> None:
    wide._run.info["classes"] = [
        f"{name} of a length that fits nowhere" for name in ("cat", "dog", "emu", "fox", "gnu")
    ]
    fig, _, (grid,) = draw_figure("predictions", wide, images=6)
    predicted = wide.predict_batch(wide.examples().images[:6])["logits"].argmax(1)
    assert len(set(predicted)) > 1
    for i, (k, label) in enumerate(zip(predicted, wide.examples().labels, strict=False)):
        prediction, share, outcome = caption_below(fig, grid, i, 3)
        assert share.endswith(f" % · #{i}")
        whole = {prediction: f"predicted {wide.classes[k]}"}
        whole |= {} if k == label else {outcome: f"true class {wide.classes[label]}"}
        for line, word in whole.items():
            assert line.endswith("…")
            assert word.startswith(line[:-1])
            assert len(line) > 9


@pytest.fixture
def two_sets(wide):
    """Two data sets: of five classes the first has not the fourth, the second not the second, neither the fifth."""
    run, rng = wide._run, np.random.default_rng(4)
    home = {"images": wide.examples().images, "labels": rng.choice([0, 1, 2], 40), "index": np.arange(40)}
    run.info["examples"] = RunWriter(run).add_arrays("examples.npz", **home)
    images, labels = (
        rng.integers(0, 256, (30, 3, 20, 24), dtype=np.uint8),
        rng.choice([0, 2, 3], 30, p=[0.1, 0.4, 0.5]),
    )
    logits = np.zeros((2, 5), np.float32)
    other = RunWriter(run).add_arrays(
        "evaluation/other.npz", logits=logits, labels=[0, 2],
        sample_images=images, sample_labels=labels, sample_index=np.zeros(30, int),
    )  # fmt: skip
    run.info["evaluations"] |= {"other set": other | {"count": 2}}
    return wide


def test_sample_data_rows_by_class(mlp) -> None:
    fig, _, (grid,) = draw_figure("sample_data", mlp, images=4)
    examples = mlp.examples()
    left = grid.ax.get_window_extent().x0
    for k in range(10):
        which = np.flatnonzero(examples.labels == k)[:4]
        assert np.allclose(grid.images()[4 * k : 4 * k + 4], examples.images[which][:, 0] / 255)
        y = tile_center(grid, 4 * k)[1]
        assert texts_in_row(fig, y, 0, left) == [str(k)]
        for cell, index in enumerate(which, 4 * k):  # beside each image the number for --index
            x, pitch = tile_center(grid, cell)[0], tile_center(grid, 1)[0] - tile_center(grid, 0)[0]
            assert texts_in_row(fig, y, x, x + 0.9 * pitch) == [str(index)]
    title, note = [spot.text for spot in text_spots(fig)][:2]
    assert title == "Sample images of mlp-16-16"
    rest = f"of {len(examples.labels)} stored images, of 10 classes · numbers: for --index"
    assert note == f"40 {rest}"
    fig, _, (grid,) = draw_figure("sample_data", mlp)
    assert len(grid.images()) > 40
    assert text_spots(fig)[1].text == f"{len(grid.images())} {rest}"


def test_sample_data_of_two_sets(two_sets) -> None:
    fig, _, grids = draw_figure("sample_data", two_sets, images=8)
    extra = two_sets.evaluation("other set").extra
    home, other = two_sets.examples(), (extra["sample_images"], extra["sample_labels"])
    drawn_images = 0
    for grid, (images, labels) in zip(grids, ((home.images, home.labels), other), strict=True):
        for row, k in enumerate([0, 1, 2, 3]):
            expected = images[labels == k].transpose(0, 2, 3, 1)[: grid.columns]
            tiles = grid.images()[row * grid.columns : (row + 1) * grid.columns]
            assert np.array_equal(tiles[: len(expected)], expected)
            assert not tiles[len(expected) :].any()
            drawn_images += len(expected)
    assert [title_above(fig, grid.ax) for grid in grids] == ["made-up", "other set"]
    left = grids[0].ax.get_window_extent().x0
    names = [texts_in_row(fig, tile_center(grids[0], row * grids[0].columns)[1], 0, left) for row in range(4)]
    assert names == [["class 0"], ["class 1"], ["class 2"], ["class 3"]]
    assert text_spots(fig)[1].text == f"{drawn_images} of 70 stored images, of 4 of 5 classes · numbers: for --index"


def test_data_set_counts_and_pixels(mlp) -> None:
    fig, _, (means, _) = draw_figure("data_set", mlp)
    labels, examples = mlp.evaluation().labels, mlp.examples()
    title, note = [spot.text for spot in text_spots(fig)][:2]
    assert title == "Data set embedded"
    assert note == "1,000 held-out images of 10 classes, 1×28×28 · means, pixels, pairs: 500 example images"
    _counts_are(fig, mlp, labels)
    _pixel_values_are(fig, examples.images)
    for k in range(10):
        expected = examples.images[examples.labels == k].mean(0)[0] / 255
        assert np.allclose(means.images()[k], expected, atol=0.003)
    assert title_above(fig, means.ax) == "Mean images"


def test_data_set_of_color_images(two_sets) -> None:
    two_sets._run.info["evaluations"] = {}
    fig, _, (means, _) = draw_figure("data_set", two_sets)
    examples = two_sets.examples()
    title, note = [spot.text for spot in text_spots(fig)][:2]
    assert title == "Data set made-up"
    assert note == "40 example images of 5 classes, 3×20×24"
    _counts_are(fig, two_sets, examples.labels)
    _pixel_values_are(fig, examples.images)
    expected = [examples.images[examples.labels == k].mean(0).transpose(1, 2, 0) for k in (0, 1, 2)]
    assert np.allclose(means.images(), expected, atol=0.51)
    (shown_of,) = (
        spot.text for spot in text_spots(fig) if "of 5 classes" in spot.text and not spot.text.startswith("40")
    )
    assert shown_of == "3 of 5 classes"


def test_data_set_counts_omitted_classes(tmp_path) -> None:
    context = figure_runs.first_example_context(
        figure_runs.make_run(tmp_path, "hundred")
    )  # 40 images, the first 40 classes
    examples = context.examples()
    fig, _, (means, _) = draw_figure("data_set", context)
    texts = [spot.text for spot in text_spots(fig)]
    assert {"20 of 100 classes", "100 classes"} <= set(texts)
    assert np.allclose(means.images(), examples.images[:20, 0] / 255)
    fig, _, (grid,) = draw_figure("sample_data", context)
    assert text_spots(fig)[1].text == "10 of 40 stored images, of 10 of 100 classes · numbers: for --index"
    assert np.allclose(grid.images(), examples.images[:10, 0] / 255)


def _panel(fig, title):
    return next(ax for ax in fig.axes if len(ax.patches) and title_above(fig, ax) == title)


def _counts_are(fig, context, labels) -> None:
    """Bars over the names of the classes, as high as a class has images."""
    ax, classes = _panel(fig, "Images per class"), context.classes
    assert [bar.get_height() for bar in ax.patches] == [(labels == k).sum() for k in range(len(classes))]
    foot = fig.bbox.height - ax.get_window_extent().y0
    assert [texts_in_column(fig, artist_center(bar)[0], foot, foot + 40) for bar in ax.patches] == [
        [name] for name in classes
    ]
    marks_are_true(ax)


def _pixel_values_are(fig, images) -> None:
    """Bars of eight values each."""
    ax = _panel(fig, "Pixel values")
    for i, bar in enumerate(ax.patches):
        inside = (images >= 8 * i) & (images < 8 * i + 8)
        assert bar.get_height() == pytest.approx(inside.mean())
        assert (bar.get_x(), bar.get_width()) == (8 * i, 8)
    assert len(ax.patches) == 32
    ticks = [label for label in ax.get_xticklabels() if label.get_text()]
    assert [label.get_text() for label in ticks] == ["0", "128", "255"]
    assert [artist_center(t)[0] for t in ticks] == pytest.approx(
        [ax.transData.transform((v, 1))[0] for v in (0, 128, 255)], abs=3
    )
    note = "share of pixels" + (", logarithmic" if ax.get_yscale() == "log" else "")
    assert note in [spot.text for spot in text_spots(fig)]
    marks_are_true(ax, 0.01)


@pytest.mark.parametrize("name", ["mlp", "two_sets"])
def test_data_set_similar_images(name, request) -> None:
    context = request.getfixturevalue(name)
    fig, _, (_, alike) = draw_figure("data_set", context, pairs=4)
    images, labels = context.examples().images, context.examples().labels
    flat = images.reshape(len(images), -1) / 255
    distance = (flat**2).sum(1)[:, None] + (flat**2).sum(1) - 2 * flat @ flat.T
    free, expected = set(range(len(images))), []
    for pair in np.argsort(distance, axis=None):
        i, j = divmod(int(pair), len(images))
        if labels[i] != labels[j] and {i, j} <= free:
            free -= {i, j}
            expected.append((i, j))
        if len(expected) == 4:
            break
    tiles = alike.images()
    assert (len(tiles), alike.columns) == (8, 4)
    for column, pair in enumerate(expected):
        upper, lower = (
            next(i for i in pair if np.allclose(to_display(images[i]), tile))
            for tile in (tiles[column], tiles[4 + column])
        )
        assert upper != lower
        names = [context.classes[labels[i]] for i in (upper, lower)]
        assert caption_below(fig, alike, 4 + column) == ([", ".join(names)] if name == "mlp" else names)
    assert title_above(fig, alike.ax) == "Similar pairs"


def test_color_images_keep_axis_order() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 7), dtype=np.uint8)
    image = to_display(pixels)
    assert image.shape == (5, 7, 3)
    assert all(image[y, x, c] == pixels[c, y, x] for c, y, x in np.ndindex(3, 5, 7))
    assert np.allclose(to_display(pixels[:1]), pixels[0] / 255)

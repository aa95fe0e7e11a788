"""The film on one pooling shows the trace; any pooling is shown."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from networks import tanh_mlp
from torch import nn

from netcore.analysis import pooling_examples as examples_module
from netcore.analysis.image_shift import relative_change, shift_image
from netcore.analysis.pooling_examples import PoolingExample, pooling_example
from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.sample import Sample
from netcore.rendering.requirements import check_requirements
from netcore.scenes.films.pooling import NEEDS, Pooling
from netcore.tracing.tracer import trace_module
from netcore.viz.film.components.pooling_wording import layers_caption
from netcore.viz.theme import DARK, LIGHT

SIZE = (320, 180)


class Watched(Pooling):
    """Copies what is on screen at the end of each step."""

    def on_step_end(self, step):
        super().on_step_end(step)
        screen, winners = self.screen, self.screen.winners
        seen = SimpleNamespace(
            window=screen.window.values[0], texts=list(screen.window.tables[0].texts), kept=screen.kept.values.item(),
            kept_rgb=screen.kept.tables[0].rgb[0, 0, 0], ring=screen.ring.points[:2, :2].copy(),
            map=screen.map.maps.corners()[0].copy(), rgb=screen.map.maps.rgb[0].copy(), line=self.sums.text,
            winners=None if winners is None else (winners.points[:, :2].reshape(-1, 2, 2).copy(), winners.fill[:, :3]),
        )  # fmt: skip
        self.seen = getattr(self, "seen", {}) | {step.name: seen}


@pytest.fixture(scope="module")
def context(cnn_run, make_context):
    return make_context(cnn_run)


@pytest.fixture(scope="module")
def trace(context):
    return context.trace()


@pytest.fixture(scope="module")
def played(context):
    return play_film(Watched, context, fps=2, size=SIZE)


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def shades(values, vmax):
    share = np.clip(values / vmax, 0, 1)[..., None]
    return DARK.rgb("background") * (1 - share) + DARK.rgb("foreground") * share


def check_window(film, trace):
    seen, unit, maps = film.seen["kept"], film.example.unit, trace["act1"].output
    norm = " batch norm and" if "norm1" in {layer.name for layer in trace.layers} else ""
    assert f"Map {unit + 1} after{norm} ReLU: 28 × 28 values" in [step.caption for step in film.film_steps]
    row, column = next(
        (r, c) for r in range(14) for c in range(14)
        if np.array_equal(maps[unit, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2], seen.window)
        and np.allclose(seen.ring, _box(seen.map, 2 * r, 2 * c, 2), atol=1e-6)
    )  # fmt: skip
    assert seen.kept == seen.window.max() == trace["pool1"].output[unit, row, column]
    np.testing.assert_allclose([number(t) for t in seen.texts], seen.window.ravel(), atol=0.006)
    *values, kept = (number(t) for t in re.findall(r"\d+(?:\.\d+)?", seen.line))
    assert values == [number(t) for t in seen.texts]
    assert kept == max(values)
    np.testing.assert_allclose(seen.kept_rgb, shades(np.array(seen.kept), maps[unit].max()), atol=1e-6)


def _box(frame, row, column, size):
    """Lower left and upper right corner of a square of pixels in a map of 28 × 28."""
    (x, y), (right, _), _ = frame
    side = (right - x) / 28
    return np.array([[x + column * side, y - (row + size) * side], [x + (column + size) * side, y - row * side]])


def check_winners(film, trace):
    seen, unit, maps = film.seen["all"], film.example.unit, trace["act1"].output
    corners, fill = seen.winners
    for k, (row, column) in enumerate(np.ndindex(14, 14)):
        window = maps[unit, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        y, x = divmod(int(window.argmax()), 2)
        np.testing.assert_allclose(corners[k], _box(seen.map, 2 * row + y, 2 * column + x, 1), atol=1e-6)
        np.testing.assert_allclose(fill[k], shades(window.max(), maps[unit].max()), atol=1e-6)
    spread = np.kron(trace["pool1"].output[unit], np.ones((2, 2)))
    np.testing.assert_allclose(film.seen["lost"].rgb, shades(spread, maps[unit].max()), atol=1e-6)
    np.testing.assert_array_equal(film.screen.pooled.maps.values[0], trace["pool1"].output[unit].astype(float))


def check_changes(film, trace, second):
    order = film.changes[0].index
    for grid, node in zip(film.changes, ("act1", "pool1"), strict=True):
        change = second[node].output - trace[node].output
        np.testing.assert_allclose(grid.maps.values, change[order], atol=1e-6)
        assert grid.maps.vmax == pytest.approx(np.abs(second["act1"].output - trace["act1"].output).max())
        share = np.abs(change).sum() / np.abs(trace[node].output).sum()
        step = "changes-before" if node == "act1" else "changes-after"
        a, b, p = re.findall(r"[\d,.]+", film.seen[step].line.split("values at first| = ")[1])
        assert f"{100 * number(a) / number(b):.0f}" == p == f"{100 * share:.0f}"
    rows = {"conv 1": "act1", "pool 1": "pool1", "conv 2": "act2", "pool 2": "pool2", "hidden": "hidden1_act"}
    expected = [relative_change(trace.pixels, second.pixels.astype(float))]
    expected += [relative_change(trace[n].output, second[n].output) for n in rows.values()]
    expected.append(relative_change(trace.logits, second.logits))
    np.testing.assert_allclose(film.rows, expected, rtol=1e-5)
    np.testing.assert_array_equal(film.difference.maps.values[0], second.pixels[0].astype(float) - trace.pixels[0])
    caption = next(step.caption for step in film.film_steps if step.name == "layers")
    falls = [expected[k + 1] < expected[k] for k in (1, 3)]
    texts = [f"{100 * v:.0f}" for v in expected[1:5]]
    all_fall = f"Each pooling lowers the change: {texts[0]} → {texts[1]}, {texts[2]} → {texts[3]} %"
    assert caption == (all_fall if all(falls) else f"{sum(falls)} of 2 poolings lower the change")


CHECKS = (check_window, check_winners)


@pytest.mark.parametrize("check", CHECKS)
def test_pooling_film_shows_trace(check, played, trace):
    check(played.film, trace)


def test_pooling_film_changes_are_computed(played, context, trace):
    moved = np.zeros_like(trace.pixels)
    moved[..., 1:] = trace.pixels[..., :-1]
    second = context.trace(sample=replace(context.sample, pixels=moved))
    played.film.rows = next(
        bar for bar in played.moments[-1] if type(bar.mobject).__name__ == "BarMobject"
    ).mobject.values
    check_changes(played.film, trace, second)


def test_pooling_film_retitles_kept_values(played):
    """The map that is filled with its kept values is not called the map itself any more."""
    k = [step.name for step in played.steps].index("lost")
    texts = [{seen.text for seen in moment} for moment in played.moments[k - 1 : k + 1]]
    (old,) = [t for t in texts[0] if t.endswith(": 28 × 28")]
    assert old not in texts[1]
    assert f"{old.partition(':')[0]}, from what is kept" in texts[1]


def test_pooling_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])
    assert all(len(line) <= 50 for line in played.steps[-1].caption.split(". "))


# ---- small lies are caught


def _smallest(example):
    return np.array([_argmin(example, place) for place in np.ndindex(*example.y.shape[1:])])


def _argmin(example, place):
    (a, _), (c, _) = example.spans(place)
    row, column = divmod(int(example.values(place).argmin()), example.values(place).shape[1])
    return a + row, c + column


def _next_map(example, place):
    (a, b), (c, d) = example.spans(place)
    return example.x[example.unit - 1, a:b, c:d]


def _mirrored(example):
    return example.x[example.unit, :, ::-1]


@pytest.mark.parametrize("lie", [("winners", _smallest), ("values", _next_map), ("spread", _mirrored)])
def test_pooling_film_lie_is_caught(lie, context, trace, monkeypatch):
    monkeypatch.setattr(PoolingExample, *lie)
    film = play_film(Watched, context, fps=1, size=SIZE, draw=False).film
    with pytest.raises((AssertionError, StopIteration)):
        check_both(film, trace)


def check_both(film, trace):
    for check in CHECKS:
        check(film, trace)


# ---- any pooling


class Pools(nn.Module):
    """Overlapping windows with padding, means, adaptive windows of unequal size, a mean of whole maps."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.overlap, self.average, self.adaptive = nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2), nn.AdaptiveMaxPool2d((3, 4))
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = self.adaptive(self.average(self.overlap(torch.tanh(self.conv(x)))))
        return self.head(x.mean((2, 3)))


CASES = {"overlap": (854, 480), "average": (480, 480), "adaptive": (480, 854), "mean": (640, 480)}


@pytest.fixture(scope="module")
def color_context(cnn_run):
    torch.manual_seed(1)
    module = Pools().eval()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 24), dtype=np.uint8)

    def trace(sample, *_):
        return trace_module(module, sample.pixels, classes=["cat", "dog"], label=0)

    return SceneContext(cnn_run, Sample(pixels, 0, "test"), "best", lambda *_: SimpleNamespace(trace=trace))


@pytest.mark.parametrize("layer", CASES)
def test_pooling_film_unusual_layers(layer, color_context):
    played = play_film(Watched, color_context, LIGHT, fps=1, size=CASES[layer], draw=False, layer=layer)
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])
    film, example = played.film, played.film.example
    kept = film.seen["kept"].window.max() if example.is_max else film.seen["kept"].window.mean()
    assert kept == pytest.approx(film.seen["kept"].kept, abs=1e-5)
    assert example.is_global == (layer == "mean")
    assert film.shares[0] > 0
    if layer == "average":
        numbers = [number(t) for t in re.findall(r"−?\d+\.\d+", film.seen["kept"].line.replace("− ", "−"))]
        assert round(np.mean(numbers[:-1]), 2) == pytest.approx(numbers[-1], abs=0.011)


def test_pooling_film_refusals(context, mlp_run, cnn_run):
    with pytest.raises(RequirementError, match="use forward-propagation"):
        check_requirements("pooling", NEEDS, mlp_run)
    check_requirements("pooling", NEEDS, cnn_run)
    mlp = module_context(cnn_run, tanh_mlp(), cnn_run.examples().images[0], [str(k) for k in range(10)], 0)
    with pytest.raises(RequirementError, match="use forward-propagation"):
        play_film(Pooling, mlp, fps=1, draw=False)
    with pytest.raises(NetcoreError, match="did you mean 'pool"):
        play_film(Pooling, context, fps=1, draw=False, layer="pool9")


def test_pooling_windows_equal_pytorch(color_context, monkeypatch):
    trace = color_context.trace()
    for layer in CASES:
        example = pooling_example(trace, layer, None)
        keep = np.max if example.is_max else np.mean
        made = [[keep(example.x[:, a:b, c:d], axis=(1, 2)) for c, d in example.columns] for a, b in example.rows]
        np.testing.assert_allclose(np.moveaxis(made, -1, 0), example.y, atol=1e-6)
    monkeypatch.setattr(examples_module, "_is_max", lambda op: "Avg" in op.kind)
    with pytest.raises(RequirementError, match="needs a pooling layer"):
        pooling_example(trace, "overlap", None)


def test_layers_caption_claims_what_holds():
    assert layers_caption([(0.49, 0.34)]) == "The pooling lowers the change: 49 → 34 %"
    assert layers_caption([(0.49, 0.34), (0.3, 0.4)]) == "1 of 2 poolings lower the change"
    assert layers_caption([(0.3, 0.4)]) == "0 of 1 poolings lower the change"
    assert layers_caption([(0.4, 0.3)] * 3) == "All 3 poolings lower the change"


def test_shift_image_keeps_what_it_can():
    image = np.zeros((1, 4, 5), np.uint8)
    image[0, 1:3, 1:] = 200
    moved = shift_image(image)
    assert (moved.direction, moved.repeats) == ("left", False)
    np.testing.assert_array_equal(moved.pixels[0, :, :4], image[0, :, 1:])
    full = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    moved = shift_image(full)
    assert (moved.direction, moved.repeats) == ("right", True)
    np.testing.assert_array_equal(moved.pixels[0], [[0, 0, 1, 2], [4, 4, 5, 6], [8, 8, 9, 10]])

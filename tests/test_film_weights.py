"""Weights through training: pictures, sums, accuracies and what was put back are those of the network."""

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from networks import AttentionViT

from netcore.analysis import first_layer
from netcore.analysis.first_layer import first_unit, idle_pixels, strongest_place
from netcore.analysis.layer_resets import LayerReset
from netcore.analysis.snapshot_predictions import path_snapshots, predict_snapshots, recorded_curves
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_sum
from netcore.scenes.films.weights_evolve import WeightsEvolve
from netcore.viz.film.captions import format_caption
from netcore.viz.film.components import weight_view
from netcore.viz.film.components import weight_wording as wording
from netcore.viz.film.components.tiles import Tiles
from netcore.viz.film.components.time_axis import TimedImages
from netcore.viz.film.components.weight_wording import FUNCTIONS
from netcore.viz.theme import DARK, LIGHT

SIZE = (320, 180)


class Watched(WeightsEvolve):
    """Copies what stands on screen at the end of each step."""

    def on_step_end(self, step):
        super().on_step_end(step)
        view = self.view
        seen = {"line": self.line.text, "caption": step.caption}
        for name in ("weights", "products", "later_weights", "later_products"):
            tiles = getattr(view, name)
            seen[name] = (tiles.values.copy(), np.array(tiles.rgb), tiles.vmax)
        self.seen = getattr(self, "seen", {}) | {step.name: seen}


@pytest.fixture(scope="module", params=["mlp", "cnn"])
def context(request, make_context):
    return make_context(request.getfixturevalue(f"{request.param}_run"), at="last")


@pytest.fixture(scope="module")
def played(context):
    return play_film(Watched, context, fps=1, size=SIZE, draw=False)


def numbers(line):
    signs = {"−": -1.0, "+": 1.0, "=": 1.0, "→": 1.0}
    out, sign = [], 1.0
    for word in line.split():
        if word in signs:
            sign = signs[word]
        elif word.lstrip("−").replace(".", "").isdigit():
            out.append(sign * float(word.replace("−", "-")))
            sign = 1.0
    return out


def check_sums(played, context):
    """The sum is PyTorch's, and its printed terms add up to it."""
    film = played.film
    for name, at in (("early", film.first), ("late", film.last)):
        node = context.trace(at=at)[film.unit.block.main.node].output
        place = (film.unit.unit,) if node.ndim == 1 else None
        line = film.seen[name]["line"].split(" →")[0].removeprefix("sum of blue ").replace("− of orange", "−")
        *terms, total = numbers(line)
        assert sum(terms) == pytest.approx(total, abs=1e-9)
        if place:
            assert total == pytest.approx(float(node[place]), abs=0.006)
        else:
            assert np.abs(node[film.unit.unit] - total).min() < 0.006


def check_functions(played, context):
    """Each printed value follows from the printed number before it, and is PyTorch's to the digits shown."""
    film = played.film
    for name, at in (("early", 0), ("late", -1)):
        total, *steps = film.seen[name]["line"].split(" (")[0].split(" = ", 1)[1].split(" → ")
        assert total == film.view.total(at)
        assert total in film.seen[name]["caption"]
        x = value_of(total)
        assert len(steps) == len(film.unit.after[at])
        for text, function in zip(steps, film.unit.after[at], strict=True):
            printed = text.split(" ")[-1]
            if text.startswith("Batch norm"):
                scale, shift = re.match(r"Batch norm: × (\S+) ([+−] \S+ )?=", text).groups()
                y = x * value_of(scale) + value_of((shift or "0").replace(" ", ""))
            else:
                y = float(getattr(torch.nn, text.split(" ")[0])()(torch.tensor(x, dtype=torch.float64)))
            exact = 0.5 * 10.0 ** -len(printed.partition(".")[2]) if "×" not in printed else 0.005 * abs(y)
            assert abs(value_of(printed) - y) <= exact * (1 + 1e-9)
            assert value_of(printed) == pytest.approx(function.value, rel=0.006, abs=1e-3)
            x = value_of(printed)


def value_of(text):
    factor, _, power = text.replace("−", "-").replace("+", "").partition("×10")
    return float(factor) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)


def check_change(played, context):
    """The curve of the change and its band are those of the weights; the caption names both ends of the band."""
    film, charts = played.film, played.film.charts
    layer = film.unit.block.main.node
    name = context.trace()[layer].weight_name
    own = [context.weights(s)[name][film.unit.unit].astype(float).ravel() for s in film.snapshots]
    done = np.cumsum([0.0, *(np.linalg.norm(b - a) for a, b in pairwise(own))])
    np.testing.assert_allclose(charts.change.at_snapshots, done / done[-1])
    np.testing.assert_allclose(charts.change.cursor.spots[:, 1], charts.change.height_of(done / done[-1]))
    a, b = charts.half
    assert done[b] - done[a] >= done[-1] / 2
    steps, half = film.axis.steps, done[-1] / 2
    spans = [steps[j] - steps[i] for i in range(len(own)) for j in range(i, len(own)) if done[j] - done[i] >= half]
    assert steps[b] - steps[a] == min(spans)
    if "half" not in film.seen:
        assert steps[b] - steps[a] > (steps[-1] - steps[0]) / 4
        return
    for text in (film.axis.labels[a], film.axis.labels[b].removeprefix("epoch ")):
        assert text in film.seen["half"]["caption"]
    plot, x = charts.change.plot, film.band[0].points[:2, 0]
    np.testing.assert_allclose(x, [plot.left + film.axis.times[k] * plot.width for k in (a, b)])


def check_pictures(played, context):
    """Weights, products and their colours at both ends."""
    unit, seen = played.film.unit, played.film.seen
    layer = unit.block.main.node
    name = context.trace()[layer].weight_name
    for at, tiles, step in ((played.film.first, "weights", "early"), (played.film.last, "later_weights", "late")):
        weight = context.weights(at)[name][unit.unit].reshape(unit.own.shape[1:])
        values, rgb, vmax = seen[step][tiles]
        np.testing.assert_array_equal(values, weight)
        np.testing.assert_allclose(rgb, DARK.signed_colors(weight / vmax))
        products = seen[step][tiles.replace("weights", "products")][0]
        np.testing.assert_allclose(products, weight * unit.inputs, atol=1e-6)


@pytest.mark.parametrize("check", [check_sums, check_functions, check_change, check_pictures])
def test_weights_film_shows_network(check, played, context):
    check(played, context)


def formula_value(text, x):
    """Value of a printed formula such as ``Sigmoid(x) = 1 / (1 + e⁻ˣ)``."""
    python = text.partition(" = ")[2].replace("−", "-").replace("e⁻ˣ", "exp(-x)").replace("eˣ", "exp(x)")
    return eval(python, {"exp": np.exp, "x": x})


def test_weights_film_functions_have_formulas():
    for name in ("Sigmoid", "Tanh"):
        expected = float(getattr(torch.nn, name)()(torch.tensor(-0.7, dtype=torch.float64)))
        assert formula_value(FUNCTIONS[name], -0.7) == pytest.approx(expected)


def test_weights_film_says_its_formula(played):
    film, line = played.film, played.film.seen["early"]["line"]
    for function in film.unit.after[0][-1:]:
        assert FUNCTIONS[function.term] in line


def test_weights_film_bias_uncoloured(played):
    terms = played.film.view.sum_terms(-1)
    assert not [t for t in terms if not isinstance(t, str) and "bias" in t[0]]


def test_weights_film_one_scale(played):
    """All units are on the scale that the one had; the caption or its note has the layer."""
    film = played.film
    moment = next(m for m, step in zip(played.moments, played.steps, strict=True) if step.name == "all")
    tiles = next(s.mobject for s in moment if isinstance(s.mobject, TimedImages))
    assert tiles.vmax == film.view.scales[0][1] == film.seen["late"]["later_weights"][2]
    texts = " ".join([film.seen["all"]["caption"], *(m.text for m in moment if m.text)])
    assert "turned by only" in texts or film.unit.block.title in texts
    assert "ringed" not in texts


def test_weights_film_ends_with_pictures(played, context):
    film = played.film
    pictures = [s.mobject for s in played.moments[-1] if type(s.mobject) is Tiles]
    name = context.trace()[film.unit.block.main.node].weight_name
    vmax = film.view.scales[0][1]
    for tiles, at in zip(pictures, (film.first, film.last), strict=True):
        weight = context.weights(at)[name][film.unit.unit].reshape(film.unit.own.shape[1:])
        np.testing.assert_array_equal(tiles.values, weight)
        assert tiles.vmax == vmax


def test_weights_film_names_the_snapshot(played):
    """The line above the weights has the snapshot that they are of."""
    for name, k in (("unit", 0), ("early", 0), ("late", -1), ("takeaway", -1)):
        moment = next(m for m, step in zip(played.moments, played.steps, strict=True) if step.name == name)
        assert f"{played.film.name}, {played.film.axis.labels[k]}" in [m.text for m in moment]


def test_weights_film_charts_have_headers(played):
    film = played.film
    texts = [m.text for m in film.charts.headers]
    assert texts[0].startswith(film.name)
    assert texts[1].removeprefix("of ").startswith(film.found.words[: len(texts[1]) - 5])
    if "half" in film.seen:
        assert "shortest span with at least half of the change" in film.seen["half"]["line"]


def test_weights_film_put_back(played, context):
    """One layer has its untrained weights, the others keep theirs."""
    film = played.film
    images = context.images()
    bars = next(s.mobject for s in played.moments[-2] if type(s.mobject).__name__ == "BarMobject")
    layers = [n for n in context.trace().layers if n.weight is not None and "Norm" not in n.kind]
    assert len(bars.values) == len(layers)
    first = context.weights(film.first)
    for value, layer in zip(bars.values, layers, strict=True):
        weights = {n: first[n] for n in layer.parameter_sizes}
        logits = context.network(film.last).predict(images.images, weights=weights)["logits"]
        assert value == pytest.approx(float((logits.argmax(1) == images.labels).mean()))


def test_weights_film_accuracy_curve(played, context):
    """The curve has all recorded values, as in the film about learning, and those of the snapshots."""
    chart = played.film.charts.accuracy
    steps, values = recorded_curves(context, played.film.found)[1]
    assert len(steps) >= len(context.snapshots)
    expected = [chart.plot.left + played.film.axis.places(steps) * chart.plot.width, chart.height_of(values)]
    np.testing.assert_allclose(chart.curve.points[:, :2].T, expected)
    images = context.images()
    for snapshot, value in zip(played.film.axis.steps, played.film.charts.accuracy.at_snapshots, strict=True):
        at = next(s for s in context.snapshots if s.step == snapshot)
        logits = context.predict_batch(images.images, at=at)["logits"]
        assert value == pytest.approx(float((logits.argmax(1) == images.labels).mean()))


def test_weights_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(line) <= 50 for step in played.steps for line in step.caption.split(". "))


def test_weights_film_portrait_light(context):
    check_layout(play_film(WeightsEvolve, context, LIGHT, fps=1, size=(180, 320), draw=False))


LIES = {
    "sum": (weight_view, "print_sum", lambda terms, after: (["1.00", "−1.00", "0.25"], "0.00", []), check_sums),
    "two digits": (
        weight_view,
        "print_sum",
        lambda terms, after: (*format_sum(terms), [f"→ {f.term} {f.value + 0.004:.3f}" for f in after]),
        check_functions,
    ),
    "whole band": (first_layer.FirstUnit, "half_of_change", lambda unit: (0, len(unit.steps) - 1), check_change),
}


@pytest.mark.parametrize("lie", LIES)
def test_weights_film_lie_is_caught(lie, mlp_run, make_context, monkeypatch):
    context = make_context(mlp_run, at="last")
    where, name, value, check = LIES[lie]
    monkeypatch.setattr(where, name, value)
    played = play_film(Watched, context, fps=1, size=SIZE, draw=False)
    monkeypatch.undo()
    with pytest.raises(AssertionError):
        check(played, context)


def test_weights_film_explains_its_words(played):
    """Epochs and untrained pixels are told in plain words, without those of backpropagation."""
    texts = [[m.text for m in moment if m.text] for moment in played.moments]
    everything = " ".join(text for moment in texts for text in moment)
    assert not [word for word in ("delta", "gradient", "held-out", "cosine") if word in everything]
    moment = next(t for t, step in zip(texts, played.steps, strict=True) if step.name == "training")
    assert any(f"{played.film.axis.unit}: one" in text for text in moment)


def test_snapshot_predictions_loss(context):
    found = predict_snapshots(context, path_snapshots(context)[-1:])
    label = found.images.labels[0]
    p = np.exp(found.logits[0, 0].astype(float))
    assert found.losses[0, 0] == pytest.approx(-np.log(p[label] / p.sum()))
    assert found.confusion[0].trace() == pytest.approx(found.accuracy[0] * len(found.images.labels))


def made_unit(first, last):
    weights = np.stack([first, last])[:, None, None]
    return SimpleNamespace(**{"neighbour_correlations": correlations(weights)})


def correlations(weights):
    unit = first_layer.FirstUnit(None, 0, weights, np.zeros((2, 1)), np.ones(weights.shape[2:]), *4 * (None,))
    return unit.neighbour_correlations


def test_conclusion_needs_noise_then_pattern():
    """Noise is said to become a pattern only where adjacent weights became alike."""
    noise, ramp = np.random.default_rng(0).normal(size=(28, 28)), np.add.outer(np.arange(28.0), np.arange(28.0))
    found = correlations(np.stack([noise, ramp])[:, None, None])
    flat = np.r_[ramp[:, 1:].ravel(), ramp[1:].ravel()], np.r_[ramp[:, :-1].ravel(), ramp[:-1].ravel()]
    assert found[1] == pytest.approx(np.corrcoef(*flat)[0, 1])
    assert abs(found[0]) < 0.1
    for first, last, words in ((noise, ramp, "Noise to a pattern"), (noise, -noise, "sum on"), (ramp, ramp, "sum on")):
        text, _ = wording.conclusion_caption(made_unit(first, last), "Neuron 1", "7", ("1", "2"), ("epoch 1", "3"))
        assert words in text


@pytest.mark.parametrize(
    ("shares", "total", "expected"),
    [
        ((0.1, 0.4), 2, "Accuracy 90.0 %; any one layer put back: ≤ 40.0 %"),
        ((0.1, 0.9), 2, "Accuracy 90.0 %; layer 0 put back: 10.0 %"),
        ((0.1, 0.4), 3, "Accuracy 90.0 %; layer 0 put back: 10.0 %"),
        ((0.9,), 1, "Accuracy 90.0 %"),
    ],
)
def test_reset_caption_any_only_if_all(shares, total, expected):
    text, values = wording.reset_caption([LayerReset(f"layer {k}", p) for k, p in enumerate(shares)], total, 0.9)
    assert format_caption(text, **values) == expected


def test_idle_pixels_need_training_images(context):
    unit = first_unit(context, path_snapshots(context))
    assert idle_pixels(context, unit) is None


def test_weights_film_needs_two_snapshots(mlp_run, make_context):
    with pytest.raises(RequirementError, match="two are needed"):
        play_film(WeightsEvolve, make_context(mlp_run, at="first"), fps=1)


def test_first_unit_refuses_patch_embedding(cnn_run):
    context = module_context(cnn_run, AttentionViT(), cnn_run.examples().images[0], [str(k) for k in range(10)], 0)
    with pytest.raises(RequirementError, match="use weight-distribution"):
        first_unit(context, [context.snapshot()])


@pytest.mark.parametrize(
    ("sums", "place", "word"),
    [([[0.0, 0.5], [-2.0, 0.0]], (0, 1), "largest"), ([[0.0, -1.0], [-2.0, 0.0]], (1, 0), "smallest")],
)
def test_kernel_window_has_ink(sums, place, word):
    """A kernel that ink only lowers is shown where it does so most, not on the blank ground."""
    sums = np.array(sums)
    assert strongest_place(sums) == place
    assert f"the {word} sum" in wording.window_note(SimpleNamespace(products=[sums[place]]))

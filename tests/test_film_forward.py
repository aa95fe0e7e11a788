"""Forward propagation: what is drawn is what the trace holds; nothing is cut off or overlaps, on any dense network."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from film_checks import Playback, check_layout, module_context, play_film, smallest_text
from torch import nn

from netcore.analysis.dense_layers import mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_percent
from netcore.rendering.requirements import check_requirements
from netcore.scenes.films.forward_propagation import NEEDS, ForwardPropagation
from netcore.viz.theme import DARK, LIGHT
from netcore.viz.wording import format_prediction


@pytest.fixture(scope="module")
def playback(mlp_run, make_context) -> Playback:
    return play_film(ForwardPropagation, make_context(mlp_run, 7))


@pytest.fixture(scope="module")
def trace(mlp_run, make_context):
    return make_context(mlp_run, 7).trace()


def test_forward_propagation_neuron_fills(playback, trace):
    film = playback.film
    names = ["input", "hidden1_act", "hidden2_act"]
    for name, neurons, index in zip(names, film.columns, film.index, strict=False):
        values = trace.value(name).ravel()[index]
        np.testing.assert_array_equal(neurons.values, values)
        mixed = DARK.rgb("background") * (1 - values[:, None]) + DARK.rgb("foreground") * values[:, None]
        np.testing.assert_allclose(neurons.fill, mixed, atol=1e-6)


def test_forward_propagation_edge_values(playback, trace):
    film = playback.film
    for k, (name, before) in enumerate((("hidden1", "input"), ("hidden2", "hidden1_act"), ("output", "hidden2_act"))):
        edges, sources, targets = film.edges[k], film.index[k], film.index[k + 1]
        real = trace[name].weight[targets][:, sources] * trace.value(before).ravel()[sources]
        np.testing.assert_allclose(edges.values, real.ravel(), rtol=1e-6)
        assert (edges.progress == 1).all()
        starts, ends = edges.points[0::2, 1].reshape(real.shape), edges.points[1::2, 1].reshape(real.shape)
        np.testing.assert_allclose(starts[0], film.columns[k].centers[:, 1])
        np.testing.assert_allclose(ends[:, 0], film.columns[k + 1].centers[:, 1])


def test_forward_propagation_edge_style(playback):
    """Colour shows the sign, width and opacity show the size."""
    for edges in playback.film.edges[:-1]:
        positive, seen = edges.values > 0, edges.values != 0
        assert positive.any()
        assert (~positive & seen).any()
        np.testing.assert_allclose(edges.rgba[positive, :3], np.tile(DARK.rgb("positive"), (positive.sum(), 1)))
        np.testing.assert_allclose(
            edges.rgba[~positive & seen, :3], np.tile(DARK.rgb("negative"), ((~positive & seen).sum(), 1))
        )
        size = np.abs(edges.values)
        strength = size / size.max()
        np.testing.assert_allclose((edges.widths - edges.widths.min()) / np.ptp(edges.widths), strength, atol=0.05)
        order = np.argsort(size)
        assert (np.diff(edges.rgba[order, 3]) >= 0).all()
        assert edges.rgba[order[-1], 3] == pytest.approx(1)


def test_forward_propagation_fades_other_edges(playback, trace):
    film = playback.film
    row = film.index[-1].tolist().index(trace.prediction)
    alpha = film.edges[-1].rgba[:, 3].reshape(len(film.index[-1]), -1)
    assert alpha[row].max() == pytest.approx(1)
    assert np.delete(alpha, row, axis=0).max() <= 0.25


def test_forward_propagation_probabilities(playback, trace):
    film = playback.film
    np.testing.assert_allclose(film.bars.values, trace.probabilities[film.index[-1]])
    np.testing.assert_allclose(film.columns[-1].values, trace.probabilities[film.index[-1]])
    for line, p in zip(film.percents, trace.probabilities, strict=True):
        assert line.text == format_percent(p)
    winner = film.index[-1].tolist().index(trace.prediction)
    right = "correct" if trace.prediction == 7 else "incorrect"
    np.testing.assert_allclose(film.bars.fill[winner], DARK.rgb(right))


def test_forward_propagation_labels(playback, trace):
    texts = playback.texts
    assert {"16 of 784", "input", "hidden 1", "hidden 2", "output", "raises the sum", "lowers the sum"} <= texts
    assert set("0123456789") <= texts
    assert any("28 × 28 = 784" in text for text in texts)
    assert any("16×784" in text and "W^((1))" in text for text in texts), "the first layer's formula with its sizes"
    assert any("a^((2)) = sigma(z^((2)))" in text for text in texts)
    assert format_prediction(trace.classes, trace.prediction, trace.probabilities.max(), trace.label) in texts


def test_forward_propagation_duration(mlp_run, make_context):
    frames = play_film(ForwardPropagation, make_context(mlp_run, 3), fps=10).frames
    seconds = sum(repeat for _, repeat in frames) / 10
    assert 20 <= seconds <= 45
    assert frames[-1][1] >= 20, "the last frame stands two seconds"
    first, ground = frames[0][0], np.round(DARK.rgb("background") * 255).astype(np.uint8)
    assert (first != ground).any(axis=2).mean() > 0.01, "the first frame already shows the picture"


def test_forward_propagation_is_reproducible(mlp_run, make_context):
    one, two = (play_film(ForwardPropagation, make_context(mlp_run, 4), fps=2).frames for _ in range(2))
    assert [r for _, r in one] == [r for _, r in two]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(one, two, strict=True))


def dense(sizes: list[int], function: type[nn.Module], channels: int = 1, gain: float = 1.0) -> nn.Module:
    torch.manual_seed(5)
    layers: list[nn.Module] = [nn.Flatten()]
    for k, (a, b) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(a, b), function()] if k < len(sizes) - 2 else [nn.Linear(a, b)]
        layers[-2 if k < len(sizes) - 2 else -1].weight.data *= gain
    return nn.Sequential(*layers)


@pytest.fixture(params=["wide", "signed", "hundred", "deep", "single", "narrow image"])
def unusual_context(request, mlp_run):
    digit = mlp_run.examples().images[0]
    names = [str(k) for k in range(10)]
    noise = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    if request.param == "wide":
        return module_context(mlp_run, dense([784, 1024, 1024, 10], nn.ReLU), digit, names, 0)
    if request.param == "signed":
        return module_context(
            mlp_run, dense([784, 30, 2], nn.Tanh), digit, ["even", "odd"], 1, mean=(0.13,), std=(0.31,)
        )
    if request.param == "hundred":
        words = [f"a rather long name of class {k}" for k in range(100)]
        return module_context(mlp_run, dense([3072, 64, 100], nn.ReLU, 3, 4.0), noise, words, 99)
    if request.param == "deep":
        return module_context(mlp_run, dense([784] + [40] * 7 + [10], nn.Sigmoid), digit, names, None)
    if request.param == "single":
        return module_context(mlp_run, dense([784, 10], nn.ReLU), digit, names, 3)
    return module_context(mlp_run, dense([20 * 8, 5, 4, 3], nn.SiLU), digit[:, 4:24, 10:18].copy(), list("abc"), 2)


@pytest.mark.parametrize("size", [(854, 480), (600, 600)])
def test_forward_propagation_layout_unusual_networks(unusual_context, size):
    played = play_film(ForwardPropagation, unusual_context, LIGHT, fps=2, size=size)
    check_layout(played)
    assert smallest_text(played) >= 14


@pytest.mark.parametrize("digit", [1, 7])
def test_forward_propagation_layout(mlp_run, make_context, digit):
    check_layout(play_film(ForwardPropagation, make_context(mlp_run, digit), fps=3))


def test_forward_propagation_limits_units(mlp_run):
    context = module_context(
        mlp_run, dense([784, 1024, 100], nn.ReLU), mlp_run.examples().images[0], [f"c{k}" for k in range(100)], 42
    )
    played = play_film(ForwardPropagation, context, fps=2, max_units=12, max_classes=5)
    trace = context.trace()
    hidden = trace.layers[2].output
    film = played.film
    assert {"12 of 784", "12 of 1,024", "5 of 100"} <= played.texts
    assert [len(i) for i in film.index] == [12, 12, 5]
    assert hidden[film.index[1]].min() >= np.delete(hidden, film.index[1]).max()
    assert {42, trace.prediction} <= set(film.index[-1].tolist())
    assert len(film.dots) == 3


@pytest.mark.parametrize("label", [None, 1])
def test_forward_propagation_unlabeled_and_misclassified(mlp_run, label):
    module = dense([784, 4], nn.ReLU)
    module[1].bias.data[:] = torch.tensor([9.0, 0, 0, 0])
    context = module_context(mlp_run, module, mlp_run.examples().images[2], ["cat", "dog", "cow", "owl"], label)
    played = play_film(ForwardPropagation, context, fps=2)
    prediction = [text for text in played.texts if text.startswith("predicted cat")]
    if label is None:
        assert len(prediction) == 1
        assert prediction[0].endswith(" %)")
        assert "Image: 28 × 28 = 784 pixels" in played.texts
    else:
        assert prediction[0].endswith(", true class dog")
        np.testing.assert_allclose(played.film.classes[1].rgb, DARK.rgb("correct"))


def test_forward_propagation_refuses_convolutions(cnn_run, make_context):
    with pytest.raises(RequirementError, match="dense layers alone"):
        check_requirements("forward-propagation", NEEDS, cnn_run)
    trace = make_context(cnn_run, 7).trace()
    with pytest.raises(RequirementError, match="'convolution 1' is Conv 3×3"):
        mlp_layers(trace, graph_of_trace(trace))

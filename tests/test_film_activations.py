"""Activation functions: sums, curve, collapsed layers and gradients are the network's own."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from torch import nn

from netcore.analysis import linear_collapse
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_number
from netcore.core.sample import Sample
from netcore.models.loading import load_model
from netcore.scenes.films.activation_functions import ActivationFunctions
from netcore.tracing.inputs import normalize
from netcore.viz.film.components.collapsing_columns import matrix_sizes
from netcore.viz.film.components.plot import Plot
from netcore.viz.layout.area import Area
from netcore.viz.theme import DARK, LIGHT

SIZE = (480, 270)


class Looking(ActivationFunctions):
    """Notes where the dots are at the end of each step."""

    def setup(self):
        super().setup()
        self.places, self.lines = {}, {}

    def on_step_end(self, step):
        super().on_step_end(step)
        self.lines[step.name] = self.sums.text
        self.places[step.name] = self.dots.centers.copy(), (self.plot.x, self.plot.y)


@pytest.fixture(scope="module")
def context(mlp_run, make_context):
    return make_context(mlp_run, 7)


@pytest.fixture(scope="module")
def played(context):
    return play_film(Looking, context, fps=3, size=SIZE)


@pytest.fixture(scope="module")
def module(mlp_run):
    return load_model(mlp_run, mlp_run.snapshot("best")).double()


def inputs(run, images: np.ndarray) -> torch.Tensor:
    given = run.info["input"]
    return normalize(torch.from_numpy(images), given.get("mean", (0.0,)), given.get("std", (1.0,))).double()


def in_data(played, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values of the dots, read from their places."""
    centers, (x, y) = played.film.places[name]
    area = played.film.plot.area
    u = (centers - [area.left, area.bottom]) / [area.width, area.height]
    return x[0] + u[:, 0] * (x[1] - x[0]), y[0] + u[:, 1] * (y[1] - y[0])


def test_activations_film_dots(played, context):
    trace = context.trace()
    z, a = trace["hidden1"].output.ravel(), trace["hidden1_act"].output.ravel()
    for name, expected in (("sums", np.zeros_like(z)), ("function", a), ("flat", a), ("taken-out", z)):
        x, y = in_data(played, name)
        np.testing.assert_allclose(x, z, atol=1e-4)
        np.testing.assert_allclose(y, expected, atol=1e-4)


def test_activations_film_flat_share(played, context):
    examples = context.examples()
    z = torch.from_numpy(context.network().predict(examples.images, ("hidden1",))["hidden1"]).double()
    z.requires_grad_(True)
    torch.sigmoid(z).sum().backward()
    share = float((z.grad.abs() < linear_collapse.FLAT_SLOPE).double().mean())
    caption = next(step.caption for step in played.steps if step.name == "all-images")
    assert f"{share:.0%}".replace("%", " %") in caption


def test_collapsed_layers_match_pytorch(played, module, mlp_run):
    linears = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    x = inputs(mlp_run, mlp_run.examples().images[:20]).flatten(1)
    expected = nn.Sequential(*linears)(x).detach().numpy()
    found = x.numpy() @ played.film.weight.T + played.film.bias
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_activations_film_accuracy(played, module, mlp_run):
    examples = mlp_run.examples()
    linears = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    x = inputs(mlp_run, examples.images)
    answers = module(x).argmax(1), nn.Sequential(*linears)(x.flatten(1)).argmax(1)
    expected = [float((answer.numpy() == examples.labels).mean()) for answer in answers]
    np.testing.assert_allclose(played.film.bars.bars.values, expected, atol=0.0021)
    right = [(answer.numpy() == examples.labels) for answer in answers]
    line = "{:,} of {:,} example images with, {:,} without; training without functions: not measured"
    assert played.film.lines["accuracy"] == line.format(right[0].sum(), len(right[0]), right[1].sum())
    lost, gained = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    assert f" of {lost:,} that turn wrong (answer with → without); {gained:,} turn right" in " ".join(played.texts)
    turned = np.flatnonzero(right[0] & ~right[1])[:3]
    assert {f"{answers[0][i]} → {answers[1][i]}" for i in turned} <= played.texts


def test_activations_film_counts_flat_dots(played, context):
    """The numbers in the grey bands are the dots in them, and add up to the number in the sum line."""
    z = context.trace()["hidden1"].output.ravel()
    bands = linear_collapse.flat_ranges(played.film.function, *played.film.plot.x)
    inside = [int(((z > a) & (z < b)).sum()) for a, b in bands]
    assert [line.text for line in played.film.flat_counts] == [f"{n} dot{'s' * (n != 1)}" for n in inside]
    assert f"for {sum(inside)} of {len(z)} neurons" in played.film.lines["flat"]


def check_takeaway(text, film):
    """The accuracy without functions never stands without its qualifier, nor the collapse without its condition."""
    with_, without = film.bars.percents
    assert text == f"Without functions 3 layers are 1 layer of sums. Taken out, not trained again: {with_} → {without}"


def test_activations_film_takeaway(played):
    check_takeaway(played.steps[-1].caption, played.film)
    with pytest.raises(AssertionError):
        check_takeaway(played.steps[-1].caption.replace(", not trained again", ""), played.film)


def test_activations_film_bars_counted(played, context):
    """The printed height is that of the highest bar, and the end bars hold what lies beyond the axis."""
    film = played.film
    z = context.network().predict(context.examples().images, ("hidden1",))["hidden1"].ravel()
    (low, high), heights = film.plot.x, np.diff(film.histogram.points.reshape(-1, 2, 3)[..., 1], axis=1).ravel()
    inner = np.histogram(z, 60, (low, high))[0][1:-1]
    shown = np.round(heights / heights.max() * film.plot.count_values(z)[0].max()).astype(int)
    np.testing.assert_array_equal(shown[1:-1], inner)
    line, beyond = film.lines["all-images"], int(((z < low) | (z > high)).sum())
    assert f"{shown.max():,}" in [m.text for m in film.bar_labels if hasattr(m, "text")]
    assert shown.sum() == z.size
    assert (f"with {beyond:,} beyond the axis" in line) == bool(beyond)


def test_activations_film_shows_its_image(played, context):
    """The dots' image stands beside them."""
    pixels = context.sample.pixels[0] / 255
    np.testing.assert_allclose(played.film.picture.rgb[0], DARK.activation_colors(pixels), atol=1e-6)


def test_plot_crowds_count_hidden_dots() -> None:
    """Dots on one place are counted, neighbours that can be told apart are not."""
    plot = Plot(DARK, Area(0, 0, 10, 5), (-10, 10), (0, 1))
    assert plot.crowds([3.0, 3.01, -4.0, 0.0, 3.02, 0.2]) == [(pytest.approx(3.01), 3)]


def test_activations_film_own_slopes(played, module, context, mlp_run):
    """Signs of the score's gradient for both images, and the marked weight, are those of autograd."""
    film, k = played.film, context.trace().prediction
    other = int((film.all_scores.argmax(axis=1) != k).argmax())
    images = np.stack([context.sample.pixels, film.examples.images[other]])
    x = inputs(mlp_run, images).requires_grad_(True)
    module(x)[:, k].sum().backward()
    a, b = x.grad.numpy()[:, 0]
    np.testing.assert_allclose(film.pair.values, [a, b], atol=1e-4 * np.abs(b).max())
    differ = int((np.sign(a) != np.sign(b)).sum())
    assert f"opposite signs at {differ} of 784 pixels" in film.lines["one-slope"]
    assert f"without functions up to {format_number(float(np.abs(film.weight[k]).max()))}" in film.lines["own-slopes"]
    assert "a sigmoid's slope: at most 0.25" in film.lines["own-slopes"]
    ground, ink = (film.theme.signed_colors(np.array(v)) for v in (0.0, 1.0))
    for picture, gradient in zip(film.pair.images.rgb, (a, b), strict=True):
        at = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        strongest = ink if gradient[at] > 0 else film.theme.signed_colors(np.array(-1.0))
        np.testing.assert_allclose(picture[at], strongest, atol=0.01)  # neither picture is dark beside the other
    assert not np.allclose(ground, ink)
    at = linear_collapse.most_opposite(a, b)
    expected = a[at], b[at], film.weight[k].reshape(28, 28)[at]
    shown = [float(text.replace("−", "-")) for text in film.numbers]
    np.testing.assert_allclose(shown, expected, rtol=0.06)
    assert shown[0] * shown[1] < 0


@pytest.mark.parametrize("function", [nn.Sigmoid, nn.Tanh, nn.ReLU, nn.GELU])
def test_score_gradient_matches_autograd(mlp_run, function):
    torch.manual_seed(2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 12), function(), nn.Linear(12, 8), function(), nn.Linear(8, 5))
    context = module_context(mlp_run, network, mlp_run.examples().images[0], list("abcde"), 1)
    layers, functions = linear_collapse.dense_part(context.trace())
    x = torch.from_numpy(context.trace().input)[None].double().requires_grad_(True)
    network.double()(x)[0, 3].backward()
    found = linear_collapse.score_gradient(layers, functions, layers[0].z, 3)
    np.testing.assert_allclose(found, x.grad.numpy().ravel(), atol=1e-5)


def test_activations_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])


def test_activations_film_of_cnn(cnn_run, make_context):
    played = play_film(ActivationFunctions, make_context(cnn_run, 4), LIGHT, fps=2, size=(270, 270), max_units=8)
    check_layout(played)
    assert played.film.weight.shape == (10, 3136)
    assert DARK.name != LIGHT.name


def test_activations_film_refuses_single_layer(mlp_run):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    context = module_context(mlp_run, network, mlp_run.examples().images[0], list("0123456789"), 0)
    with pytest.raises(RequirementError):
        linear_collapse.dense_part(context.trace())


def test_activations_film_detects_dropped_bias(played, context):
    """A bias that is left away moves the accuracy's sums away from the network's."""
    layers, _ = linear_collapse.dense_part(context.trace())
    sample = Sample(context.sample.pixels, context.sample.label)
    z = context.trace(sample=sample)["hidden1"].output.ravel()[None]
    right = linear_collapse.scores_without_functions(layers, z)
    wrong = linear_collapse.scores_without_functions(layers, z - layers[0].bias)
    assert not np.allclose(right, wrong, atol=1e-3)


def test_matrix_sizes_fit_width() -> None:
    layers = [SimpleNamespace(weight=np.zeros((64, 64)))] * 12
    assert matrix_sizes(layers[:2], np.zeros((64, 64)), 10) == "weights: (64 × 64) · (64 × 64) → 64 × 64"
    assert matrix_sizes(layers, np.zeros((64, 64)), 10) == "weights: (64 × 64) · … · (64 × 64) → 64 × 64"

"""Forward propagation: what is drawn is what the network computed, sums add up as printed, and nothing overlaps."""

import re

import film_grid
import numpy as np
import pytest
from film_checks import Playback, module_context, play_film
from torch import nn

from netcore.analysis import answer_path
from netcore.analysis.activations import activation_function
from netcore.analysis.dense_layers import mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.errors import RequirementError
from netcore.core.formatting import find_printable_product, format_quotient, format_sum, format_value
from netcore.core.trace import LayerTrace
from netcore.rendering.requirements import check_requirements
from netcore.scenes.films.forward_propagation import NEEDS, ForwardPropagation
from netcore.viz.film.components import one_neuron, weighted_image
from netcore.viz.film.components.activation_curve import find_limits
from netcore.viz.film.components.columns import DenseColumns
from netcore.viz.film.components.dense_story import clip_names, curve_formula
from netcore.viz.film.components.dense_view import DenseView
from netcore.viz.layout.area import Area
from netcore.viz.theme import DARK

CASES = film_grid.spread_sample(
    [c for c in film_grid.cover_pairs(film_grid.DENSE_FACTORS) if c["size"][0] < 100 and c["width"] < 1000], 5
)


@pytest.fixture(scope="module")
def context(mlp_run, make_context):
    return make_context(mlp_run, 7)


@pytest.fixture(scope="module")
def played(context) -> Playback:
    return play_film(ForwardPropagation, context, fps=1, draw=False)


@pytest.fixture(scope="module")
def trace(context):
    return context.trace()


@pytest.fixture(scope="module")
def layers(trace):
    return mlp_layers(trace, graph_of_trace(trace))


def texts_at(played: Playback, name: str) -> list[str]:
    names = [step.name for step in played.steps]
    return [seen.text for seen in played.moments[names.index(name)] if seen.text]


def numbers_in(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?![\d,])", text.replace(",", "").replace("−", "-"))]


def sum_of(text: str) -> tuple[float, float]:
    """Left and right side of a printed sum; words and counts in it are skipped."""
    left, right = text.replace(" − ", " + −").split("=")[:2]
    terms = [numbers_in(part)[-1] for part in left.split("+")]
    return round(sum(terms), 6), numbers_in(right)[0]


# ---- what is told


def test_forward_propagation_steps(played):
    names = [step.name for step in played.steps]
    assert names == [
        "image", "flatten", "weights", "products", "sum", "bias", "activation", "layer-1", "inputs", "layer-2",
        "scores", "powers", "softmax", "why", "takeaway",
    ]  # fmt: skip
    assert all(len(line) <= 50 for step in played.steps for line in step.caption.split(". "))


def test_answer_path_by_ablation(context, trace, layers):
    """The neuron that is followed is the one without which the network itself leads by least."""
    path = played_path(trace, layers)
    network, leads = context.network(), []
    for unit in range(16):
        logits = network.trace(context.sample, mask={"hidden1_act": [unit]}).logits
        leads.append(float(logits[path.answer] - logits[path.other]))
    assert path.units[0] == int(np.argmin(leads))
    assert path.lead - path.effects[0] == pytest.approx(min(leads), abs=1e-4)
    terms, bias = answer_path.difference_terms(layers[-1], path.answer, path.other)
    assert path.units[1] == terms.argmax()
    assert terms.sum() + bias == pytest.approx(path.lead, abs=1e-4)
    assert path.answer == trace.logits.argmax()


def played_path(trace, layers):
    return answer_path.find_answer_path(trace, layers, answer_path.hidden_functions(trace, layers))


# ---- one neuron


def test_neuron_pictures_hold_weights_and_products(played, trace):
    neuron = played.film.neuron
    weight = trace["hidden1"].weight[neuron.unit].reshape(1, 28, 28)
    products = weight * trace.input
    for picture, values in ((neuron.picture.weight_picture, weight), (neuron.picture.product_picture, products)):
        np.testing.assert_allclose(picture.rgb, DARK.signed_colors(values / np.abs(values).max()), atol=1e-6)
    weighted, value, product = (numbers_in(text)[0] for text in neuron.picture.texts)
    assert round(value * weighted, 2) == product
    assert set(neuron.picture.texts) <= {text.removeprefix("+ ") for text in texts_at(played, "products")}


def test_neuron_sum_adds_up(played, trace):
    neuron = played.film.neuron
    products = (trace["hidden1"].weight[neuron.unit] * trace.input.ravel()).astype(float)
    parts = products[products > 0].sum(), products[products < 0].sum(), float(trace["hidden1"].bias[neuron.unit])
    shown = [numbers_in(text)[0] for text in neuron.texts]
    np.testing.assert_allclose(shown, parts, atol=0.0051)
    assert round(sum(shown), 4) == numbers_in(neuron.z_text)[0]
    assert numbers_in(neuron.z_text)[0] == pytest.approx(trace["hidden1"].output[neuron.unit], abs=0.0051)
    widths = np.ptp(neuron.bars.points(4)[:, :, 0], axis=1)
    np.testing.assert_allclose(widths[:3] / widths[3], np.abs(parts) / abs(sum(parts)), rtol=1e-5)


def test_activation_curve_is_sigmoid(played, trace):
    curve = played.film.neuron.curve
    np.testing.assert_allclose(curve.curve.values, 1 / (1 + np.exp(-curve.sums)), rtol=1e-6)
    x, y = curve.dot.centers[0]
    assert (x, y) == pytest.approx(
        (curve.plot.left, curve.at(0, float(trace["hidden1_act"].output[played.film.neuron.unit]))[1])
    )


# ---- the layers


def test_edges_with_dots_add_up(played, layers):
    """Drawn edges, the dots' edge and the bias are the neuron's sum."""
    view = played.film.view
    for k, layer in enumerate(layers, 1):
        values = view.columns.edges[k - 1].values.reshape(len(view.index[k]), -1)
        np.testing.assert_allclose(values.sum(1) + layer.bias[view.index[k]], layer.z[view.index[k]], atol=1e-4)
    assert view.columns.edges[0].values.reshape(16, -1).shape[1] == 17


def test_neuron_fills_are_activations(played, trace):
    columns, index = played.film.view.columns, played.film.view.index
    for k, name in ((1, "hidden1_act"), (2, "hidden2_act")):
        np.testing.assert_allclose(columns.columns[k].values, trace.value(name)[index[k]], rtol=1e-6)
    np.testing.assert_allclose(columns.columns[0].values, trace.input.ravel()[index[0]])


@pytest.mark.parametrize("name", ["layer-2", "why"])
def test_sum_line_adds_up(played, name):
    texts = texts_at(played, name)
    text = " ".join(texts[next(k for k, t in enumerate(texts) if t.startswith("from neuron ")) :])
    left, right = sum_of(text)
    assert left == right
    assert "more:" in text
    assert "bias" in text


def test_sum_line_colors_follow_signs(played):
    moment = played.moments[[step.name for step in played.steps].index("why")]
    terms = [m for m, text, *_ in moment if text.startswith(("from neuron ", "+ ", "− "))]
    for term in terms:
        role = "negative" if "−" in term.text else "positive"
        np.testing.assert_allclose(term.rgb, DARK.rgb(role), err_msg=term.text)
    assert len(terms) == 5


def test_bias_is_added_as_printed(played):
    neuron = played.film.neuron
    products, bias, total = (numbers_in(text)[0] for text in (neuron.products_text, neuron.texts[2], neuron.z_text))
    assert round(products + bias, 6) == total
    assert played.steps[5].caption.endswith(neuron.z_text)


def test_powers_agree_as_printed(played, trace):
    exponent, part, total = (numbers_in(text)[0] for text in played.film.view.power_texts)
    assert float(f"{np.exp(exponent):.{len(str(part).rstrip('0').strip('.').replace('.', ''))}g}") == part
    assert part / total == pytest.approx(trace.confidence, abs=0.0006)
    assert exponent == pytest.approx(trace.logits.max(), abs=0.006)
    shown = [numbers_in(line.text)[0] for line in played.film.view.scores.power_texts]
    np.testing.assert_allclose(shown, np.exp(trace.logits.astype(float)), rtol=0.006)


def test_takeaway_names_neuron_of_why(played, trace, layers):
    path, unit = played.film.path, played.film.path.units[-1]
    np.testing.assert_allclose(
        path.without, trace.logits - layers[-1].weight[:, unit] * trace.value("hidden2_act")[unit], atol=1e-5
    )
    why, takeaway = (step.caption for step in played.steps[-2:])
    a, b, lead = numbers_in(why)[-3:]
    assert lead == round(path.lead, 2)
    assert round(a - b, 2) == lead or "(rounded)" in why
    assert (a, b) == tuple(round(float(path.scores[k]), 2) for k in (path.answer, path.other))
    assert f"Without neuron {unit + 1} " in takeaway


def test_path_lines_carry_contributions(played, layers):
    """The last picture's lines and their numbers are the network's, and the legend says what each is a part of."""
    film, (first, second) = played.film, played.film.path.units
    shown = texts_at(played, "takeaway")
    carried = layers[1].weight[second, first] * layers[0].output[first]
    terms, _ = answer_path.difference_terms(layers[-1], film.path.answer, film.path.other)
    assert {format_value(float(carried)), format_value(float(terms[second]))} <= set(shown)
    edges = film.view.columns.edges[1]
    lit = np.flatnonzero(edges.rgba[:, 3] > 0.9)
    np.testing.assert_allclose(edges.values[lit], [carried], rtol=1e-5)
    assert f"{format_value(float(carried))}: part of {second + 1}’s sum" in shown
    assert f"{format_value(float(terms[second]))}: part of the lead" in shown


def test_legend_drops_scope_with_bright_edges(played):
    assert "bright: into 7 and " in " ".join(texts_at(played, "scores"))
    assert "bright:" not in " ".join(texts_at(played, "powers"))
    assert {"score", "output: value beside it"} <= set(texts_at(played, "scores"))
    assert "e to the score" in texts_at(played, "powers")


def test_tiles_have_activations(played, trace):
    values = trace.value("hidden1_act")
    shown = set(texts_at(played, "layer-1"))
    assert {f"{k + 1}: {v:.2f}" for k, v in enumerate(values)} <= shown


@pytest.mark.parametrize(
    ("names", "received", "activation", "formula"),
    [
        (("Sigmoid",), "3.79", "0.98", "sigma(3.79) = 1 / (1 + e^(-3.79)) = 0.98"),
        (("Sigmoid",), "−1.00", "0.27", "sigma(-1.00) = 1 / (1 + e^(1.00)) = 0.27"),
        (("Sigmoid",), "3.79", "0.97", ""),
        (("Tanh",), "3.79", "1.00", ""),
    ],
)
def test_curve_formula_gives_printed_activation(names, received, activation, formula):
    call = answer_path.ActivationCall(names, None, np.zeros(1))
    assert curve_formula(call, received, activation) == formula


def test_named_terms_are_contributions(played, layers):
    """Each neuron that is named in the sum has its own contribution beside its number."""
    unit = played.film.path.units[1]
    terms = [t for t in texts_at(played, "layer-2") if "from " in t]
    named = {int(re.findall(r"(\d+):", t)[0]) - 1: numbers_in(t)[-1] for t in terms}
    assert len(named) == 3
    for k, value in named.items():
        assert value == pytest.approx(layers[1].weight[unit, k] * layers[0].output[k], abs=0.0051)


@pytest.mark.parametrize(
    ("function", "limits"),
    [(lambda z: 1 / (1 + np.exp(-z)), [0, 1]), (np.tanh, [-1, 1]), (lambda z: np.maximum(z, 0), [0]), (np.sinh, [])],
)
def test_activation_limits(function, limits):
    assert find_limits(function) == limits


def test_uncomputed_neurons_have_faint_rings(played):
    """Where a neuron is 0, its circle is as dark as one without a value: the outline tells them apart."""
    columns = DenseColumns(DARK, played.film.layers, played.film.view.index, Area(-4, -2, 4, 2))
    columns.begin_uncomputed()
    columns.fill(2, np.zeros(16), np.zeros((16, 3)), rows=[3])
    np.testing.assert_allclose(columns.rings(2)[[2, 3]], [DARK.rgb("faint"), DARK.rgb("muted")])
    np.testing.assert_allclose(columns.dashes(2)[[2, 3]], [1.0, 0.0])


def test_all_neurons_are_solid_at_end(played):
    for neurons in played.film.view.columns.columns:
        np.testing.assert_array_equal(neurons.dashed, 0.0)


def test_scores_and_shares(played, trace):
    scores = played.film.view.scores
    np.testing.assert_allclose(scores.scores, trace.logits, rtol=1e-5)
    np.testing.assert_allclose(scores.shares, trace.probabilities, rtol=1e-5)
    widths = np.ptp(scores.bars.points.reshape(-1, 2, 3)[:, :, 0], axis=1)
    np.testing.assert_allclose(widths / scores.track.width, trace.probabilities, atol=1e-6)
    assert {format_value(v) for v in trace.logits} <= set(texts_at(played, "scores"))
    verdict = played.film.view.verdict[0]
    right = trace.prediction == 7
    np.testing.assert_allclose(verdict.rgb, DARK.rgb("correct" if right else "incorrect"))


def test_pair_edges_are_differences(played, trace):
    view, path = played.film.view, played.film.path
    weight = trace["output"].weight
    terms = (weight[path.answer] - weight[path.other]) * trace.value("hidden2_act")
    np.testing.assert_allclose(view.pair_edges.values, terms[view.index[2]], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        view.pair_edges.rgba[terms > 0, :3], np.tile(DARK.rgb("positive"), ((terms > 0).sum(), 1))
    )


# ---- other networks


@pytest.mark.parametrize("case", CASES, ids=film_grid.describe_case)
def test_forward_propagation_on_spread_sample(mlp_run, case):
    context = film_grid.case_context(mlp_run, film_grid.make_module(case), case)
    played = film_grid.play_case(ForwardPropagation, context, case)
    view = played.film.view
    for k, layer in enumerate(view.layers, 1):
        values = view.columns.edges[k - 1].values.reshape(len(view.index[k]), -1)
        np.testing.assert_allclose(values.sum(1) + layer.bias[view.index[k]], layer.z[view.index[k]], atol=1e-3)
    if case["outcome"] == "wrong":
        assert played.film.path.other == context.trace().label
    assert bool(view.verdict) == (case["outcome"] != "unlabeled")


def test_forward_propagation_with_batch_norm(mlp_run):
    """What the function receives is what the normalisation made of the sum, in words and numbers."""
    case = {
        "depth": 2, "width": 8, "activation": "ReLU", "norm": "batch", "channels": 1, "size": (8, 8), "classes": 3,
        "names": "digits", "outcome": "right", "frame": "16:9", "theme": "dark",
    }  # fmt: skip
    context = film_grid.case_context(mlp_run, film_grid.make_module(case), case)
    played = film_grid.play_case(ForwardPropagation, context, case)
    captions = {step.name: step.caption for step in played.steps}
    film = played.film
    assert captions["activation"] == f"BN and ReLU: {film.neuron.z_text} becomes {film.neuron.a_text}"
    norms = [layer for layer in context.trace().layers if layer.kind == "BatchNorm1d"]
    received = numbers_in(film.neuron.in_text)[0]
    assert received == pytest.approx(norms[0].output.ravel()[film.path.units[0]], abs=0.0051)
    text = " ".join(texts_at(played, "layer-2"))
    second = format_value(float(norms[1].output.ravel()[film.path.units[1]]))
    assert f"→ BN: {second} → ReLU({second}) = {film.view.activation_text(2)}" in text


def test_forward_propagation_refusals(mlp_run, cnn_run):
    with pytest.raises(RequirementError, match="dense layers alone"):
        check_requirements("forward-propagation", NEEDS, cnn_run)
    module = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    context = module_context(mlp_run, module, mlp_run.examples().images[0], list("0123456789"), 0)
    with pytest.raises(RequirementError, match="hidden layer"):
        ForwardPropagation.plan(context)


# ---- lies are found


def swap_colors(monkeypatch):
    draw = weighted_image.signed_pictures
    lie = lambda theme, values, frames, scale: draw(theme, -values, frames, scale)  # noqa: E731
    monkeypatch.setattr(weighted_image, "signed_pictures", lie)


def drop_bias(monkeypatch):
    monkeypatch.setattr(one_neuron, "format_sum", lambda parts: format_sum([*parts[:2], 0.0]))


def keep_old_scale(monkeypatch):
    fill = DenseView.activation_colors
    monkeypatch.setattr(DenseView, "activation_colors", lambda view, values: fill(view, 0.5 * np.asarray(values)))


def take_other_neuron(monkeypatch):
    rows = DenseColumns.contributions
    monkeypatch.setattr(DenseColumns, "contributions", lambda columns, k: np.roll(rows(columns, k), 1, axis=0))


def take_other_term(monkeypatch):
    fill = DenseColumns.edge_number
    lie = lambda columns, start, end, value, role: fill(columns, start, end, value + "0", role)  # noqa: E731
    monkeypatch.setattr(DenseColumns, "edge_number", lie)


def check_fill_colors(played, trace):
    columns, index = played.film.view.columns, played.film.view.index
    lit = columns.columns[2].fill[columns.row(2, played.film.path.units[-1])]
    value = trace.value("hidden2_act")[index[2]][columns.row(2, played.film.path.units[-1])]
    np.testing.assert_allclose(lit, DARK.activation_colors(np.array([value]))[0], atol=1e-6)


@pytest.mark.parametrize(
    ("lie", "check"),
    [
        (swap_colors, lambda played, trace, layers: test_neuron_pictures_hold_weights_and_products(played, trace)),
        (drop_bias, lambda played, trace, layers: test_neuron_sum_adds_up(played, trace)),
        (keep_old_scale, lambda played, trace, layers: check_fill_colors(played, trace)),
        (take_other_term, lambda played, trace, layers: test_path_lines_carry_contributions(played, layers)),
        (take_other_neuron, lambda played, trace, layers: test_edges_with_dots_add_up(played, layers)),
    ],
)
def test_film_lie_is_caught(context, trace, layers, played, monkeypatch, lie, check):
    check(played, trace, layers)
    lie(monkeypatch)
    with pytest.raises(AssertionError):
        check(play_film(ForwardPropagation, context, fps=1, draw=False), trace, layers)


# ---- numbers and functions


def test_format_sum_with_rest():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        values, rest = rng.normal(0, 2, 4), float(rng.normal(0, 3))
        texts, total = format_sum(list(values), rest)
        shown = [float(t.replace("−", "-")) for t in texts]
        assert round(sum(shown), 6) == float(total.replace("−", "-"))
        np.testing.assert_allclose(shown, [*values, rest], atol=0.0151)


def test_printable_product_agrees():
    k, (a, b, product) = find_printable_product([(0.374, 0.984), (0.2, 0.5)])
    assert (k, round(float(a) * float(b), 2)) == (1, float(product))


def test_quotient_agrees_as_printed():
    a, b, share = format_quotient(885.99, 938.65)
    assert f"{100 * float(a) / float(b):.1f} %" == share == "94.4 %"


@pytest.mark.parametrize(
    "kind", ["Sigmoid", "Tanh", "ReLU", "GELU", "SiLU", "ELU", "SELU", "LeakyReLU", "Softplus", "Mish", "Hardswish"]
)
def test_activation_function_equals_torch(kind):
    import torch

    z = torch.linspace(-5, 5, 101, dtype=torch.float64)
    function = activation_function(LayerTrace("f", kind, ("z",), z.numpy()))
    assert function is not None
    np.testing.assert_allclose(function(z.numpy()), getattr(nn, kind)()(z).numpy(), atol=1e-9)


def test_clip_names_to_room():
    names = clip_names(["a rather long name", "another long name"], 20)
    assert sum(map(len, names)) <= 20
    assert all(name.endswith("…") for name in names)


def test_forward_film_enlarged_row(played, context):
    """The row shown large is the brightest one, and its numbers are where the column has it."""
    row = int(context.sample.pixels[0].sum(1).argmax())
    assert f"row {row + 1} of 28" in played.texts
    assert f"numbers {row * 28 + 1:,} to {row * 28 + 28:,} of the column" in played.texts

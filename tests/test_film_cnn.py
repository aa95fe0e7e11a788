"""Forward propagation in a CNN: every number, shade and edge is the trace's; any CNN fits into the frame."""

import film_grid
import numpy as np
import pytest
import torch
from film_checks import Playback, check_layout, module_context, play_film, smallest_text
from networks import Functional, SkipCNN, resnet, tanh_mlp
from sampling import sampled
from torch import nn

from netcore.analysis import normalization
from netcore.analysis.cnn_stages import cnn_stages
from netcore.analysis.vector_head import VectorHead
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_percent
from netcore.rendering.requirements import check_requirements
from netcore.scenes.films.cnn_forward_propagation import NEEDS, CnnForwardPropagation
from netcore.viz.film.components import kernel_window, partial_sums
from netcore.viz.film.components.feature_maps import FeatureMaps
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.number_cells import NumberCells
from netcore.viz.film.edges import Edges
from netcore.viz.layout.area import Area
from netcore.viz.theme import DARK, LIGHT

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DIGITS = [str(k) for k in range(10)]


@pytest.fixture(scope="module")
def context(cnn_run, make_context):
    return make_context(cnn_run, 7)


@pytest.fixture(scope="module")
def trace(context):
    return context.trace()


class Recording(CnnForwardPropagation):
    """Keeps the arrays that mobjects have at the end of each step: they change later."""

    def on_step_end(self, step):
        super().on_step_end(step)
        kept = self.__dict__.setdefault("kept", {})
        mobjects = [m for m in self.camera.get_mobjects_to_display(self.mobjects) if getattr(m, "opacity", 0) > 0.02]
        maps = [
            (m.values.copy(), m.rgb.copy(), m.vmax, m.first, m.last) for m in mobjects if isinstance(m, FeatureMaps)
        ]
        cells = [(m.values.copy(), list(m.texts), m.rgb[0].copy()) for m in mobjects if isinstance(m, NumberCells)]
        numbers = {m.text for m in mobjects if hasattr(m, "text")}
        kept[step.name] = {"maps": maps, "cells": cells, "texts": numbers, "sum": self.sums.text, "mobjects": mobjects}


@pytest.fixture(scope="module")
def playback(context) -> Playback:
    return play_film(Recording, context, fps=2)


@pytest.fixture(scope="module")
def kept(playback):
    return playback.film.kept


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def added(line: str) -> tuple[float, float]:
    """What the printed terms of a sum line add up to, and the printed total."""
    left, right = line.split("=")
    words = left.replace("− ", "−").replace("+ ", "").split()
    total, sign = 0.0, 1.0
    for word in words:
        sign = -1.0 if word.startswith("−") and "." not in word else sign
        if (word.lstrip("−").replace(".", "").replace(",", "").isdigit() and "." in word) or word == "0":
            total += sign * number(word)
            sign = 1.0
    return total, number(right.split("(")[0])


def find_maps(kept, step: str, shape: tuple[int, ...]):
    return next(m for m in kept[step]["maps"] if m[0].shape == shape)


def activation_shade(values, vmax, theme=DARK):
    share = np.clip(values / vmax, 0, 1)[..., None]
    return theme.rgb("background") * (1 - share) + theme.rgb("foreground") * share


def signed_shade(values, vmax, theme=DARK):
    share = np.clip(values / vmax, -1, 1)[..., None]
    end = np.where(share < 0, theme.rgb("negative"), theme.rgb("positive"))
    return theme.rgb("background") * (1 - abs(share)) + end * abs(share)


# ---- refusals


def test_cnn_film_needs_convolution(cnn_run, mlp_run):
    with pytest.raises(RequirementError, match="needs feature maps"):
        check_requirements("cnn-forward-propagation", NEEDS, mlp_run)
    trace = module_context(mlp_run, tanh_mlp(), mlp_run.examples().images[0], DIGITS, 0).trace()
    with pytest.raises(RequirementError, match="feature maps of convolutions"):
        cnn_stages(trace)


# ---- first convolution in numbers


def test_cnn_film_window_matches_trace(kept, playback, trace):
    unit, row, column = playback.film.path.first.place
    padded = np.pad(trace.input[0], 1)
    window, weights = padded[row : row + 3, column : column + 3], trace["conv1"].weight[unit, 0]
    (values, texts, _), (kernel, kernel_texts, kernel_rgb) = kept["kernel"]["cells"]
    np.testing.assert_array_equal(values, window)
    np.testing.assert_array_equal(kernel, weights)
    assert [abs(number(t) - v) < 0.0051 for t, v in zip(texts, window.ravel(), strict=True)] == [True] * 9
    assert [abs(number(t) - v) < 0.0051 for t, v in zip(kernel_texts, weights.ravel(), strict=True)] == [True] * 9
    np.testing.assert_allclose(kernel_rgb, signed_shade(weights, np.abs(weights).max()), atol=1e-6)


def test_cnn_film_products_add_up(kept, playback, trace):
    place = playback.film.path.first.place
    shown, total = added(kept["products"]["sum"])
    assert shown == pytest.approx(total, abs=1e-9)
    assert total == pytest.approx(trace["conv1"].output[place], abs=0.006)
    assert f"bias {abs(trace['conv1'].bias[place[0]]):.2f}" in kept["products"]["sum"]
    ((values, texts, _),) = kept["products"]["cells"]
    assert values.sum() + trace["conv1"].bias[place[0]] == pytest.approx(trace["conv1"].output[place], abs=1e-5)
    assert sum(map(number, texts)) + round(float(trace["conv1"].bias[place[0]]), 2) == pytest.approx(total, abs=1e-9)


def test_cnn_film_output_pixel_place(kept, playback):
    _, row, column = playback.film.path.first.place
    _, _, _, first, last = [m for m in kept["products"]["maps"] if m[0].shape == (1, 28, 28)][-1]
    assert first * 784 == pytest.approx(28 * row + column)
    assert (last - first) * 784 == pytest.approx(1)
    assert [m[3:] for m in kept["one-map"]["maps"]] == [(0.0, 1.0)] * 2


# ---- maps


def test_cnn_film_maps_match_trace(kept, playback, trace):
    unit = playback.film.path.units[0]
    for step, node, shade in (
        ("all-maps", "conv1", signed_shade),
        ("norm-2", "norm1", signed_shade),
        ("activation-3", "act1", activation_shade),
    ):
        values, rgb, vmax, *_ = find_maps(kept, step, (32, 28, 28))
        real = trace.value(node)
        np.testing.assert_allclose(values[0], real[unit], rtol=1e-6)
        np.testing.assert_allclose(values[1:], np.delete(real, unit, 0), rtol=1e-6)
        assert vmax == pytest.approx(np.abs(real).max())
        np.testing.assert_allclose(rgb, shade(values, vmax), atol=1e-6)
    kernels, rgb, vmax, *_ = find_maps(kept, "all-maps", (32, 3, 3))
    np.testing.assert_array_equal(kernels[0], trace["conv1"].weight[unit, 0])
    np.testing.assert_allclose(rgb, signed_shade(kernels, vmax), atol=1e-6)


def test_cnn_film_scale_counts_over(kept, trace):
    from netcore.core.formatting import format_number

    for step, node in (("all-maps", "conv1"), ("norm-2", "norm1"), ("activation-3", "act1"), ("pooling", "pool1")):
        vmax = float(np.abs(trace.value(node)).max())
        assert format_number(vmax) in kept[step]["texts"], step


def test_cnn_film_norm_and_relu_numbers(kept, playback, trace):
    unit, row, column = playback.film.path.first.place
    line = kept["norm-2"]["sum"]
    x, factor, shift, y = (
        number(t) for t in line.replace("×", "").replace("− ", "−").replace("+", "").replace("=", "").split()[:4]
    )
    assert round(x * factor + shift, 2) == y
    assert x == pytest.approx(trace["conv1"].output[unit, row, column], abs=0.01)
    assert y == pytest.approx(trace["norm1"].output[unit, row, column], abs=0.01)
    zeros = int((trace["act1"].output == 0).sum())
    assert kept["activation-3"]["sum"] == f"{zeros:,} of {trace['act1'].output.size:,} values are 0"


def test_cnn_film_pooling_window(kept, playback, trace):
    film = playback.film
    unit, (row, column) = film.path.units[3], film.path.places[3]
    values = trace["act1"].output[unit, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    cells = [v for v, *_ in kept["pooling"]["cells"]]
    np.testing.assert_array_equal(cells[0], values)
    assert cells[1].item() == values.max() == trace["pool1"].output[unit, row, column]
    real, first = trace["pool1"].output, find_maps(kept, "pooling", (32, 14, 14))[0]
    np.testing.assert_array_equal(first[0], real[unit])


def test_cnn_film_partial_sums(kept, playback, trace):
    film = playback.film
    unit, row, column = film.path.partial.place
    padded = np.pad(trace["pool1"].output, ((0, 0), (1, 1), (1, 1)))[:, row : row + 3, column : column + 3]
    parts = (padded.astype(float) * trace["conv2"].weight[unit]).sum((1, 2))
    (edges,) = [m for m in kept["partial-sums"]["mobjects"] if isinstance(m, Edges)]
    order = [film.path.units[3], *(k for k in range(32) if k != film.path.units[3])]
    np.testing.assert_allclose(edges.values, parts[order], atol=1e-5)
    sign = np.where(edges.values[:, None] < 0, DARK.rgb("negative"), DARK.rgb("positive"))
    np.testing.assert_allclose(edges.rgba[:, :3], sign)
    assert (np.diff(edges.widths[np.argsort(np.abs(edges.values))]) >= 0).all()
    shown, total = added(kept["partial-sums"]["sum"])
    assert shown == pytest.approx(total, abs=1e-9)
    assert total == pytest.approx(trace["conv2"].output[unit, row, column], abs=0.006)
    assert f"map {film.path.units[3] + 1}:" in kept["partial-sums"]["sum"]


def test_cnn_film_next_window_holds_value(kept, playback, trace):
    """The window of the second convolution holds the value followed, and its map is one that changes much there."""
    path = playback.film.path
    followed, (unit, row, column) = path.units[3], path.partial.place
    y, x = path.places[3]
    assert max(abs(y - row), abs(x - column)) <= 1
    assert playback.film.mark in kept["partial-sums"]["mobjects"]
    value = trace["pool1"].output[followed, y, x]
    assert f"32 maps of 14 × 14; small square: {value:.2f}" in kept["partial-sums"]["texts"]
    window = np.pad(trace["pool1"].output, ((0, 0), (1, 1), (1, 1)))[:, row : row + 3, column : column + 3]
    parts = np.abs((window * trace["conv2"].weight[unit]).sum((1, 2)))
    assert (parts > parts[followed]).sum() < 6


def test_cnn_film_many_maps_move_briefly():
    """Each frame in which many maps move costs a clip much: they take less time than one map."""
    area = Area(0, 0, 4, 4)
    grids = [MapGrid(DARK, np.ones((n, 4, 4)), area, range(n)) for n in (1, 32)]
    one, many = (max(a.run_time for a in grid.move(area.shift(1, 0))) for grid in grids)
    assert many < one / 2


def test_cnn_film_counts_parameters(kept, playback, trace):
    assert "32 × (9 + 1) = 320 parameters" in kept["all-maps"]["texts"]
    assert "320 + 2 × 32 = 384 parameters" in kept["norm-2"]["texts"]
    assert playback.film.counter.total == 1_026_058
    assert "384 + 64 × (32 × 9 + 1) = 18,880 parameters" in kept["partial-sums"]["texts"]
    assert "18,880 + 2 × 64 = 19,008 parameters" in kept["stage-6"]["texts"]
    assert "19,008 + 320 × (3,136 + 1) = 1,022,848 parameters" in kept["hidden-1"]["texts"]
    assert "1,022,848 + 10 × (320 + 1) = 1,026,058 parameters" in kept["dense"]["texts"]


# ---- vector, scores, answer


def test_cnn_film_head_matches_trace(kept, playback, trace):
    view, head = playback.film.view, playback.film.head
    for k, (node, before) in enumerate((("hidden1", "flatten"), ("output", "hidden1_drop"))):
        x, weight, bias = trace.value(before), trace[node].weight, trace[node].bias
        z = weight[head.index[k + 1]] @ x + bias[head.index[k + 1]]
        edges = view.edges[k].values.reshape(len(z), -1)
        np.testing.assert_allclose(
            edges[:, :-1], weight[head.index[k + 1]][:, head.index[k]] * x[head.index[k]], rtol=1e-5
        )
        np.testing.assert_allclose(edges.sum(1), z, atol=1e-3)
        np.testing.assert_array_equal(view.columns[k].values, x[head.index[k]])
    np.testing.assert_allclose(view.bars.values, trace.probabilities[head.index[-1]])
    assert [line.text for line in view.percents] == [format_percent(p) for p in trace.probabilities[head.index[-1]]]


def test_cnn_film_columns_have_scales(kept, playback, trace):
    """The shades of neurons and classes have their own scale, and the lines and the dots add up to the sum."""
    from netcore.core.formatting import format_number

    head = playback.film.head
    for step, word, k in (("hidden-1", "neurons", 1), ("dense", "classes", 2)):
        texts = kept[step]["texts"]
        assert {word, format_number(float(np.abs(head.values[k]).max()))} <= texts
        note = next(text for text in texts if text.startswith("dots: "))
        rest, lines = (number(part.split()[-1]) for part in note.split("; "))
        z = head.layers[k - 1].z[head.followed(k)]
        assert rest + lines == pytest.approx(z, abs=0.006)


def test_cnn_film_followed_value_in_vector(kept, playback, trace):
    film, head = playback.film, playback.film.head
    unit, (row, column) = film.path.units[-1], film.path.places[-1]
    place = (unit * 7 + row) * 7 + column
    at = list(head.index[0]).index(place)
    np.testing.assert_allclose(film.view.columns[0].ring[at], DARK.rgb("emphasis"))
    assert f"{trace.value('pool2')[unit, row, column]:.2f}" in kept["vector"]["sum"]
    parts = np.abs(trace["hidden1"].weight[head.followed(1)] * trace.value("flatten"))
    others = [k for k in head.index[0] if k != place]
    assert set(np.argsort(-parts)[: len(others)]) <= {*others, place}


def test_cnn_film_lead_adds_up(kept, playback, trace):
    order = np.argsort(-trace.logits)
    shown, total = added(kept["lead"]["sum"])
    assert shown == pytest.approx(total, abs=1e-9)
    wrong = trace.prediction != trace.label
    other = trace.label if wrong else order[1]
    assert total == pytest.approx(trace.logits[order[0]] - trace.logits[other], abs=0.006)


def test_cnn_film_neuron_sum_matches_trace(kept, playback, trace):
    head = playback.film.head
    for step, node, before, k in (("hidden-1", "hidden1", "flatten", 1), ("dense", "output", "hidden1_drop", 2)):
        unit = head.followed(k)
        products = trace[node].weight[unit].astype(float) * trace.value(before)
        line = kept[step]["sum"]
        shown, total = added(line)
        assert shown == pytest.approx(total, abs=1e-9)
        assert total == pytest.approx(trace[node].output[unit], abs=0.006)
        assert f"{(products > 0).sum():,} raise it: " in line
        assert f"{(products < 0).sum():,} lower it: " in line
        edges, seen = playback.film.view.edges[k - 1], len(head.index[k - 1]) + 1
        row = list(head.index[k]).index(unit)
        visible = edges.rgba[:, 3].reshape(-1, seen) > 0
        assert visible[row].all()
        assert visible.sum() == seen
    assert f"neuron {head.followed(1) + 1}:" in kept["hidden-1"]["sum"]


def test_cnn_film_lead_lines_are_differences(playback, trace):
    head, view = playback.film.head, playback.film.view
    weight, x = trace["output"].weight.astype(float), trace.value("hidden1_drop")
    parts = (weight[head.answer] - weight[head.other]) * x
    lead = trace.logits[head.answer] - trace.logits[head.other]
    drawn = head.index[1]
    np.testing.assert_allclose(view.difference.values[:-1], parts[drawn], rtol=1e-5)
    assert view.difference.values.sum() == pytest.approx(lead, abs=1e-4)
    blue = (view.difference.rgba[:, :3] == DARK.rgb("positive")).all(1)
    np.testing.assert_array_equal(blue, view.difference.values > 0)
    texts = [m.text for m in view.lead[1:]]
    printed = [number(t.split("+")[-1].split(": ")[-1]) for t in texts]
    assert printed[:-1] == pytest.approx(view.difference.values[:-1], abs=0.00501)
    assert printed[-1] == pytest.approx(view.difference.values[-1], abs=0.0151)
    assert f"{sum(printed):.2f}" == f"{lead:.2f}"
    assert [t.split(":")[0] for t in texts[:-1]] == [str(k + 1) for k in drawn]


def test_cnn_film_value_followed_on(kept, playback, trace):
    unit, row, column = playback.film.path.partial.place
    values = [trace.value(name)[unit, row, column] for name in ("conv2", "norm2", "act2")]
    pooled = trace.value("pool2")[unit, row // 2, column // 2]
    captions = {step.name: step.caption for step in playback.steps}
    assert captions["stage-6"] == "Batch norm, ReLU: " + " → ".join(f"{v:.2f}" for v in values)
    window = trace.value("act2")[unit, row // 2 * 2 :, column // 2 * 2 :][:2, :2]
    line = next(text for text in kept["stage-8"]["texts"] if text.count(", ") == 3)
    assert [number(t) for t in line.split(", ")] == pytest.approx(window.ravel(), abs=0.006)
    assert f"{pooled:.2f}" in kept["stage-8"]["texts"]
    kept_value = values[-1] == pooled
    assert captions["stage-8"].endswith("is kept" if kept_value else f"gives way to {pooled:.2f}")


def test_cnn_film_captions_and_layout(playback):
    check_layout(playback)
    assert smallest_text(playback) >= 14
    assert all(len(step.caption) <= 50 for step in playback.steps[:-1])
    assert all(len(line) <= 50 for line in playback.steps[-1].caption.split(". "))


# ---- small lies are caught


def test_cnn_film_dropped_bias_caught(context, monkeypatch, trace):
    def without_bias(parts, bias, *rest, **keys):
        return real(parts, None, *rest, **keys)

    real = kernel_window.sum_terms
    monkeypatch.setattr(kernel_window, "sum_terms", without_bias)
    played = play_film(Recording, context, fps=1)
    with pytest.raises(AssertionError):
        test_cnn_film_products_add_up(played.film.kept, played, trace)


def test_cnn_film_swapped_color_caught(context, monkeypatch, trace):
    def swapped(theme, values):
        rgba, widths = real(theme, -values)
        return rgba, widths

    real = partial_sums.edge_style
    monkeypatch.setattr(partial_sums, "edge_style", swapped)
    played = play_film(Recording, context, fps=1)
    with pytest.raises(AssertionError):
        test_cnn_film_partial_sums(played.film.kept, played, trace)


def test_cnn_film_wrong_difference_caught(context, monkeypatch, trace):
    real = VectorHead.difference.fget
    monkeypatch.setattr(VectorHead, "difference", property(lambda head: (real(head)[0] * 1.1, real(head)[1])))
    played = play_film(Recording, context, fps=1)
    with pytest.raises(AssertionError):
        test_cnn_film_lead_lines_are_differences(played, trace)
    with pytest.raises(AssertionError):
        test_cnn_film_lead_adds_up(played.film.kept, played, trace)


# ---- any CNN


def lenet() -> nn.Module:
    torch.manual_seed(2)
    first = [nn.Conv2d(3, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)]
    last = [nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)]
    return nn.Sequential(*first, *last)


def all_convolutions() -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


class Mixed(nn.Module):
    """1 × 1, dilated depthwise, strided grouped and transposed convolutions; group norm, GELU, SiLU."""

    def __init__(self) -> None:
        super().__init__()
        self.point, self.norm = nn.Conv2d(3, 16, 1), nn.GroupNorm(4, 16)
        self.depth = nn.Conv2d(16, 16, 3, padding=2, dilation=2, groups=16)
        self.grouped = nn.Conv2d(16, 24, 3, stride=2, padding=1, groups=4, bias=False)
        self.up, self.pool, self.head = (
            nn.ConvTranspose2d(24, 8, 2, stride=2),
            nn.AdaptiveAvgPool2d(5),
            nn.Linear(200, 2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.depth(nn.functional.gelu(self.norm(self.point(x)))))
        return self.head(self.pool(nn.functional.silu(self.up(self.grouped(x)))).flatten(1))


CASES = {
    "lenet-square": (lenet, 3, NAMES, None, (480, 480)),
    "convolutions-tall": (all_convolutions, 1, DIGITS, 3, (480, 854)),
    "mixed-4-3": (Mixed, 3, ["cat", "dog"], 0, (640, 480)),
    "skip-tall": (lambda: SkipCNN(classes=2), 1, ["cat", "dog"], 1, (480, 854)),
    "functional": (Functional, 1, DIGITS, 1, (854, 480)),
    "hundred": (lambda: resnet(100), 3, [f"a rather long name of class {k}" for k in range(100)], 99, (854, 480)),
}


@pytest.mark.parametrize("case", sampled(list(CASES), every=2))
def test_cnn_film_unusual_networks(case, cnn_run):
    make, channels, names, label, size = CASES[case]
    torch.manual_seed(2)
    pixels = cnn_run.examples().images[0]
    if channels == 3:
        pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    context = module_context(cnn_run, make(), pixels, names, label)
    played = play_film(Recording, context, LIGHT, fps=1, size=size)
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])
    trace, film = context.trace(), played.film
    np.testing.assert_allclose(film.view.bars.values, trace.probabilities[film.head.index[-1]])
    assert film.counter.total == film.found.blocks.parameters
    for step in ("products", "partial-sums"):
        if step in film.kept:
            shown, total = added(film.kept[step]["sum"])
            assert shown == pytest.approx(total, abs=1e-9), step


SAMPLE = film_grid.spread_sample(
    [c for c in film_grid.cover_pairs(film_grid.CNN_FACTORS) if c["size"][0] < 40 and c["maps"] < 64], 2
)


@pytest.mark.parametrize("case", SAMPLE, ids=film_grid.describe_case)
def test_cnn_film_on_spread_sample(cnn_run, case):
    context = film_grid.case_context(cnn_run, film_grid.make_module(case), case)
    played = film_grid.play_case(CnnForwardPropagation, context, case)
    assert played.steps[-1].name == "takeaway"
    assert f"{sum(p.size for p in parameters_of(context)):,} parameters" in played.steps[-1].caption


def parameters_of(context):
    names = ("weight", "bias")
    return [getattr(x, n) for x in context.trace().layers for n in names if getattr(x, n, None) is not None]


def test_cnn_film_options(context):
    played = play_film(CnnForwardPropagation, context, fps=1, max_units=16, max_classes=3)
    assert "12 of 32 maps of 28 × 28" in played.texts
    assert len(played.film.head.index[-1]) == 3
    check_layout(played)


def test_norm_of_image_is_affine(cnn_run):
    torch.manual_seed(2)
    color = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    trace = module_context(cnn_run, Mixed(), color, ["cat", "dog"], 0).trace()
    found = normalization.map_scale_shift(trace, trace["norm"], 3)
    assert not found.learned
    np.testing.assert_allclose(found.scale * trace["point"].output[3] + found.shift, trace["norm"].output[3], atol=1e-4)

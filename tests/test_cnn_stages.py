"""Stages, terms and examples of CNNs against PyTorch; tiles, counters and scales of the film kit."""

import numpy as np
import pytest
import torch
from networks import Dense, SkipCNN, resnet
from torch import nn

from netcore.analysis.cnn_stages import cnn_stages
from netcore.analysis.convolution import output_terms
from netcore.analysis.examples import choose_example, sums_as_printed
from netcore.analysis.followed_maps import follow_maps, holding_windows, residual_parts, shown_tiles
from netcore.analysis.operations import Window
from netcore.analysis.vector_head import vector_head
from netcore.analysis.window_features import feature_correlations, window_features
from netcore.tracing.tracer import trace_module
from netcore.viz.film.components.color_scale import ColorScale
from netcore.viz.film.components.feature_maps import reveal_boxes
from netcore.viz.film.components.parameter_counter import ParameterCounter
from netcore.viz.film.components.sums import sum_terms
from netcore.viz.film.components.trail import column_widths
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import followed_frames
from netcore.viz.theme import DARK

CONVOLUTIONS = {
    "strided": nn.Conv2d(4, 6, 3, stride=2, padding=1),
    "dilated": nn.Conv2d(4, 6, 3, dilation=2, padding=2, bias=False),
    "grouped": nn.Conv2d(4, 6, (3, 5), groups=2, padding=(1, 2)),
    "depthwise": nn.Conv2d(4, 8, 3, groups=4),
    "same": nn.Conv2d(4, 6, 4, padding="same"),
    "reflected": nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"),
    "circular": nn.Conv2d(4, 6, 5, padding=2, padding_mode="circular"),
    "transposed": nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2),
}


def trace_of(module: nn.Module, channels: int = 1, side: int = 16):
    torch.manual_seed(0)
    module(torch.zeros(2, channels, side, side))  # lazy layers get their sizes
    pixels = np.random.default_rng(0).integers(0, 256, (channels, side, side), dtype=np.uint8)
    return trace_module(module.eval(), pixels, classes=[str(k) for k in range(10)], label=3)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_output_terms_match_pytorch(kind):
    layer = CONVOLUTIONS[kind]
    trace = trace_of(nn.Sequential(nn.Conv2d(1, 4, 1), layer, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10)))
    node = trace.layers[1]
    x = trace.input_of(node)
    for unit in range(node.output.shape[0]):
        for row, column in ((0, 0), (3, 2), (node.output.shape[1] - 1, node.output.shape[2] - 1)):
            terms = output_terms(node, x, unit, row, column)
            assert terms.total == pytest.approx(float(node.output[unit, row, column]), abs=1e-5)
            assert terms.partial_sums.sum() + terms.bias == pytest.approx(terms.total)


@pytest.mark.parametrize("make", [resnet, SkipCNN, Dense])
def test_stages_count_all_parameters(make):
    channels = 3 if make is resnet else 1
    module = make()
    found = cnn_stages(trace_of(module, channels, 32))
    counted = sum(stage.parameters for stage in found.stages)
    counted += found.blocks.vector.parameters + sum(layer.block.parameters for layer in found.blocks.dense)
    assert counted == sum(p.numel() for p in module.parameters())
    for before, after in zip(found.stages, found.stages[1:], strict=False):
        assert after.reads.shape[1:] == before.values.shape[1:]


def test_followed_map_survives_pooling():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(10))
    trace = trace_of(module)
    stages = cnn_stages(trace).stages
    path = follow_maps(trace, stages)
    unit, row, column = path.first.place
    pooled = stages[-1].values[unit][path.places[-1]]
    assert pooled == pytest.approx(max(0.0, path.first.terms.total), abs=1e-5)
    assert path.units == (unit,) * 3
    assert path.places[-1] == (row // 2, column // 2)


def test_example_numbers_add_up():
    torch.manual_seed(1)
    trace = trace_of(nn.Sequential(nn.Conv2d(1, 6, 3), nn.Flatten(), nn.LazyLinear(10)))
    layer = trace.layers[0]
    places = [(u, r, c) for u in range(6) for r in range(5) for c in range(2)]
    example = choose_example(layer, trace.input, places)
    assert example.agrees == sums_as_printed(example.terms, example.decimals)
    printed = np.round(example.terms.products, example.decimals).sum() + round(example.terms.bias, example.decimals)
    assert printed == pytest.approx(round(example.terms.total, example.decimals), abs=1e-9)


def test_residual_parts_match_pytorch():
    module = SkipCNN()
    trace = trace_of(module)
    stage = cnn_stages(trace).stages[-1]
    block, shortcut = residual_parts(trace, stage, 2)
    assert max(0.0, block + shortcut) == pytest.approx(stage.values[2].max(), abs=1e-5)
    np.testing.assert_allclose(shortcut, trace["relu"].output[2][stage.strongest(2)])


def test_window_features_of_edge():
    image = np.zeros((1, 9, 9))
    image[:, :4] = 1
    layer = trace_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(10)), side=9).layers[0]
    found = window_features(layer, image)
    assert found["above"].max() == 1
    assert not found["below"].any()
    np.testing.assert_allclose(feature_correlations(found["above"][None], found)["above"], 1)


def test_vector_head_edges_complete():
    torch.manual_seed(1)
    trace = trace_of(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.LazyLinear(30), nn.ReLU(), nn.Linear(30, 10)))
    blocks = cnn_stages(trace).blocks
    head = vector_head(trace, trace.value(blocks.vector.output).ravel(), blocks.dense, 6, 4)
    for k in range(2):
        total = head.edges(k).sum(1) + head.rest(k)
        np.testing.assert_allclose(total, head.layers[k].z[head.index[k + 1]], rtol=1e-4, atol=1e-5)
    parts, bias = head.difference
    assert parts.sum() + bias == pytest.approx(head.lead, abs=1e-4)
    assert head.other == 3 or trace.prediction == 3


def test_holding_windows_read_the_place():
    """An output's window holds a place where a change of the place changes the output."""
    window = Window((3, 3), (2, 1), (1, 1), (1, 1))
    layer = nn.Conv2d(1, 1, 3, stride=(2, 1), padding=1, bias=False)
    torch.nn.init.ones_(layer.weight)
    image = torch.zeros(1, 1, 9, 8)
    image[0, 0, 4, 3] = 1
    output = layer(image)[0, 0].detach().numpy()
    np.testing.assert_array_equal(holding_windows(window, (4, 3), output.shape), output > 0)


def test_partial_example_follows_value():
    """The window computed by partial sums holds the value followed, if a map that is large there reads it much."""
    torch.manual_seed(3)
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Flatten()]
    trace = trace_of(nn.Sequential(*layers, nn.LazyLinear(10)))
    stages = cnn_stages(trace).stages
    path = follow_maps(trace, stages)
    i = next(k for k, stage in enumerate(stages) if stage.kind == "partial")
    row, column = path.places[i - 1]
    assert row in path.partial.terms.rows
    assert column in path.partial.terms.columns


def test_vector_head_keeps_value():
    torch.manual_seed(1)
    trace = trace_of(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.LazyLinear(30), nn.ReLU(), nn.Linear(30, 10)))
    blocks = cnn_stages(trace).blocks
    vector = trace.value(blocks.vector.output).ravel()
    head = vector_head(trace, vector, blocks.dense, 6, 4, keep_value=5)
    assert 5 in head.index[0]
    strength = np.abs(head.parts(1)[0])
    assert {*np.argsort(-strength)[:5]} <= {*head.index[0]}


# ---- components


def test_followed_frames_do_not_overlap():
    area = Area(0, 0, 6, 4)
    for count in (1, 2, 6, 32, 48, 64):
        frames = followed_frames(area, count, (28, 20))
        low, high = frames[:, 2], frames[:, 1]
        assert low.min() >= -1e-9
        assert (high <= [6 + 1e-9, 4 + 1e-9]).all()
        assert (high[0] - low[0] >= high[-1] - low[-1] - 1e-9).all()
        for k in range(count):
            apart = (low[:, 0] >= high[k, 0]) | (high[:, 0] <= low[k, 0])
            apart |= (low[:, 1] >= high[k, 1]) | (high[:, 1] <= low[k, 1])
            assert apart.sum() == count - 1


def test_reveal_boxes_cover_pixels():
    for first, last in ((0, 1), (0.1, 0.15), (5 / 12, 11 / 12), (0.5, 0.5)):
        seen = np.zeros((3, 4), int)
        for x, y, w, h in reveal_boxes(first, last, 3, 4):
            seen[int(y) : int(y + h), int(x) : int(x + w)] += 1
        expected = np.zeros(12, int)
        expected[int(first * 12 + 1e-6) : int(last * 12 + 1e-6)] = 1
        np.testing.assert_array_equal(seen.ravel(), expected)


def test_sum_terms_add_up():
    values = np.random.default_rng(0).normal(0, 1, 40)
    terms, index = sum_terms(values, 0.123, 2, {7: "map 8:"}, keep=[7])
    texts = [term if isinstance(term, str) else term[0] for term in terms]
    numbers = [t.split()[-1] for t in texts if t != "="]
    signs = [-1 if t.startswith("−") else 1 for t in texts if t != "="]
    *parts, total = [s * float(n.lstrip("−")) for s, n in zip(signs, numbers, strict=True)]
    assert sum(parts) == pytest.approx(total, abs=1e-9)
    assert total == pytest.approx(values.sum() + 0.123, abs=0.006)
    assert any("map 8:" in t for t in texts)
    assert terms[index.index(7)][1] == "emphasis"


def test_color_scale_counts_to_end():
    scale = ColorScale(DARK, (-1.0, 1.0), True, (3.0, 0.0))
    for animation in scale.change((0.0, 5.0), False, 0.5):
        animation.begin()
        animation.interpolate(1.0)
    assert (scale.low.text, scale.high.text) == ("0", "5.0")
    np.testing.assert_allclose(scale.ramp.rgb[0, 0, -1], DARK.rgb("foreground"))


def test_parameter_counter_keeps_total():
    counter = ParameterCounter(DARK, Area(0, 0, 8, 1))
    counter.add(320, "32 × (9 + 1)")
    assert counter.line.text == "32 × (9 + 1) = 320 parameters"
    counter.add(64, "2 × 32")
    assert counter.line.text == "320 + 2 × 32 = 384 parameters"
    counter.add(0)
    assert counter.line.text == "384 parameters"
    assert counter.add(0) == []


def test_shown_tiles_vary_most():
    values = np.random.default_rng(0).normal(0, np.arange(1, 101)[:, None, None], (100, 8, 8))
    index = shown_tiles(values, 3)
    assert index[0] == 3
    assert len(index) == 48
    assert values[index[1:]].std((1, 2)).min() >= np.delete(values.std((1, 2)), index).max()


def test_column_widths_leave_label_room():
    widths = column_widths(np.array([1, 1, 0.5, 0.25]), 10.0, 0.1)
    assert sum(widths) == pytest.approx(9.7, abs=1e-3)
    assert min(widths) >= 1.25

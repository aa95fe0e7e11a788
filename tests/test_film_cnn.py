"""Forward propagation in a CNN: maps, column, edges and bars are the trace's; any CNN fits into the frame."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import Playback, check_layout, module_context, play_film, smallest_text
from networks import Functional, SkipCNN, resnet, tanh_mlp
from torch import nn

from netcore.analysis.cnn_blocks import cnn_blocks
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_percent
from netcore.rendering.requirements import check_requirements
from netcore.scenes.films.cnn_forward_propagation import NEEDS, CnnForwardPropagation
from netcore.viz.film.components.feature_maps import FeatureMaps
from netcore.viz.theme import DARK, LIGHT
from netcore.viz.wording import format_prediction

ORDER = ["act1", "pool1", "act2", "pool2"]  # the nodes that end the stages of the recipe with two convolutions


@pytest.fixture(scope="module")
def context(cnn_run, make_context):
    return make_context(cnn_run, 7)


@pytest.fixture(scope="module")
def playback(context) -> Playback:
    return play_film(CnnForwardPropagation, context)


@pytest.fixture(scope="module")
def trace(context):
    return context.trace()


def maps_seen(played: Playback, shape: tuple[int, ...]) -> list[FeatureMaps]:
    seen = {id(s.mobject): s.mobject for moment in played.moments for s in moment if isinstance(s.mobject, FeatureMaps)}
    return [m for m in seen.values() if m.values.shape == shape]


# ---- stages


def test_cnn_blocks_of_recipe(trace):
    cnn = cnn_blocks(trace)
    blocks = cnn.maps.blocks
    assert [block.description for block in blocks] == ["Conv 3×3 → BN → ReLU", "Max-pool 2×2"] * 2
    assert [block.map_shape for block in blocks] == [(32, 28, 28), (32, 14, 14), (64, 14, 14), (64, 7, 7)]
    assert [block.output for block in blocks] == ORDER
    assert [block.parameters for block in blocks] == [320 + 64, 0, 18496 + 128, 0]
    assert (cnn.parameters, cnn.summary) == (1_026_058, "")


def test_cnn_blocks_join_deep_network(cnn_run):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    trace = module_context(cnn_run, resnet(), pixels, [str(k) for k in range(10)], 0).trace()
    found = cnn_blocks(trace)
    headings = [block.heading for block in found.maps]
    assert headings == [("Conv 7×7", "BN", "ReLU"), ("Max-pool 3×3",), *[("2 × Residual block",)] * 4]
    assert sum(block.convolutions for block in found.maps) == 20
    assert "20 convolutions" in found.summary
    assert found.vector.heading == ("Global average",)
    assert found.maps.blocks[2].output == "layer1.1.relu_1"
    assert found.parameters == sum(p.numel() for p in resnet().parameters())
    fewer = cnn_blocks(trace, 4).maps
    assert len(fewer) <= 4
    assert sum(block.convolutions for block in fewer) == 20
    assert fewer.output.output == found.maps.output.output


def test_cnn_blocks_of_function_calls(cnn_run):
    pixels = cnn_run.examples().images[0]
    found = cnn_blocks(module_context(cnn_run, Functional(), pixels, [str(k) for k in range(10)], 0).trace())
    assert [block.description for block in found.maps] == ["Conv 3×3 → ReLU", "Max-pool 2×2"]
    window = found.maps.blocks[0].window
    assert (window.kernel, window.stride, window.padding) == ((3, 3), (1, 1), (1, 1))
    assert len(found.dense) == 1


def test_cnn_film_maps_follow_pooling(playback, trace):
    chosen = playback.film.chosen
    for k in (0, 2):
        mean = np.abs(trace.value(ORDER[k])).mean(axis=(1, 2))
        assert mean[chosen[k]].min() >= np.delete(mean, chosen[k]).max()
        np.testing.assert_array_equal(chosen[k], chosen[k + 1])


def test_cnn_film_needs_convolution(cnn_run, mlp_run):
    with pytest.raises(RequirementError, match="needs feature maps"):
        check_requirements("cnn-forward-propagation", NEEDS, mlp_run)
    trace = module_context(mlp_run, tanh_mlp(), mlp_run.examples().images[0], [str(k) for k in range(10)], 0).trace()
    with pytest.raises(RequirementError, match="feature maps of convolutions"):
        cnn_blocks(trace)


# ---- what is drawn


def test_cnn_film_maps_match_trace(playback, trace):
    film = playback.film
    assert len(film.done) == 5
    np.testing.assert_allclose(film.done[0].rgb[0], DARK.activation_colors(trace.pixels[0] / 255))
    for maps, name, chosen in zip(film.done[1:], ORDER, film.chosen, strict=True):
        values = trace.value(name)[chosen]
        assert len(values) == 8
        np.testing.assert_array_equal(maps.values, values)
        assert maps.scale == pytest.approx(values.max())
        shade = values[..., None] / values.max()
        expected = DARK.rgb("background") * (1 - shade) + DARK.rgb("foreground") * shade
        np.testing.assert_allclose(maps.rgb, expected, atol=1e-6)
        assert maps.progress == 1


def test_cnn_film_steps_of_block(context, trace):
    class Listening(CnnForwardPropagation):
        def refine(self, block, sign):
            steps.append(("conv1", self.target.maps.values.copy(), self.target.maps.rgb.copy()))
            first, words = block.steps[0], list(sign.words)
            for step, word in zip(block.steps[1:], words, strict=True):
                sign.words = [word]
                super().refine(SimpleNamespace(steps=(first, step)), sign)
                steps.append((step[1], self.target.maps.values.copy(), self.target.maps.rgb.copy()))

    steps: list = []
    chosen = play_film(Listening, context, fps=2).film.chosen[0]
    for name, values, rgb in steps:
        np.testing.assert_array_equal(values, trace.value(name)[chosen])
        share = (values / np.abs(values).max())[..., None]
        end = np.where(share < 0, DARK.rgb("negative"), DARK.rgb("foreground" if name == "act1" else "positive"))
        np.testing.assert_allclose(rgb, DARK.rgb("background") * (1 - abs(share)) + end * abs(share), atol=1e-6)
    assert [name for name, *_ in steps] == ["conv1", "norm1", "act1"]
    assert (steps[1][1] < 0).any()


def test_cnn_film_map_pixels(context):
    played = play_film(CnnForwardPropagation, context, fps=2, size=(1708, 960))
    frame, film = played.frames[-1][0], played.film
    for maps in film.done[:2]:
        origin, right, down = maps.corners()[0]
        h, w = maps.rgb.shape[1:3]
        for y, x in ((14, 14), (9, 12), (20, 16)):
            middle = origin + (right - origin) * (x + 0.5) / w + (down - origin) * (y + 0.5) / h
            column, row = (middle * [1, -1] + [film.width / 2, film.height / 2]) * 1708 / film.width
            np.testing.assert_allclose(frame[int(row), int(column)], maps.rgb[0, y, x] * 255, atol=2)


def test_cnn_film_pooling_halves_maps(playback):
    widths = [np.ptp(m.corners()[0][:, 0]) for m in playback.film.done]
    np.testing.assert_allclose(np.array(widths) / widths[0], [1, 1, 0.5, 0.5, 0.25])


def test_cnn_film_kernels_match_weights(playback, trace):
    (kernels,) = maps_seen(playback, (8, 3, 3))
    np.testing.assert_array_equal(kernels.values, trace["conv1"].weight[playback.film.chosen[0], 0])


def test_cnn_film_flatten_largest_values(playback, trace):
    end = playback.film.end
    values = trace.value("flatten")
    assert len(end.index[0]) == 16
    np.testing.assert_array_equal(end.cells.values, values[end.index[0]])
    assert values[end.index[0]].min() >= np.delete(values, end.index[0]).max()
    shade = (values[end.index[0]] / values.max())[:, None]
    np.testing.assert_allclose(
        end.cells.rgb[:, 0, 0], DARK.rgb("background") * (1 - shade) + DARK.rgb("foreground") * shade, atol=1e-6
    )


def test_cnn_film_flatten_start_positions(context, trace):
    class Listening(CnnForwardPropagation):
        def flatten(self):
            super().flatten()
            seen.append((self.end.leaving(placed(self)), self))

    def placed(film):
        volume = film.source
        volume.maps.points = np.pad(film.squares().reshape(-1, 2), ((0, 0), (0, 1)))
        return volume

    seen: list = []
    play_film(Listening, context, fps=2)
    (begin, film), squares = seen[0], seen[0][1].squares()
    shown = film.chosen[-1].tolist()
    found = 0
    for index, frame in zip(film.end.index[0], begin, strict=True):
        channel, y, x = np.unravel_index(index, (64, 7, 7))
        if channel in shown:
            found += 1
            origin, right, down = squares[shown.index(channel)]
            np.testing.assert_allclose(frame[0], origin + (right - origin) * x / 7 + (down - origin) * y / 7)
            assert np.ptp(frame[:, 0]) == pytest.approx((right - origin)[0] / 7)
    assert found


def test_cnn_film_classifier_matches_trace(playback, trace):
    end = playback.film.end
    p = trace.probabilities[end.index[-1]]
    hidden = trace.value("hidden1_act")[end.index[1]]
    np.testing.assert_array_equal(end.columns[0].values, hidden)
    np.testing.assert_allclose(end.columns[1].values, p)
    np.testing.assert_allclose(end.bars.values, p)
    for k, (name, before) in enumerate((("hidden1", "flatten"), ("output", "hidden1_act"))):
        edges = end.edges[k]
        real = trace[name].weight[end.index[k + 1]][:, end.index[k]] * trace.value(before)[end.index[k]]
        np.testing.assert_allclose(edges.values, real.ravel(), rtol=1e-6)
        sign = np.where(real.ravel()[:, None] < 0, DARK.rgb("negative"), DARK.rgb("positive"))
        np.testing.assert_allclose(edges.rgba[:, :3], sign)
        order = np.argsort(np.abs(edges.values))
        assert (np.diff(edges.widths[order]) >= 0).all()
        assert np.ptp(edges.widths) > 2
        ends = edges.points[1::2, 1].reshape(real.shape)[:, 0]
        np.testing.assert_allclose(ends, end.columns[k].centers[:, 1], atol=1e-6)
    for line, share in zip(end.percents, p, strict=True):
        assert line.text == format_percent(float(share))


def test_forward_propagation_labels(playback, trace):
    texts = playback.texts
    assert {"1×28×28", "32×28×28", "32×14×14", "64×14×14", "64×7×7", "3,136"} <= texts
    assert {"8 of 32 maps", "8 of 64 maps", "8 of 32 kernels", "16 of 3,136 values", "10 of 320 neurons"} <= texts
    assert {"384 parameters", "18,624 parameters", "1,003,840 parameters", "3,210 parameters"} <= texts
    assert "Conv 3×3 → BN → ReLU: 64 maps, each from all 32" in texts
    assert "Max pooling: maximum of each 2×2 window" in texts
    prediction = playback.film.answer.text
    assert prediction == format_prediction(trace.classes, trace.prediction, trace.probabilities.max(), 7)
    last = {seen.text for seen in playback.moments[-1]}
    assert {"Input", "Flatten", "28×28", "14×14", "7×7", "320", prediction} <= last


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


def deep() -> nn.Module:
    torch.manual_seed(2)
    layers: list[nn.Module] = []
    channels = 1
    for out in (8, 16, 32, 64):
        for _ in range(3):
            layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.LeakyReLU()]
            channels = out
        layers.append(nn.MaxPool2d(2))
    dense = [nn.Flatten(), nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10)]
    return nn.Sequential(*layers, *dense)


NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture(params=["five", "skip", "tanh", "hundred", "convolutions", "deep"])
def unusual_context(request, cnn_run):
    digit = cnn_run.examples().images[0]
    color = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    numbers = [str(k) for k in range(10)]
    if request.param == "five":
        from netcore.models.build import build_model
        from netcore.training.recipes import get_recipe

        return module_context(cnn_run, build_model(get_recipe("cnn-5conv").architecture), digit, numbers, 0)
    if request.param == "skip":
        return module_context(cnn_run, SkipCNN(classes=2), digit, ["cat", "dog"], 1)
    if request.param == "tanh":
        return module_context(cnn_run, lenet(), color, NAMES, None)
    if request.param == "hundred":
        return module_context(cnn_run, resnet(100), color, [f"a rather long name of class {k}" for k in range(100)], 99)
    if request.param == "convolutions":
        return module_context(cnn_run, all_convolutions(), digit, numbers, 3)
    return module_context(cnn_run, deep(), digit, NAMES, 2)


def test_cnn_film_layout_unusual_networks(unusual_context):
    played = play_film(CnnForwardPropagation, unusual_context, LIGHT, fps=2)
    check_layout(played)
    assert smallest_text(played) >= 14
    trace, film = unusual_context.trace(), played.film
    np.testing.assert_allclose(film.end.bars.values, trace.probabilities[film.end.index[-1]])
    if trace.pixels.shape[0] == 3:
        np.testing.assert_allclose(film.done[0].rgb[0], trace.pixels.transpose(1, 2, 0) / 255)
    else:
        np.testing.assert_allclose(film.done[0].rgb[0], LIGHT.activation_colors(trace.pixels[0] / 255))


def test_cnn_film_layout_and_duration(cnn_run, make_context):
    played = play_film(CnnForwardPropagation, make_context(cnn_run, 4), fps=10)
    check_layout(played)
    assert 12 <= sum(repeat for _, repeat in played.frames) / 10 <= 60
    assert played.frames[-1][1] >= 20, "the last frame stands two seconds"


def test_cnn_film_options(context):
    played = play_film(CnnForwardPropagation, context, fps=2, max_maps=4, max_features=9, max_units=5, max_classes=3)
    assert {"4 of 32 maps", "9 of 3,136 values", "5 of 320 neurons", "3 of 10 logits"} <= played.texts
    assert [len(m.rgb) for m in played.film.done] == [1, 4, 4, 4, 4]
    assert context.trace().prediction in played.film.end.index[-1]
    check_layout(played)


def test_cnn_film_signed_map_colors(cnn_run):
    color = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    played = play_film(CnnForwardPropagation, module_context(cnn_run, lenet(), color, NAMES, None), fps=2)
    maps = played.film.done[1]
    share = (maps.values / np.abs(maps.values).max())[..., None]
    end = np.where(share < 0, DARK.rgb("negative"), DARK.rgb("positive"))
    np.testing.assert_allclose(maps.rgb, DARK.rgb("background") * (1 - abs(share)) + end * abs(share), atol=1e-6)
    assert any(text.startswith("−") for text in played.texts)
    prediction = played.film.answer.text
    assert "correct" not in prediction
    assert "true class" not in prediction

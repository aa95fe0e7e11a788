"""Experiments: gradients, occlusion and changed images against what PyTorch computes."""

import figure_runs
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from netcore.analysis.experiments import (
    add_noise,
    apply_transform,
    background_color,
    change_stroke_width,
    margin_gradient,
    occlusion_map,
    predict_transformed,
    rotate,
    translate,
)
from netcore.core.run import Run
from netcore.core.sample import Sample
from netcore.models.loading import load_model
from netcore.tracing.network import TorchNetwork

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module", params=["made-mlp", "rgb"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return figure_runs.make_run(tmp_path_factory.mktemp("runs"), request.param)


@pytest.fixture
def network(run: Run) -> TorchNetwork:
    return TorchNetwork(run, run.snapshot("last"))


def torch_logits(run: Run, images: np.ndarray) -> torch.Tensor:
    """Logits of images (N, C, H, W) in [0, 255], of a module that is called as its author would."""
    return load_model(run, run.snapshot("last")).eval()(to_input(run, images))


def to_input(run: Run, images: np.ndarray) -> torch.Tensor:
    mean, std = (torch.tensor(run.info["input"][key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    return (torch.from_numpy(np.asarray(images)).float() / 255 - mean) / std


def random_images(run: Run, count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, *run.input_shape), dtype=np.uint8)


def test_margin_gradient_is_torch_gradient(run: Run, network: TorchNetwork) -> None:
    pixels = random_images(run, 1)
    batch = to_input(run, pixels).requires_grad_()
    logits = load_model(run, run.snapshot("last")).eval()(batch)[0]
    (expected,) = torch.autograd.grad(logits[1] - logits[0], batch)
    found = margin_gradient(network, Sample(pixels[0]), 1, 0)
    assert np.allclose(found, expected[0].numpy(), atol=1e-4 * float(expected.abs().max()))


def test_occlusion_map_is_mean_of_differences(run: Run, network: TorchNetwork) -> None:
    pixels, patch, stride = random_images(run, 1)[0], 8, 8
    trace = network.trace(Sample(pixels))
    found = occlusion_map(network, trace, 0, 1, patch, stride)
    color = background_color(pixels)
    _, height, width = pixels.shape
    expected = np.zeros((height, width))
    for y in range(0, height, stride):  # patches side by side: each pixel is covered once
        for x in range(0, width, stride):
            image = pixels.copy()
            image[:, y : y + patch, x : x + patch] = color[:, None, None]
            whole, covered = torch_logits(run, np.stack([pixels, image])).detach().numpy()
            expected[y : y + patch, x : x + patch] = (whole[0] - whole[1]) - (covered[0] - covered[1])
    assert np.abs(expected).max() > 0
    assert np.allclose(found, expected, atol=1e-4)


def test_occlusion_of_uniform_image_costs_nothing(run: Run, network: TorchNetwork) -> None:
    image = Sample(np.full(run.input_shape, 77, np.uint8))
    assert not occlusion_map(network, network.trace(image), 0, 1, 5, 3).any()


def test_background_color_is_median_of_border() -> None:
    pixels = np.full((3, 6, 5), 255, np.uint8)
    for channel, value in enumerate((10, 20, 30)):
        pixels[channel, [0, -1]] = pixels[channel, :, [0, -1]] = value
    pixels[:, 0, 0] = 200
    assert background_color(pixels).tolist() == [10, 20, 30]


def test_transformed_probabilities_are_torch_softmax(run: Run, network: TorchNetwork) -> None:
    images, levels = random_images(run, 3), (0.0, 0.4)
    found = predict_transformed(network, images, add_noise, levels)
    assert found.shape == (2, 3, len(run.classes))
    for level, probabilities in zip(levels, found, strict=True):
        changed = apply_transform(add_noise, images, level)
        assert np.allclose(probabilities, torch_logits(run, changed).softmax(1).detach().numpy(), atol=1e-5)
    assert np.array_equal(apply_transform(add_noise, images, 0.0), images)
    assert not np.allclose(np.log(found[1]), np.log(found[0]), rtol=0.01)


def test_noise_deviation_grows_with_level() -> None:
    images = np.full((4, 1, 60, 60), 127.0)
    small, large = (add_noise(images, level) - images for level in (0.05, 0.1))
    assert small.std() == pytest.approx(0.05 * 255, rel=0.03)
    assert np.allclose(large, 2 * small)


@pytest.mark.parametrize("percent", [25, -25, 12.5])
def test_translation_is_torch_grid_sample(percent: float) -> None:
    images = RNG.uniform(0, 255, (2, 3, 8, 8))
    theta = torch.tensor([[1.0, 0.0, -2 * percent / 100], [0.0, 1.0, 0.0]]).expand(2, 2, 3).double()
    expected = sampled(images, theta)
    assert np.allclose(translate(images, percent), expected)


@pytest.mark.parametrize("degrees", [90, 20])
def test_rotation_is_torch_grid_sample(degrees: float) -> None:
    images = RNG.uniform(0, 255, (2, 3, 9, 9))
    sine, cosine = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    theta = torch.tensor([[cosine, -sine, 0.0], [sine, cosine, 0.0]]).expand(2, 2, 3)
    inside = slice(2, 7)  # beyond the border SciPy and PyTorch extend the image in different ways
    found, expected = rotate(images, degrees), sampled(images, theta)
    assert np.allclose(found[..., inside, inside], expected[..., inside, inside])


def sampled(images: np.ndarray, theta: torch.Tensor) -> np.ndarray:
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(torch.from_numpy(images), grid, padding_mode="border", align_corners=False).numpy()


@pytest.mark.parametrize("pixels", [2, 1, 0, -2])
def test_stroke_width_is_torch_max_pooling(pixels: int) -> None:
    images = RNG.uniform(0, 255, (2, 1, 10, 12))
    found, side = change_stroke_width(images, pixels), 1 + abs(pixels)
    sign = 1 if pixels > 0 else -1
    before = side // 2 if pixels <= 0 else (side - 1) // 2
    padded = F.pad(sign * torch.from_numpy(images), (before, side - 1 - before) * 2, value=-np.inf)
    assert np.allclose(found, sign * F.max_pool2d(padded, side, 1).numpy())


def test_transform_rounds_and_clips() -> None:
    found = apply_transform(lambda images, level: images + level, np.array([[[[0, 100, 250]]]]), 10.6)
    assert found.dtype == np.uint8
    assert found.ravel().tolist() == [11, 111, 255]

"""Learning rates and augmentation against PyTorch and against geometry."""

import pytest
import torch

from netcore.training.augmentation import random_affine
from netcore.training.lr_schedule import learning_rate


def optimizer(rate):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
def test_lr_schedules_match_pytorch(schedule):
    total, peak = 57, 0.3
    their = optimizer(peak)
    if schedule == "cosine":
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(their, total)
    else:
        scheduler = torch.optim.lr_scheduler.OneCycleLR(their, peak, total_steps=total)
    for step in range(total):
        assert learning_rate(schedule, peak, step, total) == pytest.approx(their.param_groups[0]["lr"], rel=1e-6), step
        their.step()
        scheduler.step()


def test_lr_plateau_matches_pytorch():
    losses = [1, 0.8, 0.9, 0.8, 0.81, 0.79995, 0.9, 0.9, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
    their = optimizer(0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(their, factor=0.5, patience=3)
    for epoch, loss in enumerate(losses):
        assert learning_rate("plateau", 0.1, 0, 1, losses[:epoch]) == pytest.approx(their.param_groups[0]["lr"])
        scheduler.step(loss)
    assert learning_rate("plateau", 0.1, 0, 1, losses) < 0.1


def test_lr_constant():
    assert learning_rate("constant", 0.01, 99, 100, [1, 2, 3]) == 0.01


def test_lr_schedules_of_one_step():
    for schedule in ("constant", "plateau", "cosine", "onecycle"):
        assert 0 <= learning_rate(schedule, 0.1, 0, 1) <= 0.1


def amounts(monkeypatch, angle=0.0, scale=0.0, x=0.0, y=0.0):
    drawn = torch.tensor([[angle], [scale], [x], [y]])
    monkeypatch.setattr(torch, "rand", lambda *size, generator: (drawn + 1) / 2)


@pytest.fixture
def sample():
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 2:5, 3] = torch.tensor([0.2, 0.6, 1.0])
    return image


def test_random_affine_without_amounts(sample):
    out = random_affine(sample, {}, torch.Generator())
    torch.testing.assert_close(out, sample)


def test_random_affine_quarter_turn(sample, monkeypatch):
    amounts(monkeypatch, angle=1.0)
    out = random_affine(sample, {"rotate": 90.0}, torch.Generator())
    turned = [torch.rot90(sample, k, (2, 3)) for k in (1, -1)]
    assert any(torch.allclose(out, t, atol=1e-5) for t in turned)


def test_random_affine_shift_in_pixels(sample, monkeypatch):
    amounts(monkeypatch, x=1.0, y=-0.5)
    out = random_affine(sample, {"shift": 2.0}, torch.Generator())
    torch.testing.assert_close(out, torch.roll(sample, (1, -2), (2, 3)), atol=1e-5, rtol=0)


def test_random_affine_scale(monkeypatch):
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 10:18, 10:18] = 1
    amounts(monkeypatch, scale=1.0)
    out = random_affine(image, {"scale": 0.25}, torch.Generator())
    assert float(out.sum()) == pytest.approx(64 * 1.25**2, rel=0.02)


def test_random_affine_varies_per_image():
    images = torch.zeros(4, 1, 28, 28)
    images[:, 0, 8:20, 14] = 1
    out = random_affine(images, {"rotate": 20.0, "shift": 2.0}, torch.Generator().manual_seed(0))
    assert len({image.numpy().tobytes() for image in out}) == 4
    assert out.shape == images.shape
    assert 0 <= float(out.min()) <= float(out.max()) <= 1.0001

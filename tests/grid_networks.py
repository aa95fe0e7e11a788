"""Networks of the cases of `film_grid`, with random weights that keep values in range."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

NORMS = {"batch": nn.BatchNorm2d, "group": lambda n: nn.GroupNorm(2, n), "none": None}
POOLS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


def dense_module(case: Mapping[str, Any], seed: int) -> nn.Module:
    """Dense layers, with batch normalisation or without."""
    torch.manual_seed(seed)
    inputs = case["channels"] * case["size"][0] * case["size"][1]
    sizes = [inputs, *[case["width"]] * case["depth"]]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(sizes):
        layers.append(nn.Linear(before, after))
        layers[-1].weight.data *= 3.0
        layers += [_random_norm(nn.BatchNorm1d(after))] if case["norm"] == "batch" else []
        layers += _activation(case)
    return nn.Sequential(*layers, nn.Linear(sizes[-1], case["classes"]))


def cnn_module(case: Mapping[str, Any], seed: int) -> nn.Module:
    """Convolutions of any mixture, then a head; pooled as often as the image is large enough."""
    torch.manual_seed(seed)
    channels, height, width, layers = case["channels"], *case["size"], []
    for k in range(case["convolutions"]):
        stride = case["stride"] if k == 0 else 1
        layers.append(_unit(case, channels, case["maps"], stride, "plain" if k == 0 else case["blocks"]))
        channels = case["maps"]
        height, width = -(-height // stride), -(-width // stride)
        if case["pooling"] != "none" and min(height, width) >= 4:
            layers.append(POOLS[case["pooling"]](2))
            height, width = height // 2, width // 2
    if case["head"] == "global":
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, case["classes"]))
    values = channels * height * width
    hidden = [nn.Linear(values, 24), nn.ReLU()] if case["head"] == "hidden" else []
    return nn.Sequential(*layers, nn.Flatten(), *hidden, nn.Linear(24 if hidden else values, case["classes"]))


class Joined(nn.Module):
    """Two ways whose outputs are added, or laid side by side."""

    def __init__(self, way: nn.Module, other: nn.Module, after: list[nn.Module], concatenated: bool = False) -> None:
        super().__init__()
        self.way, self.other, self.after = way, other, nn.Sequential(*after)
        self.concatenated = concatenated

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.way(x), self.other(x)
        return self.after(torch.cat([a, b], 1) if self.concatenated else a + b)


def _unit(case: Mapping[str, Any], before: int, after: int, stride: int, kind: str) -> nn.Module:
    """One convolution with what follows it, or a block of two ways."""
    if kind == "parallel":
        half = after // 2
        other = nn.Conv2d(before, after - half, 1, stride)
        return Joined(_convolution(case, before, half, stride), other, _activation(case), concatenated=True)
    way = _convolution(case, before, after, stride)
    if kind == "plain":
        return nn.Sequential(way, *_activation(case))
    other = nn.Identity() if kind == "residual" else nn.Conv2d(before, after, 1, stride)
    return Joined(way, other, _activation(case))


def _convolution(case: Mapping[str, Any], before: int, after: int, stride: int) -> nn.Module:
    size, parts = case["kernel"], []
    if case["groups"] == "depthwise" and after % before == 0 and before > 1:
        parts.append(nn.Conv2d(before, before, size, stride, size // 2, groups=before))
        parts.append(nn.Conv2d(before, after, 1))
    else:
        parts.append(nn.Conv2d(before, after, size, stride, size // 2))
    norm = NORMS[case["norm"]]
    return nn.Sequential(*parts, *([_random_norm(norm(after))] if norm else []))


def _activation(case: Mapping[str, Any]) -> list[nn.Module]:
    return [] if case["activation"] == "none" else [getattr(nn, case["activation"])()]


def _random_norm(norm: nn.Module) -> nn.Module:
    """Scale, shift and statistics as after some training: those of a new layer change nothing."""
    norm.weight.data.uniform_(0.5, 1.5)
    norm.bias.data.uniform_(-0.5, 0.5)
    if getattr(norm, "running_var", None) is not None:
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.5, 2.0)
    return norm

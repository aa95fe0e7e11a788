"""Networks as people write them, for the tests of traces and of own models."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def tanh_mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.Tanh(), nn.Linear(12, 10))


class SkipCNN(nn.Module):
    """A skip connection, one ReLU object among several layers, global average pooling."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 8, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        x = self.relu(self.body(x) + x)
        return self.head(self.pool(x).flatten(1))


class Functional(nn.Module):
    """Function calls only: no layer but bare parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = nn.Parameter(torch.randn(4, 1, 3, 3) / 3)
        self.dense = nn.Parameter(torch.randn(10, 8) / 3)
        self.offset = nn.Parameter(torch.randn(10))

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(F.conv2d(x, self.kernels, padding=1))
        b = F.max_pool2d(a, 2)
        c = torch.cat([b.mean((2, 3)), F.adaptive_avg_pool2d(b, 1).view(b.size(0), -1)], 1)
        return F.linear(c.sigmoid(), self.dense, self.offset)


class InPlace(nn.Module):
    """Overwrites what it computed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.hidden = nn.Linear(4 * 26 * 26, 6)
        self.output = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x += 1
        x = self.relu(x)
        x = self.hidden(x.view(-1, 4 * 26 * 26))
        return self.output(F.relu(x.mul_(2), inplace=True))


class Branching(nn.Module):
    """Which layer runs, and how often, depends on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.dark = nn.Linear(784, 16)
        self.bright = nn.Linear(784, 16)
        self.again = nn.Linear(16, 16)
        self.output = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        bright = x.mean() > 0.5
        x = torch.relu((self.bright if bright else self.dark)(x.flatten(1)))
        for _ in range(2 if bright else 1):
            x = self.again(x).tanh()
        return self.output(x)


class TwoImages(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).flatten(1)[:, :10]


def resnet(classes: int = 10) -> nn.Module:
    from torchvision.models import resnet18

    return resnet18(num_classes=classes)

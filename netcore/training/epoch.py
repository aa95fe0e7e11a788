"""One training epoch, and loss and accuracy of a split."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.models.device import autocast_context, has_convolution
from netcore.tracing.batch_inference import batch_logits
from netcore.training.augmentation import random_affine
from netcore.training.recipes import Recipe
from netcore.training.seeds import cpu_generator, derive_seed

MAX_FLOAT_PIXELS = {"cpu": 1 << 22, "mps": 1 << 24, "cuda": 1 << 27}  # pixels that become floats at a time
SYNC_SECONDS = 0.2  # seconds between two looks at the losses: each look waits for the device

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


class TrainingDiverged(NetcoreError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class DeviceDataset:
    """A data set on the device: images uint8 (N, C, H, W), labels int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Number of batches; a last batch of a single image is left out, since batch norm cannot use it."""
    return max(1, images // batch_size + (images % batch_size > 1))


def iter_batches(data: DeviceDataset, recipe: Recipe, epoch: int, channels_last: bool) -> Batches:
    """Give the epoch's batches: float (B, C, H, W) in [0, 1], and labels (B,)."""
    order = torch.randperm(len(data), generator=cpu_generator(recipe.seed, epoch, "order"))
    order = order[: steps_per_epoch(len(data), recipe.batch_size) * recipe.batch_size].to(data.images.device)
    draw = cpu_generator(recipe.seed, epoch, "augment")
    fits = MAX_FLOAT_PIXELS[data.images.device.type] // data.images[0].numel()
    for chosen in order.split(max(1, fits // recipe.batch_size) * recipe.batch_size):
        images = data.images[chosen].float().div_(255)
        if recipe.augment:
            images = random_affine(images, recipe.augment, draw)
        if channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        yield from zip(images.split(recipe.batch_size), data.labels[chosen].split(recipe.batch_size), strict=True)


@dataclass(frozen=True)
class EpochResult:
    """What one epoch gave: the loss of each step, and mean loss and accuracy over its images (as they were seen)."""

    losses: np.ndarray
    loss: float
    accuracy: float


def train_epoch(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: DeviceDataset,
    recipe: Recipe,
    epoch: int,
    rate: Callable[[int], float],
    after_step: Callable[[int, list[torch.Tensor]], None],
) -> EpochResult:
    """Train for one epoch.

    Parameters
    ----------
    rate : callable
        Learning rate of step `i` of this epoch, from 0.
    after_step : callable
        Called with the number of steps done and the losses so far, as tensors that wait on the device.

    Raises
    ------
    Diverged
        If a loss is NaN or infinite; the message tells the step.
    """
    module.train()
    torch.manual_seed(derive_seed(recipe.seed, epoch, "dropout"))
    half = autocast_context(module, data.images.device)
    losses: list[torch.Tensor] = []
    right: list[torch.Tensor] = []
    sizes: list[int] = []
    for i, (images, labels) in enumerate(iter_batches(data, recipe, epoch, has_convolution(module))):
        for group in optimizer.param_groups:
            group["lr"] = rate(i)
        optimizer.zero_grad()
        with half:
            logits = module(images)
        loss = F.cross_entropy(logits.float(), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        right.append(logits.detach().argmax(1) == labels)
        sizes.append(len(labels))
        after_step(i + 1, losses)
    each = torch.stack(losses).cpu().numpy()
    check_finite(each, (epoch - 1) * len(each))
    weights = np.array(sizes)
    accuracy = torch.cat(right).float().mean().item()
    return EpochResult(each, float((each * weights).sum() / weights.sum()), accuracy)


def check_finite(losses: np.ndarray, steps_before: int) -> None:
    """Raise `Diverged` at the first loss that is no number."""
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise TrainingDiverged(f"the loss became {losses[bad[0]]} at step {steps_before + bad[0] + 1:,}")


def loss_and_accuracy(module: nn.Module, data: DeviceDataset) -> tuple[float, float]:
    """Mean cross-entropy in nats, and accuracy, in evaluation mode."""
    module.eval()
    logits = batch_logits(module, data.images)
    loss = F.cross_entropy(logits, data.labels).item()
    return (loss if math.isfinite(loss) else math.nan), (logits.argmax(1) == data.labels).float().mean().item()

"""Train for one epoch, and compute loss and accuracy of a split."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.models.device import autocast_context, has_convolution
from netcore.tracing.batch_inference import batch_logits
from netcore.training.augmentation import random_affine
from netcore.training.recipes import Recipe
from netcore.training.seeds import cpu_generator, derive_seed

MAX_FLOAT_PIXELS = {"cpu": 1 << 22, "mps": 1 << 24, "cuda": 1 << 27}  # limits the memory of the float copy
SYNC_SECONDS = 0.2  # between two transfers of losses, each of which waits for the device

COUNTED_STEPS = 50  # whose answers are compared with the labels at once

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


class TrainingDiverged(NetcoreError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class DeviceDataset:
    """A data set on a device.

    Attributes
    ----------
    images : Tensor of uint8, shape (N, C, H, W)
    labels : Tensor of int64, shape (N,)
    """

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return the number of batches; a last batch of one image is dropped, since batch norm cannot use it.

    Examples
    --------
    >>> steps_per_epoch(96, 32), steps_per_epoch(97, 32), steps_per_epoch(98, 32)
    (3, 3, 4)
    """
    return max(1, images // batch_size + (images % batch_size > 1))


def iter_batches(data: DeviceDataset, recipe: Recipe, epoch: int, channels_last: bool) -> Batches:
    """Yield the shuffled batches of an epoch: images float (B, C, H, W) in [0, 1], and labels (B,)."""
    order = torch.randperm(len(data), generator=cpu_generator(recipe.seed, epoch, "order"))
    order = order[: steps_per_epoch(len(data), recipe.batch_size) * recipe.batch_size].to(data.images.device)
    draw = cpu_generator(recipe.seed, epoch, "augment")
    max_images = MAX_FLOAT_PIXELS[data.images.device.type] // data.images[0].numel()
    for index in order.split(max(1, max_images // recipe.batch_size) * recipe.batch_size):
        images = data.images[index].float().div_(255)
        if recipe.augment:
            images = random_affine(images, recipe.augment, draw)
        if channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        yield from zip(images.split(recipe.batch_size), data.labels[index].split(recipe.batch_size), strict=True)


@dataclass(frozen=True)
class EpochResult:
    """Losses and accuracy of a training epoch.

    Attributes
    ----------
    step_losses : ndarray of float32, shape (steps,)
    loss, accuracy : float
        Means over the images, each with the weights of its step.
    """

    step_losses: NDArray[np.floating]
    loss: float
    accuracy: float


def train_epoch(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: DeviceDataset,
    recipe: Recipe,
    epoch: int,
    lr_at: Callable[[int], float],
    on_step: Callable[[int, list[torch.Tensor]], None],
) -> EpochResult:
    """Train for one epoch.

    Parameters
    ----------
    module : nn.Module
    optimizer : Optimizer
    data : DeviceDataset
    recipe : Recipe
    epoch : int
        From 1.
    lr_at : callable
        Learning rate by step of this epoch, from 0.
    on_step : callable
        Called with the number of steps done and the losses so far, as tensors on the device.

    Raises
    ------
    TrainingDiverged
        If a loss is NaN or infinite; the message names the step.
    """
    module.train()
    torch.manual_seed(derive_seed(recipe.seed, epoch, "dropout"))
    autocast = autocast_context(module, data.images.device)
    parameters = list(module.parameters())
    losses: list[torch.Tensor] = []
    answers: list[tuple[torch.Tensor, torch.Tensor]] = []  # of the last steps
    correct: list[torch.Tensor] = []
    one = torch.ones((), device=data.images.device)
    for i, (images, labels) in enumerate(iter_batches(data, recipe, epoch, has_convolution(module))):
        for group in optimizer.param_groups:
            group["lr"] = lr_at(i)
        for parameter in parameters:  # `zero_grad` also reports to the profiler, which takes longer than a small layer
            parameter.grad = None
        with autocast:
            logits = module(images)
        loss = F.cross_entropy(logits.float(), labels)
        loss.backward(one)
        optimizer.step()
        losses.append(loss.detach())
        answers.append((logits.detach(), labels))
        if len(answers) == COUNTED_STEPS:
            correct.append(_correct(answers))
        on_step(i + 1, losses)
    step_losses = torch.stack(losses).cpu().numpy()
    check_finite(step_losses, (epoch - 1) * len(step_losses))
    right = torch.cat([*correct, *([_correct(answers)] if answers else [])])
    sizes = np.full(len(losses), recipe.batch_size)  # of the batches; the last may be smaller
    sizes[-1] = len(right) - sizes[:-1].sum()
    return EpochResult(step_losses, float((step_losses * sizes).sum() / sizes.sum()), right.float().mean().item())


def _correct(answers: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Return which of the collected answers are right, and forget them."""
    logits, labels = (torch.cat(parts) for parts in zip(*answers, strict=True))
    answers.clear()
    return logits.argmax(1) == labels


def check_finite(losses: NDArray[np.floating], steps_before: int) -> None:
    """Raise `TrainingDiverged` at the first loss that is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise TrainingDiverged(f"the loss became {losses[bad[0]]} at step {steps_before + bad[0] + 1:,}")


def loss_and_accuracy(module: nn.Module, data: DeviceDataset) -> tuple[float, float]:
    """Compute mean cross-entropy in nats, and accuracy, in evaluation mode."""
    module.eval()
    logits = batch_logits(module, data.images)
    loss = F.cross_entropy(logits, data.labels).item()
    return (loss if math.isfinite(loss) else math.nan), (logits.argmax(1) == data.labels).float().mean().item()

"""One epoch, as fast as small networks allow: all images lie on the device, which is hardly ever waited for."""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from netcore.errors import NetcoreError
from netcore.learn.augment import augmented
from netcore.learn.device import has_convolution, precision
from netcore.learn.recipes import Recipe
from netcore.learn.record import as_logits, output_kind_of
from netcore.run import Run

CHUNK = {"cpu": 1 << 22, "mps": 1 << 24, "cuda": 1 << 27}  # pixels that become floats at a time
INFERENCE_BATCH = 250  # images; more no longer fit the processor's caches
LOOK = 0.2  # seconds between two looks at the losses: each look waits for the device

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


class Diverged(NetcoreError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class Pixels:
    """A data set on the device: images uint8 (N, C, H, W), labels int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)


def tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Put an array on the device; one that may not be written to, as a file's, is copied."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)


def seed_of(seed: int, *words: object) -> int:
    """A seed of its own for each purpose and epoch, so that an epoch depends on no earlier one."""
    text = "/".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def generator(seed: int, *words: object) -> torch.Generator:
    """A generator on the CPU: every device draws the same numbers."""
    return torch.Generator().manual_seed(seed_of(seed, *words))


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Number of batches; a last batch of a single image is left out, since batch norm cannot use it."""
    return max(1, images // batch_size + (images % batch_size > 1))


def batches(data: Pixels, recipe: Recipe, epoch: int, channels_last: bool) -> Batches:
    """Give the epoch's batches: float (B, C, H, W) in [0, 1], and labels (B,)."""
    order = torch.randperm(len(data), generator=generator(recipe.seed, epoch, "order"))
    order = order[: steps_per_epoch(len(data), recipe.batch_size) * recipe.batch_size].to(data.images.device)
    draw = generator(recipe.seed, epoch, "augment")
    fits = CHUNK[data.images.device.type] // data.images[0].numel()
    for chosen in order.split(max(1, fits // recipe.batch_size) * recipe.batch_size):
        images = data.images[chosen].float().div_(255)
        if recipe.augment:
            images = augmented(images, recipe.augment, draw)
        if channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        yield from zip(images.split(recipe.batch_size), data.labels[chosen].split(recipe.batch_size), strict=True)


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave: the loss of each step, and mean loss and accuracy over its images (as they were seen)."""

    losses: np.ndarray
    loss: float
    accuracy: float


def run_epoch(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Pixels,
    recipe: Recipe,
    epoch: int,
    rate: Callable[[int], float],
    after_step: Callable[[int, list[torch.Tensor]], None],
) -> Epoch:
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
    torch.manual_seed(seed_of(recipe.seed, epoch, "dropout"))
    half = precision(module, data.images.device)
    losses: list[torch.Tensor] = []
    right: list[torch.Tensor] = []
    sizes: list[int] = []
    for i, (images, labels) in enumerate(batches(data, recipe, epoch, has_convolution(module))):
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
    check_losses(each, (epoch - 1) * len(each))
    weights = np.array(sizes)
    accuracy = torch.cat(right).float().mean().item()
    return Epoch(each, float((each * weights).sum() / weights.sum()), accuracy)


def check_losses(losses: np.ndarray, steps_before: int) -> None:
    """Raise `Diverged` at the first loss that is no number."""
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise Diverged(f"the loss became {losses[bad[0]]} at step {steps_before + bad[0] + 1:,}")


@torch.inference_mode()
def logits_of(module: nn.Module, images: torch.Tensor, run: Run | None = None) -> torch.Tensor:
    """Raw scores float32 (N, K) of uint8 images (N, C, H, W), in the mode (`train` or `eval`) that the module is in.

    Of a run's network that gives probabilities, they are the logarithms of these.
    They go in as values in [0, 1], or as the run has them, with its mean and standard deviation.
    """
    given = run.info["input"] if run else {}
    mean = torch.tensor(given.get("mean", [0.0]), device=images.device).view(1, -1, 1, 1)
    std = torch.tensor(given.get("std", [1.0]), device=images.device).view(1, -1, 1, 1)
    plain = not mean.any() and bool((std == 1).all())
    layout = torch.channels_last if has_convolution(module) else torch.contiguous_format
    parts = []
    for part in images.split(INFERENCE_BATCH):
        values = part.float().div_(255)
        values = values if plain else (values - mean) / std
        parts.append(module(values.contiguous(memory_format=layout)))
    output = torch.cat(parts)
    return as_logits(output, output_kind_of(module, values[:1])) if run else output.float()


def score(module: nn.Module, data: Pixels) -> tuple[float, float]:
    """Mean cross-entropy in nats, and accuracy, in evaluation mode."""
    module.eval()
    logits = logits_of(module, data.images)
    loss = F.cross_entropy(logits, data.labels).item()
    return (loss if math.isfinite(loss) else math.nan), (logits.argmax(1) == data.labels).float().mean().item()

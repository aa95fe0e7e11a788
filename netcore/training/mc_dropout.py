"""Measure the accuracy of repeated passes with dropout on (Monte Carlo dropout)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from netcore.core.run import Run
from netcore.datasets.base import Dataset
from netcore.models.device import cuda_indices, to_tensor
from netcore.tracing.batch_inference import batch_logits
from netcore.training.seeds import derive_seed

DEFAULT_PASSES = 40  # upper limit of the default
BATCH_SIZE = 1000


def has_dropout(module: nn.Module) -> bool:
    """Whether the network has dropout with a rate above 0."""
    return any(isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0 for m in module.modules())


@torch.inference_mode()
def mc_dropout_accuracy(
    run: Run, module: nn.Module, data: Dataset, passes: int, device: torch.device
) -> dict[str, Any]:
    """Compute the accuracy of passes with dropout on, everything else in evaluation mode.

    What comes before a sequential network's first dropout is computed once. The deviation is that of a sample (n - 1).
    """
    images = to_tensor(data.channels_first, device)
    labels = to_tensor(data.labels, device)
    module.eval()
    plain = (batch_logits(module, images, run).argmax(1) == labels).float().mean().item()
    with torch.random.fork_rng(devices=cuda_indices(device)):
        torch.manual_seed(derive_seed(run.info.get("seed", 0), "stability"))
        right = _correct_with_dropout(run, module, images, labels, passes)
    accuracy = [n / len(data) for n in right]
    deviation = float(np.std(accuracy, ddof=1)) if passes > 1 else None  # not defined for one pass
    return {
        "data": data.name,
        "count": len(data),
        "accuracy": accuracy,
        "without_dropout": plain,
        "mean": float(np.mean(accuracy)),
        "deviation": deviation,
    }


def _correct_with_dropout(
    run: Run, module: nn.Module, images: torch.Tensor, labels: torch.Tensor, passes: int
) -> list[int]:
    """Number of correct predictions of each pass."""
    dropouts = [m for m in module.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    totals = [0] * passes
    try:
        for start in range(0, len(images), BATCH_SIZE):
            batch, truth = images[start : start + BATCH_SIZE], labels[start : start + BATCH_SIZE]
            compute = _random_part(run, module, dropouts, batch)
            for i in range(passes):
                totals[i] += int((_with_dropout(dropouts, compute).argmax(1) == truth).sum())
    finally:
        module.eval()
    return totals


def _random_part(
    run: Run, module: nn.Module, dropouts: Sequence[nn.Module], images: torch.Tensor
) -> Callable[[], torch.Tensor]:
    """What each pass computes: of a sequential network, the layers from its first dropout on."""
    if not isinstance(module, nn.Sequential):
        return partial(batch_logits, module, images, run)
    first = next(i for i, layer in enumerate(module) if layer in dropouts)
    return partial(module[first:], batch_logits(module[:first], images, run))


def _with_dropout(dropouts: Sequence[nn.Module], compute: Callable[[], torch.Tensor]) -> torch.Tensor:
    for dropout in dropouts:
        dropout.train()
    try:
        return compute()
    finally:
        for dropout in dropouts:
            dropout.eval()

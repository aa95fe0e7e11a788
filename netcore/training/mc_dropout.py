"""Accuracy of repeated passes with dropout on (Monte Carlo dropout)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from netcore.core.run import Run
from netcore.datasets.base import Dataset
from netcore.models.device import cuda_indices, to_tensor
from netcore.tracing.batch_inference import batch_logits
from netcore.training.seeds import derive_seed

DEFAULT_PASSES = 40  # with dropout on, at most unless told otherwise


# ---- stability


def has_dropout(module: nn.Module) -> bool:
    """Whether any dropout of the network drops something."""
    return any(isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0 for m in module.modules())


@torch.inference_mode()
def mc_dropout_accuracy(
    run: Run, module: nn.Module, data: Dataset, passes: int, device: torch.device
) -> dict[str, Any]:
    """Accuracy of `passes` passes with dropout on (all else as in evaluation).

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
    deviation = float(np.std(accuracy, ddof=1)) if passes > 1 else None  # one pass tells of no spread
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
    drops = [m for m in module.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    head, tail = module, nn.Identity()
    if isinstance(module, nn.Sequential):
        first = next(i for i, m in enumerate(module) if m in drops)
        head, tail = module[:first], module[first:]
    totals = [0] * passes
    try:
        for start in range(0, len(images), 1000):
            part, truth = images[start : start + 1000], labels[start : start + 1000]
            if head is module:  # no place to split it at: all of it, each time
                answers = (_dropping(drops, lambda part=part: batch_logits(module, part, run)) for _ in range(passes))
            else:
                before = batch_logits(head, part, run)
                answers = (_dropping(drops, lambda before=before: tail(before)) for _ in range(passes))
            for i, logits in enumerate(answers):
                totals[i] += int((logits.argmax(1) == truth).sum())
    finally:
        module.eval()
    return totals


def _dropping(drops: list[nn.Module], compute: Callable[[], torch.Tensor]) -> torch.Tensor:
    for drop in drops:
        drop.train()
    try:
        return compute()
    finally:
        for drop in drops:
            drop.eval()

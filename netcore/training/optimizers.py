"""Optimisers by name."""

import torch
from torch import nn

from netcore.training.recipes import Recipe


def make_optimizer(recipe: Recipe, module: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """Build the recipe's optimiser, all parameters in one fused call where the device has it."""
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[recipe.optimizer](
        module.parameters(), lr=recipe.learning_rate, fused=True if device.type in ("cpu", "cuda") else None
    )

"""Save and load the state of a training after an epoch."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write

NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    """Save the state after `epoch` epochs, atomically."""
    state = {"epoch": epoch, "model": module.state_dict(), "optimizer": optimizer.state_dict()}
    with atomic_write(folder / NAME) as partial, partial.open("wb") as stream:
        torch.save(state, stream)


def load_checkpoint(folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> int:
    """Load a saved state into module and optimiser, without unpickling objects.

    Returns
    -------
    int
        Number of epochs done.

    Raises
    ------
    NetcoreError
        If the folder has no checkpoint, or it is damaged.
    """
    path = folder / NAME
    if path.exists() and not path.is_file():
        raise NetcoreError(f"{path} is not a regular file: train without --resume")
    try:
        with warnings.catch_warnings(action="ignore"):  # about the format of what is refused next
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        module.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if type(state["epoch"]) is not int or state["epoch"] < 0:
            raise ValueError("it has no epoch")
        return int(state["epoch"])
    except FileNotFoundError:
        raise NetcoreError(f"{folder} has no checkpoint to resume from: train without --resume") from None
    except Exception as error:  # what a damaged archive, or one of something else, makes PyTorch raise
        raise NetcoreError(
            f"{path} is damaged: train without --resume ({' '.join(str(error).split())[:80] or type(error).__name__})"
        ) from error

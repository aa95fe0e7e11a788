"""Optimisers by name; torch is imported only to make one."""

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}  # name: class of torch.optim


def make_optimizer(
    name: str, parameters: "Iterable[torch.nn.Parameter]", learning_rate: float, device: "torch.device"
) -> "torch.optim.Optimizer":
    """Make an optimiser, fused if its class and the device support it.

    Parameters
    ----------
    name : str
        A key of `OPTIMIZERS`.
    parameters : iterable of torch.nn.Parameter
    learning_rate : float
    device : torch.device
        The parameters' device.
    """
    import torch

    kind = getattr(torch.optim, OPTIMIZERS[name])
    fused = "fused" in inspect.signature(kind).parameters and device.type in ("cpu", "cuda")
    return kind(parameters, lr=learning_rate, **({"fused": True} if fused else {}))

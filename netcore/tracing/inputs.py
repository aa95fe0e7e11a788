"""Prepare a forward pass: normalisation, evaluation mode, one thread."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from netcore.core.errors import NetcoreError


def normalize(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Convert uint8 images (B, C, H, W) to the normalised float32 input of the network.

    Examples
    --------
    >>> normalize(torch.tensor([[[[0, 255]]]]), [0.5], [0.25])
    tensor([[[[-2.,  2.]]]])
    """
    mean_, std_ = (torch.as_tensor(v, dtype=torch.float32, device=pixels.device).view(1, -1, 1, 1) for v in (mean, std))
    return (pixels.float() / 255 - mean_) / std_


def check_single_input(module: nn.Module) -> None:
    """Raise NetcoreError unless the module's `forward` can be called with one image alone."""
    if any(isinstance(m, torch.jit.ScriptModule) for m in module.modules()):
        title = getattr(module, "original_name", type(module).__name__)
        raise NetcoreError(
            f"{title} is a TorchScript module, whose layers cannot be followed: use the nn.Module that it was made of, "
            "and its state_dict()"
        )
    parameters = inspect.signature(module.forward).parameters.values()
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    ]
    if len(needed) > 1:
        raise NetcoreError(
            f"{type(module).__name__} takes {len(needed)} inputs ({', '.join(needed)}); only networks that take one "
            "image can be shown: wrap it in a module that supplies the others"
        )


@contextmanager
def single_thread() -> Iterator[None]:
    """Compute in one thread.

    For a single image a second thread is hardly faster, and on a busy machine much slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Set a module to evaluation mode, and restore the mode of each part."""
    before = [(m, m.training) for m in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training

"""Choose device, precision, memory format and number of threads."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from netcore.core.errors import NetcoreError

DEVICES = ("auto", "cpu", "cuda", "mps")


def select_device(name: str = "auto") -> torch.device:
    """Return a device by name.

    Parameters
    ----------
    name : str
        "cpu", "cuda", "cuda:1", "mps", or "auto": CUDA, else MPS, else the CPU.

    Raises
    ------
    NetcoreError
        If this machine does not have the device.

    Examples
    --------
    >>> select_device("cpu")
    device(type='cpu')
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    kind, _, number = name.partition(":")
    available = {"cpu": True, "cuda": cuda and int(number or 0) < torch.cuda.device_count(), "mps": mps}
    if not available.get(kind, False):
        raise NetcoreError(f"no device '{name}' on this machine: use --device auto")
    return torch.device(name)


def cuda_indices(device: torch.device) -> list[int]:
    """Return the indices of the CUDA devices whose random state a computation on `device` changes."""
    return [device.index or 0] if device.type == "cuda" else []


def device_name(device: torch.device) -> str:
    """Return the GPU's name, or "cpu" with its number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type


def has_convolution(module: nn.Module) -> bool:
    """Whether a network has convolutions, for which channels_last and bfloat16 are faster."""
    return any(isinstance(m, nn.Conv2d) for m in module.modules())


def module_to_device(module: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to a device, in the memory format that is fastest there."""
    memory_format = torch.channels_last if has_convolution(module) else torch.preserve_format
    return module.to(device).to(memory_format=memory_format)


def autocast_context(module: nn.Module, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return the context of the forward pass: bfloat16 for convolutions on a GPU that supports it, else float32."""
    if device.type == "cuda" and has_convolution(module) and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


@contextlib.contextmanager
def thread_limit(module: nn.Module, batch_size: int) -> Iterator[None]:
    """Compute small networks in one thread.

    A second thread makes them no faster, and much slower on a busy machine.
    """
    before = torch.get_num_threads()
    multiplications = batch_size * sum(p.numel() for p in module.parameters())
    is_small = multiplications < 2_000_000 and not has_convolution(module)
    torch.set_num_threads(1 if is_small else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def to_tensor(array: ArrayLike, device: torch.device) -> torch.Tensor:
    """Copy an array to a device; on the CPU, a writable array is shared."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)

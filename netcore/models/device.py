"""Device, precision, memory layout and threads."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from netcore.core.errors import NetcoreError

DEVICES = ("auto", "cpu", "cuda", "mps")


def select_device(name: str = "auto") -> torch.device:
    """Give the device called `name` (``cuda:1`` too); ``auto`` takes CUDA, else MPS, else the CPU.

    Raises
    ------
    NetcoreError
        If the device is not there.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    kind, _, number = name.partition(":")
    there = {"cpu": True, "cuda": cuda and int(number or 0) < torch.cuda.device_count(), "mps": mps}
    if not there.get(kind, False):
        raise NetcoreError(f"no device '{name}' on this machine: use --device auto")
    return torch.device(name)


def cuda_indices(device: torch.device) -> list[int]:
    """Numbers of the CUDA devices whose random state a computation on `device` touches."""
    return [device.index or 0] if device.type == "cuda" else []


def device_name(device: torch.device) -> str:
    """What a table calls it: the GPU's name, or the CPU with its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type


def has_convolution(module: nn.Module) -> bool:
    """Whether channels_last and half precision pay for this network."""
    return any(isinstance(m, nn.Conv2d) for m in module.modules())


def module_to_device(module: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to the device, its kernels in the order that is fastest there."""
    layout = torch.channels_last if has_convolution(module) else torch.preserve_format
    return module.to(device, memory_format=layout)


def autocast_context(module: nn.Module, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Give the context of the forward pass: bfloat16 for convolutions on a GPU that has it, else float32."""
    if device.type == "cuda" and has_convolution(module) and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


@contextlib.contextmanager
def thread_limit(module: nn.Module, batch_size: int) -> Iterator[None]:
    """Compute small networks in one thread: a second gains nothing there, and waits on a busy machine."""
    before = torch.get_num_threads()
    products = batch_size * sum(p.numel() for p in module.parameters())
    small = products < 2_000_000 and not has_convolution(module)
    torch.set_num_threads(1 if small else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def to_tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Put an array on the device; one that may not be written to, as a file's, is copied."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)

"""One seed for each purpose and epoch."""

import hashlib

import torch


def derive_seed(seed: int, *words: object) -> int:
    """A seed of its own for each purpose and epoch, so that an epoch depends on no earlier one."""
    text = "/".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def cpu_generator(seed: int, *words: object) -> torch.Generator:
    """A generator on the CPU: every device draws the same numbers."""
    return torch.Generator().manual_seed(derive_seed(seed, *words))

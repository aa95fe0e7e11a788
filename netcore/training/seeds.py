"""Derive a seed for each purpose and epoch."""

import hashlib

import torch


def derive_seed(seed: int, *words: object) -> int:
    """Derive a seed from words such as epoch and purpose, so that no epoch depends on an earlier one.

    Examples
    --------
    >>> derive_seed(42, 1, "order") == derive_seed(42, 1, "order"), derive_seed(42, 1, "order") == derive_seed(42, 2)
    (True, False)
    """
    text = "/".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def cpu_generator(seed: int, *words: object) -> torch.Generator:
    """Return a seeded generator on the CPU, for the same numbers on every device."""
    return torch.Generator().manual_seed(derive_seed(seed, *words))

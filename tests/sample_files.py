"""Digits as people hand them in: large, dark on light, off the middle, noisy, unevenly lit."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_scan(digit: np.ndarray, path: Path, seed: int = 0, shade: float = 0.25) -> Path:
    """Write a 28×28 digit as a scanned sheet of paper; the file's suffix chooses the format."""
    random = np.random.default_rng(seed)
    side = int(random.integers(180, 320))
    large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC), float) / 255
    ink = np.zeros((500, 620))
    top, left = random.integers(10, 500 - side), random.integers(10, 620 - side)
    ink[top : top + side, left : left + side] = large
    y, x = np.mgrid[0 : 1 : 500 * 1j, 0 : 1 : 620 * 1j]
    paper = 240 - 200 * shade * (0.6 * x + 0.4 * y)
    values = paper * (1 - ink) + 45 * ink + random.normal(0, 4, ink.shape)
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(path)
    return path


def embedded_digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out embedded digits, as many of each class: uint8 (N, 28, 28), labels (N,)."""
    from netcore.datasets.loading import load_dataset

    test = load_dataset("embedded").test
    chosen = np.concatenate([np.flatnonzero(test.labels == c)[: count // 10] for c in range(10)])
    return test.images[chosen], test.labels[chosen]

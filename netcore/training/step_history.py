"""Rows of the history by training step."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

EARLY_STEPS = (1, 3, 10, 30, 100, 300, 1000)  # of the first epoch, with a snapshot each
MAX_LOGGED_STEPS = 400  # rows of the loss by step, approximately


def step_rows(
    losses: NDArray[np.floating], lr_at: Callable[[int], float], before: int, total: int
) -> list[dict[str, Any]]:
    """Return the rows of one epoch, each with the mean loss since the last row.

    Parameters
    ----------
    losses : ndarray, shape (steps,)
        Of this epoch.
    lr_at : callable
        Learning rate by step of the epoch, from 0.
    before : int
        Steps of the epochs before.
    total : int
        Steps of the whole training.
    """
    every = max(1, total // MAX_LOGGED_STEPS)
    ends = [i for i in range(1, len(losses) + 1) if (before + i) % every == 0 or before + i in EARLY_STEPS]
    rows, start = [], 0
    for end in ends:
        mean = float(losses[start:end].mean())
        rows.append({"step": before + end, "loss": mean, "learning_rate": lr_at(end - 1)})
        start = end
    return rows

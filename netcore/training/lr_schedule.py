"""Learning rates as pure functions, so that resuming needs no state but the history."""

import math
from collections.abc import Sequence

SCHEDULES = ("constant", "plateau", "cosine", "onecycle")
WARM_UP, START, END = 0.3, 25.0, 1e4  # onecycle: share of steps rising; peak/START at first, peak/START/END at last


def learning_rate(schedule: str, peak: float, step: int, total: int, losses: Sequence[float] = ()) -> float:
    """Give the rate for optimiser step `step` (from 0) of `total`.

    Parameters
    ----------
    schedule : str
        ``constant``; ``plateau``: halved after 4 epochs without a better held-out loss (factor 0.5, patience 3);
        ``cosine``: from `peak` to 0; ``onecycle``: up to `peak` and down again (Smith and Topin, arXiv 1708.07120).
    peak : float
        The recipe's learning rate.
    losses : sequence of float
        Held-out loss of each epoch so far; `plateau` alone looks at it.
    """
    if schedule == "cosine":
        return _between(peak, 0.0, step / total)
    if schedule == "onecycle":
        rising = max(WARM_UP * total - 1, 1e-9)
        if step <= rising:
            return _between(peak / START, peak, step / rising)
        return _between(peak, peak / START / END, (step - rising) / max(total - 1 - rising, 1e-9))
    if schedule == "plateau":
        return _plateau(peak, losses)
    return peak


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine wave from `start` (share 0) to `end` (share 1)."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _plateau(rate: float, losses: Sequence[float], factor: float = 0.5, patience: int = 3) -> float:
    best, waited = math.inf, 0
    for loss in losses:
        if loss < best * (1 - 1e-4):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > patience:
            rate, waited = rate * factor, 0
    return rate

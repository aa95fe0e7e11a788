"""Learning-rate schedules as pure functions: resuming needs no state but the history."""

import math
from collections.abc import Sequence

SCHEDULES = ("constant", "plateau", "cosine", "onecycle")
CHANGES_BY_STEP = ("cosine", "onecycle")  # the others keep their rate for an epoch
# onecycle, with the defaults of torch.optim.lr_scheduler.OneCycleLR
WARM_UP_SHARE = 0.3  # of the steps
START_DIVISOR = 25.0  # first rate: peak / START_DIVISOR
END_DIVISOR = 1e4  # last rate: peak / START_DIVISOR / END_DIVISOR


def learning_rate(schedule: str, peak: float, step: int, total: int, losses: Sequence[float] = ()) -> float:
    """Return the learning rate of an optimiser step.

    Parameters
    ----------
    schedule : {"constant", "plateau", "cosine", "onecycle"}
        "plateau": halved after 4 epochs without a lower held-out loss; "cosine": from `peak` to 0; "onecycle": up to
        `peak` and down again (Smith and Topin, arXiv 1708.07120).
    peak : float
        The recipe's learning rate.
    step : int
        From 0.
    total : int
        Number of steps.
    losses : sequence of float
        Held-out loss of each epoch so far, for "plateau".

    Examples
    --------
    >>> [round(learning_rate("cosine", 0.1, step, 4), 3) for step in range(5)]
    [0.1, 0.085, 0.05, 0.015, 0.0]
    """
    if schedule == "cosine":
        return _cosine(peak, 0.0, step / total)
    if schedule == "onecycle":
        rising = max(WARM_UP_SHARE * total - 1, 1e-9)
        if step <= rising:
            return _cosine(peak / START_DIVISOR, peak, step / rising)
        return _cosine(peak, peak / START_DIVISOR / END_DIVISOR, (step - rising) / max(total - 1 - rising, 1e-9))
    if schedule == "plateau":
        return _plateau(peak, losses)
    return peak


def _cosine(start: float, end: float, share: float) -> float:
    """Half a cosine wave from `start` at share 0 to `end` at share 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _plateau(rate: float, losses: Sequence[float], factor: float = 0.5, patience: int = 3) -> float:
    best, bad_epochs = math.inf, 0
    for loss in losses:
        if loss < best * (1 - 1e-4):
            best, bad_epochs = loss, 0
        else:
            bad_epochs += 1
        if bad_epochs > patience:
            rate, bad_epochs = rate * factor, 0
    return rate

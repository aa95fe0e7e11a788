"""Which snapshot is best, by the history as it grows."""

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
CRITERIA = (("val_accuracy", 1), ("val_loss", -1), ("train_accuracy", 1), ("train_loss", -1))  # the best known first


class BestSnapshot:
    """The step of the snapshot with the highest score, of equal ones the first.

    Parameters
    ----------
    score : callable
        Score of a row of the history, None without one; scores are compared.

    Attributes
    ----------
    step : int or None
        None before a row with a score.
    """

    def __init__(self, score: Callable[[Row], Any]) -> None:
        self._score, self._highest = score, None
        self.step: int | None = None

    def add(self, row: Row) -> None:
        """Consider the row of a snapshot."""
        score = self._score(row)
        if score is not None and (self._highest is None or score > self._highest):
            self._highest, self.step = score, row["step"]


def trained_score(row: Row) -> tuple[float, float]:
    """Score by held-out accuracy, then by held-out loss."""
    return row["val_accuracy"], -row["val_loss"]


def recorded_score(row: Row) -> tuple[int, float] | None:
    """Score by held-out accuracy, else held-out loss, training accuracy, training loss: rows with a better one win."""
    known = ((-rank, sign * row[key]) for rank, (key, sign) in enumerate(CRITERIA) if key in row)
    return next(known, None)

"""Places of training steps on an axis."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import format_number
from netcore.core.run import Snapshot

MOST_TICKS = 5
CROWDED = 0.02  # of the axis: if it holds the first five snapshots, the axis is logarithmic


class TimeAxis:
    """Places of training steps on an axis, in [0, 1].

    Parameters
    ----------
    snapshots : sequence of Snapshot
        The axis ends with the last.
    log : bool, optional
        Whether it is logarithmic; default: if `CROWDED` of it would hold the first five snapshots.

    Attributes
    ----------
    times : ndarray, shape (T,)
        Places of the snapshots.
    labels : list of str
        Names of the snapshots, in epochs if the last one ends an epoch: ``"epoch 0.48"``.
    """

    def __init__(self, snapshots: Sequence[Snapshot], log: bool | None = None) -> None:
        steps = np.array([s.step for s in snapshots], dtype=float)
        self.steps = steps
        self.first, self.last = float(steps[0]), max(float(steps[-1]), float(steps[0]) + 1)
        linear = (steps - self.first) / (self.last - self.first)
        self.is_log = len(steps) > 5 and bool(linear[4] < CROWDED) if log is None else log
        self.times = self.places(steps)
        epochs = np.array([s.epoch for s in snapshots], dtype=float)
        self.by_epoch = snapshots[-1].label.startswith("epoch ") and bool((np.diff(epochs) > 0).all())
        self.unit = "epoch" if self.by_epoch else "step"
        self._units = epochs if self.by_epoch else steps
        self.labels = [
            f"epoch {format_number(s.epoch)}" if self.by_epoch and s.label.startswith("step ") else s.label
            for s in snapshots
        ]

    def places(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Return the places of training steps."""
        at = np.clip(np.asarray(steps, dtype=np.float64), self.first, self.last) - self.first
        places: NDArray[np.float64] = at / (self.last - self.first)
        if self.is_log:
            places = np.log1p(at) / np.log1p(self.last - self.first)
        return places

    @property
    def ends(self) -> tuple[str, str]:
        """Names of both ends: ``("epoch 0", "300")``, the first with the unit."""
        names = [f"{n:,g}" for n in (self._units[0], self._units[-1])]
        plain = all(label.split(" ")[0] in ("untrained", "epoch", "step") for label in self.labels)
        first, last = (f"{self.unit} {names[0]}", names[1]) if plain else (self.labels[0], self.labels[-1])
        return first, last + (" (logarithmic)" if self.is_log else "")

    def ticks(self, most: int = MOST_TICKS) -> dict[float, str]:
        """Return round numbers of epochs, or of training steps, between the ends, by their place.

        Parameters
        ----------
        most : int
            Maximum number.
        """
        first, last = float(self._units[0]), float(self._units[-1])
        if self.is_log:
            top = int(np.ceil(np.log10(last))) - 1  # the power of ten below the end
            numbers = [10.0**power for power in range(top - most + 1, top + 1)]
        else:
            least = (last - first) / (most + 1)
            power = 10.0 ** np.floor(np.log10(least))
            gap = max(1.0, next(f * power for f in (1, 2, 5, 10) if f * power >= least))
            numbers = list(np.arange(np.ceil(first / gap), last / gap) * gap)
        inside = [n for n in numbers if first < n < last]
        places = self.places(np.interp(inside, self._units, self.steps)).tolist()
        return {place: format_number(n, 1) for place, n in zip(places, inside, strict=True)}

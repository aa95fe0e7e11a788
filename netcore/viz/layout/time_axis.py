"""Places of training steps on an axis."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.run import Snapshot

CROWDED = 0.02  # of the axis: if it holds the first five snapshots, the axis is logarithmic


class TimeAxis:
    """Places of training steps on an axis, in [0, 1].

    Parameters
    ----------
    snapshots : sequence of Snapshot
        The axis ends with the last.
    """

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        steps = np.array([s.step for s in snapshots], dtype=float)
        self.steps = steps
        self.first, self.last = float(steps[0]), max(float(steps[-1]), float(steps[0]) + 1)
        linear = (steps - self.first) / (self.last - self.first)
        self.is_log = len(steps) > 5 and bool(linear[4] < CROWDED)
        self.times = self.places(steps)
        self.labels = [s.label for s in snapshots]

    def places(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Return the places of training steps."""
        at = np.clip(np.asarray(steps, dtype=np.float64), self.first, self.last) - self.first
        places: NDArray[np.float64] = at / (self.last - self.first)
        if self.is_log:
            places = np.log1p(at) / np.log1p(self.last - self.first)
        return places

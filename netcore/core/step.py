"""Steps of a film: what a viewer can stop at."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One idea of a film; its times count from the start of the clip.

    Attributes
    ----------
    name : str
        Unique in its film: lower-case words with hyphens.
    caption : str
        Text at the foot of the frame.
    notes : str
        Longer text for speakers and screen readers; "" if there is none.
    start, settled, end : int
        In frames: its first frame, the first frame of its final picture, and the first frame after it.
    """

    name: str
    caption: str
    notes: str
    start: int
    settled: int
    end: int

    def row(self, fps: float) -> dict[str, Any]:
        """Plain values with times in seconds, as the sidecar has them."""
        times = {key: round(getattr(self, key) / fps, 3) for key in ("start", "settled", "end")}
        return {**asdict(self), **times}


def key_frames(steps: Iterable[Step]) -> frozenset[int]:
    """Return the frames at which players stop or seek: each step's first, and the first of its final picture."""
    return frozenset(frame for step in steps for frame in (step.start, step.settled))

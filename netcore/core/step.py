"""Steps of a film: what a viewer can stop at."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name


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


def select_steps(steps: Sequence[Step], words: str) -> tuple[int, int]:
    """Return the first and last of the chosen steps, counted from 0.

    Parameters
    ----------
    steps : sequence of Step
        All steps of a film.
    words : str
        Numbers from 1 or names: ``4``, ``3-5``, ``relu``; "" for all.

    Raises
    ------
    NetcoreError
        If there is no such step.

    Examples
    --------
    >>> three = [Step(name, name, "", k, k + 1, k + 1) for k, name in enumerate(("input", "relu", "softmax"))]
    >>> select_steps(three, "2-3"), select_steps(three, "relu"), select_steps(three, "")
    ((1, 2), (1, 1), (0, 2))
    """
    count = len(steps)
    if not words:
        return 0, count - 1
    if numbers := re.fullmatch(r"(\d+)(?:\s*-\s*(\d+))?", words):
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if not 1 <= first <= last <= count:
            raise NetcoreError(f"--steps must be within 1-{count}, the film's steps, got {words}")
        return first - 1, last - 1
    names = [step.name for step in steps]
    if words not in names:
        raise unknown_name("step", words, names)
    return names.index(words), names.index(words)


def cut_steps(steps: Sequence[Step], first: int, last: int) -> tuple[Step, ...]:
    """Return the steps `first` to `last`, their times counted from the first one's start."""
    chosen = steps[first : last + 1]
    origin = chosen[0].start if chosen else 0
    return tuple(replace(s, start=s.start - origin, settled=s.settled - origin, end=s.end - origin) for s in chosen)

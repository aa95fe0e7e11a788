"""Base classes of the writers of formats."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netcore.core.step import Step
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.viz.theme import DARK, Theme

Frame = NDArray[np.uint8]  # (H, W, 3), or (H, W, 4) with straight alpha if the clip is transparent


class TooLargeError(Exception):
    """A file cannot become small enough; the argument is its estimated size in bytes."""


@dataclass(frozen=True)
class Clip:
    """Size, rate and texts of the clip being written, and its frames so far.

    Attributes
    ----------
    height, width : int
        Pixels.
    fps : float
        Frames per second.
    frames : FrameBuffer
        Filled while the clip is drawn if a writer is `buffered`, complete when the writers finish.
    steps : tuple of Step
        What viewers can stop at; empty if it has none.
    theme : Theme
    title : str
        Title of the scene.
    description : str
        What can be seen, as text.
    transparent : bool
        Whether frames have an alpha channel.
    budget_bytes : float
        Size that is aimed at by fewer colours or less detail.
    max_bytes : float
        Size above which a file cannot become small enough by further attempts.
    """

    height: int
    width: int
    fps: float
    frames: FrameBuffer = field(default_factory=FrameBuffer)
    steps: tuple[Step, ...] = ()
    theme: Theme = DARK
    title: str = ""
    description: str = ""
    transparent: bool = False
    budget_bytes: float = float("inf")
    max_bytes: float = float("inf")

    def check_size(self, size: int, share: float = 1.0) -> None:
        """Give up on a file that has `size` bytes after `share` of its frames if that is too much.

        Raises
        ------
        TooLargeError
            If it is.
        """
        if size > self.max_bytes:
            raise TooLargeError(size / share)

    def steps_of(self, frames: int) -> tuple[Step, ...]:
        """Return the steps; of a clip without any, one of all its frames."""
        return self.steps or (Step("clip", self.title, "", 0, frames - 1, frames),)


class FrameWriter:
    """Write one file of a clip.

    Parameters
    ----------
    path : Path
        File to write; it exists and is empty.
    clip : Clip
    """

    size: tuple[int, int] | None = None  # width and height in pixels; None: those of the frames
    buffered = False  # whether it reads `clip.frames` when it finishes

    def __init__(self, path: Path, clip: Clip) -> None:
        self.path, self.clip = path, clip

    def add(self, rgb: Frame, repeat: int) -> None:
        """Take the next distinct frame, uint8 (H, W, 3), shown `repeat` times."""

    def finish(self) -> Iterator[None]:
        """Write the file once per turn, each time smaller and less exact than before."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what is open, however far the file is."""


class StillWriter(FrameWriter):
    """Write the last frame by ``save(path, rgb)``."""

    def __init__(self, path: Path, clip: Clip, save: Callable[[Path, Frame], None]) -> None:
        super().__init__(path, clip)
        self._save = save

    def add(self, rgb: Frame, repeat: int) -> None:
        """Keep the last frame."""
        self._last = rgb

    def finish(self) -> Iterator[None]:
        """Save the last frame."""
        yield self._save(self.path, self._last)


class BufferedWriter(FrameWriter):
    """Write all frames by the first of ``attempts(path, clip)`` whose file is small enough."""

    buffered = True

    def __init__(self, path: Path, clip: Clip, attempts: Sequence[Callable[[Path, Clip], None]]) -> None:
        super().__init__(path, clip)
        self._attempts = attempts

    def finish(self) -> Iterator[None]:
        """Write the file with each function in turn."""
        for attempt in self._attempts:
            yield attempt(self.path, self.clip)

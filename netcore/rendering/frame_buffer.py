"""Buffer the distinct frames of a clip in memory."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np


class EncodingCancelled(Exception):
    """The clip was cancelled while it was being encoded."""


@dataclass(frozen=True)
class Patch:
    """The pixels that changed from one frame to the next, and those within the same rectangle.

    Attributes
    ----------
    top, left : int
        Row and column of its first pixel.
    pixels : ndarray
        uint8 (h, w, 3) or (h, w, 4).
    """

    top: int
    left: int
    pixels: np.ndarray

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns in the frame."""
        height, width = self.pixels.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def changed_patch(before: np.ndarray | None, frame: np.ndarray) -> Patch:
    """Return what of `frame`, uint8 (H, W, C), differs from the frame `before`; of the first all."""
    if before is None:
        return Patch(0, 0, frame)
    height, _, channels = frame.shape
    differs = frame.reshape(height, -1) != before.reshape(height, -1)
    rows = np.flatnonzero(differs.any(axis=1))
    if not len(rows):
        return Patch(0, 0, frame[:0, :0])
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(differs[top:bottom].any(axis=0)) // channels
    left, right = int(columns[0]), int(columns[-1]) + 1
    return Patch(top, left, frame[top:bottom, left:right])


@dataclass
class FrameBuffer:
    """Frames in order with their repeats. Arrays that were added must not be changed afterwards.

    Of each frame the patch that differs from the frame before is stored, with lossless compression: a minute of a film
    takes about as much memory as its file.

    Attributes
    ----------
    repeats : list of int
        For how many frames each is shown.
    cancelled : bool
        Whether reading stops with `EncodingCancelled`.
    last : ndarray or None
        The newest frame.
    newest : Patch or None
        What it changed.
    """

    repeats: list[int] = field(default_factory=list)
    cancelled: bool = False
    last: np.ndarray | None = None
    newest: Patch | None = None
    _patches: list[tuple[int, int, tuple[int, ...], bytes]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.repeats)

    @property
    def frames(self) -> int:
        """Number of frames shown, repeats included."""
        return sum(self.repeats)

    @property
    def starts(self) -> list[int]:
        """Start of each frame, in frames."""
        return [0, *np.cumsum(self.repeats)[:-1].tolist()]

    def add(self, frame: np.ndarray, repeat: int) -> None:
        """Append uint8 (H, W, 3) or (H, W, 4), shown for `repeat` frames."""
        self.newest = patch = changed_patch(self.last, frame)
        packed = zlib.compress(np.ascontiguousarray(patch.pixels).data, 1)
        self._patches.append((patch.top, patch.left, patch.pixels.shape, packed))
        self.last = frame
        self.repeats.append(repeat)

    def patches(self) -> Iterator[Patch]:
        """Yield what changed with each distinct frame; the first is a whole frame.

        Raises
        ------
        EncodingCancelled
            If `cancelled` was set meanwhile.
        """
        for top, left, shape, packed in self._patches:
            if self.cancelled:
                raise EncodingCancelled
            yield Patch(top, left, np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield each distinct frame, uint8 (H, W, 3) or (H, W, 4), once; no array is changed after it was yielded."""
        shown: np.ndarray | None = None
        for patch in self.patches():
            shown = np.empty_like(patch.pixels) if shown is None else shown.copy()
            shown[patch.slices] = patch.pixels
            yield shown

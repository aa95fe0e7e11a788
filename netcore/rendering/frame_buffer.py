"""The distinct frames of a clip, kept in memory for encoders that need them all before they can begin."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

RAW_BYTES = 256_000_000  # frames are kept as they are up to this; beyond it their changed rows, compressed


class EncodingCancelled(Exception):
    """The clip was given up while it was being encoded."""


@dataclass
class FrameBuffer:
    """Frames in order, each with the time it stands. The arrays handed in must not be changed afterwards.

    A frame costs nothing but its memory until `limit` bytes are held; from then on only the rows that differ from the
    frame before are kept, compressed without loss, so that a long clip in 4K does not fill the machine.
    """

    limit: int = RAW_BYTES
    repeats: list[int] = field(default_factory=list)
    cancelled: bool = False
    last: np.ndarray | None = None
    _frames: list[np.ndarray | tuple[int, bytes]] = field(default_factory=list)
    _raw: int = 0

    def __len__(self) -> int:
        return len(self.repeats)

    @property
    def frames(self) -> int:
        """Number of frames shown, repeats included."""
        return sum(self.repeats)

    @property
    def starts(self) -> list[int]:
        """When each frame begins, in frames."""
        return [0, *np.cumsum(self.repeats)[:-1].tolist()]

    def add(self, rgb: np.ndarray, repeat: int) -> None:
        """Append uint8 (H, W, 3), standing for `repeat` frames."""
        if self.last is None or self._raw + rgb.nbytes <= self.limit:
            self._frames.append(rgb)
            self._raw += rgb.nbytes
        else:
            rows = np.flatnonzero((rgb != self.last).any(axis=(1, 2)))
            first, end = (rows[0], rows[-1] + 1) if len(rows) else (0, 0)
            self._frames.append((int(first), zlib.compress(rgb[first:end], 1)))
        self.last = rgb
        self.repeats.append(repeat)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give each distinct frame, uint8 (H, W, 3), once. No array is written to after it was given.

        Raises
        ------
        Cancelled
            If `cancelled` was set meanwhile.
        """
        shown: np.ndarray | None = None
        for frame in self._frames:
            if self.cancelled:
                raise EncodingCancelled
            if isinstance(frame, tuple):
                first, packed = frame
                assert shown is not None
                rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(-1, *shown.shape[1:])
                shown = shown.copy()
                shown[first : first + len(rows)] = rows
            else:
                shown = frame
            yield shown

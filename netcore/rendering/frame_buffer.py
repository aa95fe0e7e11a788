"""Buffer the distinct frames of a clip in memory."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

RAW_BYTES = 256_000_000  # up to this size frames are stored uncompressed, then only their changed rows, compressed


class EncodingCancelled(Exception):
    """The clip was cancelled while it was being encoded."""


@dataclass
class FrameBuffer:
    """Frames in order with their repeats. Arrays that were added must not be changed afterwards.

    Up to `limit` bytes frames are stored as they are. Of later ones only the rows that differ from the frame before are
    stored, with lossless compression, so that a long clip in 4K does not fill the memory.
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
        """Start of each frame, in frames."""
        return [0, *np.cumsum(self.repeats)[:-1].tolist()]

    def add(self, rgb: np.ndarray, repeat: int) -> None:
        """Append uint8 (H, W, 3), shown for `repeat` frames."""
        if self.last is None or self._raw + rgb.nbytes <= self.limit:
            self._frames.append(rgb)
            self._raw += rgb.nbytes
        else:
            rows = np.flatnonzero((rgb != self.last).any(axis=(1, 2)))
            first, end = (rows[0], rows[-1] + 1) if len(rows) else (0, 0)
            self._frames.append((int(first), zlib.compress(np.ascontiguousarray(rgb[first:end]).data, 1)))
        self.last = rgb
        self.repeats.append(repeat)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield each distinct frame, uint8 (H, W, 3), once; no array is changed after it was yielded.

        Raises
        ------
        EncodingCancelled
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

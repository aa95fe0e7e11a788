"""All writers of one clip."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.rendering.formats import EncodedFile, check_formats, get_format
from netcore.rendering.frame_buffer import EncodingCancelled, FrameBuffer
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter


class FrameEncoder:
    """Takes frames in order, at `fps`; identical ones become one, the last stands for `hold` seconds at least."""

    def __init__(self, paths: Mapping[str, Path], fps: float, max_mb: float | None, hold: float) -> None:
        self.paths, self.fps, self.max_mb = dict(paths), fps, max_mb
        self._hold = round(hold * fps)
        self._buffer = FrameBuffer()
        self._writers: dict[str, FrameWriter] = {}
        self._shape: tuple[int, ...] | None = None
        self._waiting: tuple[Frame, int] | None = None  # the newest frame: may be repeated, may be the last
        self._frames = 0

    @property
    def cancelled(self) -> bool:
        """Whether encoding was cancelled."""
        return self._buffer.cancelled

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._buffer.cancelled = value

    def add(self, rgb: Frame, repeat: int) -> None:
        """Take uint8 (H, W, 3), standing for `repeat` frames."""
        if self._shape is None:
            self._open(rgb.shape)
        if rgb.shape != self._shape or rgb.dtype != np.uint8:
            raise ValueError(f"a frame is {rgb.dtype} {rgb.shape}, the first was uint8 {self._shape}")
        if self._waiting is not None:
            before, count = self._waiting
            if np.array_equal(before, rgb):
                self._waiting = before, count + repeat
                return
            self._pass_on(before, count)
        self._waiting = rgb, repeat

    def finish(self) -> dict[str, EncodedFile]:
        """Write the rest, and return what each file became."""
        if self._waiting is None:
            raise NetcoreError("a clip must have at least one frame, got none")
        last, count = self._waiting
        self._pass_on(last, max(count, self._hold))
        return {name: self._finish(name, path, last) for name, path in self.paths.items()}

    def close(self) -> None:
        """Let go of files and frames."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
        self._buffer = FrameBuffer(cancelled=self.cancelled)

    def _open(self, shape: tuple[int, ...]) -> None:
        height, width, _ = self._shape = shape
        check_formats(self.paths, (width, height), self.fps)
        clip = Clip(height, width, self.fps, self._buffer)
        for name, path in self.paths.items():
            opener = get_format(name).writer
            if opener is None:
                raise ValueError(f"{name} holds no frames")
            self._writers[name] = opener(path, clip)

    def _pass_on(self, rgb: Frame, repeat: int) -> None:
        self._frames += repeat
        if any(writer.buffered for writer in self._writers.values()):
            self._buffer.add(rgb, repeat)
        for writer in self._writers.values():
            if self.cancelled:
                raise EncodingCancelled
            writer.add(rgb, repeat)

    def _finish(self, name: str, path: Path, last: Frame) -> EncodedFile:
        kind, warning = get_format(name), ""
        budget = np.inf if kind.budget_mb is None else (self.max_mb or kind.budget_mb) * 1e6
        for _ in self._writers[name].finish():
            if path.stat().st_size <= budget:
                break
        else:
            warning = kind.size_warning(path.stat().st_size, self.max_mb)
        frames, seconds = (self._frames, self._frames / self.fps) if kind.animated else (1, 0.0)
        height, width = last.shape[:2]
        return EncodedFile(path, frames, seconds, path.stat().st_size, width, height, warning)

"""All writers of one clip."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.rendering.formats import EncodedFile, check_formats, get_format
from netcore.rendering.frame_buffer import EncodingCancelled, FrameBuffer
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter, TooLargeError


class FrameEncoder:
    """Takes the frames of a clip in order; identical ones become one, the last is shown for `hold` seconds at least.

    Parameters
    ----------
    paths : mapping of str to Path
        File by the name of its format.
    clip : Clip
        Its height and width are those of the first frame.
    max_mb : float or None
    hold : float
    """

    def __init__(self, paths: Mapping[str, Path], clip: Clip, max_mb: float | None, hold: float) -> None:
        self.paths, self.clip, self.max_mb = dict(paths), clip, max_mb
        self._hold = round(hold * clip.fps)
        self._buffer = clip.frames
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
        """Take uint8 (H, W, 3) or (H, W, 4), shown for `repeat` frames."""
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

    def finish(self) -> dict[str, EncodedFile | NetcoreError]:
        """Write the rest, and return what each file became: those that are too large an error."""
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
        self.clip = replace(self.clip, frames=self._buffer)

    def _open(self, shape: tuple[int, ...]) -> None:
        height, width, channels = self._shape = shape
        check_formats(self.paths, (width, height), self.clip.fps, channels == 4)
        clip = replace(self.clip, height=height, width=width, transparent=channels == 4)
        for name, path in self.paths.items():
            kind = get_format(name)
            if kind.writer is None:
                raise ValueError(f"{name} holds no frames")
            most, budget = kind.limit_bytes(self.max_mb) / kind.smallest_share, kind.budget_bytes(self.max_mb)
            self._writers[name] = kind.writer(path, replace(clip, max_bytes=most, budget_bytes=budget))

    def _pass_on(self, rgb: Frame, repeat: int) -> None:
        self._frames += repeat
        if any(writer.buffered for writer in self._writers.values()):
            self._buffer.add(rgb, repeat)
        for writer in self._writers.values():
            if self.cancelled:
                raise EncodingCancelled
            writer.add(rgb, repeat)

    def _finish(self, name: str, path: Path, last: Frame) -> EncodedFile | NetcoreError:
        kind, writer, warning = get_format(name), self._writers[name], ""
        try:
            for _ in writer.finish():
                if path.stat().st_size <= writer.clip.budget_bytes:
                    break
                writer.clip.check_size(path.stat().st_size)
            else:
                if path.stat().st_size > kind.limit_bytes(self.max_mb):
                    return kind.size_error(path.stat().st_size, self.max_mb)
                warning = kind.size_warning(path.stat().st_size)
        except TooLargeError as error:
            return kind.size_error(error.args[0], self.max_mb)
        moving = kind.animated and self._frames > 1
        frames, seconds = (self._frames, self._frames / self.clip.fps) if moving else (1, 0.0)
        steps = self.clip.steps if moving else ()
        width, height = self._writers[name].size or (last.shape[1], last.shape[0])
        return EncodedFile(path, frames, seconds, path.stat().st_size, width, height, warning, steps)

"""All encoders of one clip: videos are written frame by frame, images once every frame is known."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.rendering.formats import BUDGET_MB, SIZE_LIMITED, EncodedFile, check_formats, size_warning
from netcore.rendering.formats.apng import write_apng
from netcore.rendering.formats.gif import MAX_COLORS, PaletteBuilder, encode_gif
from netcore.rendering.formats.png import write_poster
from netcore.rendering.formats.webp import write_webp
from netcore.rendering.frame_buffer import EncodingCancelled, FrameBuffer
from netcore.rendering.video_writer import CODECS, VideoWriter


class FrameEncoder:
    """Takes frames in order, at `fps`; identical ones become one, the last stands for `hold` seconds at least."""

    def __init__(self, paths: Mapping[str, Path], fps: float, max_mb: float | None, hold: float) -> None:
        self.paths, self.fps, self.max_mb = dict(paths), fps, max_mb
        self._hold = round(hold * fps)
        self._reel = FrameBuffer()
        self._videos: dict[str, VideoWriter] = {}
        self._palette: PaletteBuilder | None = None
        self._shape: tuple[int, ...] | None = None
        self._waiting: tuple[np.ndarray, int] | None = None  # the newest frame: may be repeated, may be the last
        self._frames = 0

    @property
    def cancelled(self) -> bool:
        return self._reel.cancelled

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._reel.cancelled = value

    def add(self, rgb: np.ndarray, repeat: int) -> None:
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
        """Write what is left to write, and tell of each file."""
        if self._waiting is None:
            raise NetcoreError("a clip must have at least one frame, got none")
        last, count = self._waiting
        self._pass_on(last, max(count, self._hold))
        for video in self._videos.values():
            video.finish()
        return {name: self._finish(name, path, last) for name, path in self.paths.items()}

    def close(self) -> None:
        """Let go of files and frames."""
        for video in self._videos.values():
            video.close()
        self._reel = FrameBuffer(cancelled=self.cancelled)

    def _open(self, shape: tuple[int, ...]) -> None:
        height, width, _ = self._shape = shape
        check_formats(self.paths, (width, height), self.fps)
        if "gif" in self.paths:
            self._palette = PaletteBuilder(height, width)
        for name in CODECS.keys() & self.paths.keys():
            self._videos[name] = VideoWriter(self.paths[name], name, (height, width), self.fps)

    def _pass_on(self, rgb: np.ndarray, repeat: int) -> None:
        self._frames += repeat
        if any(name in self.paths for name in SIZE_LIMITED):
            self._reel.add(rgb, repeat)
        if self._palette:
            self._palette.add(rgb)
        for video in self._videos.values():
            if self.cancelled:
                raise EncodingCancelled
            video.write(rgb, repeat)

    def _finish(self, name: str, path: Path, last: np.ndarray) -> EncodedFile:
        warning = ""
        if name == "png":
            write_poster(path, last)
        elif name in SIZE_LIMITED:
            budget = (self.max_mb or BUDGET_MB) * 1e6
            for _ in self._attempts(name, path):
                if path.stat().st_size <= budget:
                    break
            else:
                warning = size_warning(name, path.stat().st_size, self.max_mb)
        frames, seconds = (1, 0.0) if name == "png" else (self._frames, self._frames / self.fps)
        height, width = last.shape[:2]
        return EncodedFile(path, frames, seconds, path.stat().st_size, width, height, warning)

    def _attempts(self, name: str, path: Path) -> Iterator[None]:
        """Write the file, smaller (and less true) at each turn."""
        if name == "apng":
            yield write_apng(path, self._reel, self.fps)
        elif name == "webp":
            for lossless in (True, False):
                yield write_webp(path, self._reel, self.fps, lossless)
        else:
            for colors in MAX_COLORS:
                yield self._write_gif(path, colors)

    def _write_gif(self, path: Path, colors: int) -> None:
        palette, self._palette = self._palette, None
        if palette is None:  # the one gathered while drawing is used up
            assert self._shape is not None
            palette = PaletteBuilder(*self._shape[:2], colors)
            for rgb in self._reel:
                palette.add(rgb)
        path.write_bytes(encode_gif(self._reel, palette.finish(), int(self.fps)))

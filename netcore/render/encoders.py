"""All encoders of one clip: videos are written frame by frame, images once every frame is known."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from netcore.errors import NetcoreError
from netcore.render.encode import Encoded, check
from netcore.render.gif import COLOURS, Palette, gif_bytes
from netcore.render.images import write_apng, write_poster, write_webp
from netcore.render.reel import Cancelled, Reel
from netcore.render.video import CODECS, VideoWriter

SIZED = ("gif", "webp", "apng")  # what pages embed as images: held to a size
BUDGET_MB, LIMIT_MB = 5.0, 10.0  # GitHub's proxy stops at 5 MB for images from elsewhere, GitHub itself at 10 MB


class Encoders:
    """Takes frames in order, at `fps`; identical ones become one, the last stands for `hold` seconds at least."""

    def __init__(self, paths: Mapping[str, Path], fps: float, max_mb: float | None, hold: float) -> None:
        self.paths, self.fps, self.max_mb = dict(paths), fps, max_mb
        self._hold = round(hold * fps)
        self._reel = Reel()
        self._videos: dict[str, VideoWriter] = {}
        self._palette: Palette | None = None
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

    def finish(self) -> dict[str, Encoded]:
        """Write what is left to write, and tell of each file."""
        if self._waiting is None:
            raise NetcoreError("nothing was drawn: a clip needs at least one frame")
        last, count = self._waiting
        self._pass_on(last, max(count, self._hold))
        for video in self._videos.values():
            video.finish()
        return {name: self._finish(name, path, last) for name, path in self.paths.items()}

    def close(self) -> None:
        """Let go of files and frames."""
        for video in self._videos.values():
            video.close()
        self._reel = Reel(cancelled=self.cancelled)

    def _open(self, shape: tuple[int, ...]) -> None:
        height, width, _ = self._shape = shape
        check(self.paths, (width, height), self.fps)
        if "gif" in self.paths:
            self._palette = Palette(height, width)
        for name in CODECS.keys() & self.paths.keys():
            self._videos[name] = VideoWriter(self.paths[name], name, (height, width), self.fps)

    def _pass_on(self, rgb: np.ndarray, repeat: int) -> None:
        self._frames += repeat
        if any(name in self.paths for name in SIZED):
            self._reel.add(rgb, repeat)
        if self._palette:
            self._palette.add(rgb)
        for video in self._videos.values():
            if self.cancelled:
                raise Cancelled
            video.write(rgb, repeat)

    def _finish(self, name: str, path: Path, last: np.ndarray) -> Encoded:
        warning = ""
        if name == "png":
            write_poster(path, last)
        elif name in SIZED:
            budget = (self.max_mb or BUDGET_MB) * 1e6
            for _ in self._attempts(name, path):
                if path.stat().st_size <= budget:
                    break
            else:
                warning = too_large(name, path.stat().st_size, self.max_mb)
        frames, seconds = (1, 0.0) if name == "png" else (self._frames, self._frames / self.fps)
        height, width = last.shape[:2]
        return Encoded(path, frames, seconds, path.stat().st_size, width, height, warning)

    def _attempts(self, name: str, path: Path) -> Iterator[None]:
        """Write the file, smaller (and less true) at each turn."""
        if name == "apng":
            yield write_apng(path, self._reel, self.fps)
        elif name == "webp":
            for lossless in (True, False):
                yield write_webp(path, self._reel, self.fps, lossless)
        else:
            for colours in COLOURS:
                yield self._write_gif(path, colours)

    def _write_gif(self, path: Path, colours: int) -> None:
        palette, self._palette = self._palette, None
        if palette is None:  # the one gathered while drawing is used up
            assert self._shape is not None
            palette = Palette(*self._shape[:2], colours)
            for rgb in self._reel:
                palette.add(rgb)
        path.write_bytes(gif_bytes(self._reel, palette.finish(), int(self.fps)))


def too_large(name: str, size: int, max_mb: float | None) -> str:
    """Word the warning for a file over its budget.

    Raises
    ------
    NetcoreError
        If `size` bytes are over what was allowed (10 MB where nothing was said).
    """
    limit = max_mb or LIMIT_MB
    way = "choose a smaller --size, a lower --fps or fewer seconds"
    if size > limit * 1e6:
        raise NetcoreError(f"the {name} takes {size / 1e6:.1f} MB, over {limit:g}: {way}, or allow it with --max-mb")
    return f"the {name} takes {size / 1e6:.1f} MB, over the {BUDGET_MB:g} aimed at: {way}"

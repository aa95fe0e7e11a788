"""Frames on their way from Manim to who takes them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from manim.scene.scene_file_writer import SceneFileWriter
from numpy.typing import NDArray

from netcore.viz.colors import drop_alpha, straight_alpha
from netcore.viz.film.pixel_region import WHOLE_FRAME, Region

Sink = Callable[[NDArray[np.uint8], int], None]


class FrameForwarder(SceneFileWriter):
    """Hands frames to a function instead of writing Manim's video files; equal neighbours come as one."""

    def __init__(self, settings: Any, sink: Sink, transparent: bool = False) -> None:
        super().__init__(settings)
        self._sink, self._convert = sink, straight_alpha if transparent else drop_alpha
        self._shown: NDArray[np.uint8] | None = None  # the newest frame as Cairo has it
        self._frame: NDArray[np.uint8] | None = None  # that frame as it is passed to the sink
        self._repeat = 0

    def write_frame(self, pixels: NDArray[Any], *, repeat: int = 1, region: Region = WHOLE_FRAME) -> None:
        """Take RGBA pixels (H, W, 4), shown for `repeat` frames.

        They are not kept, and outside of `region` equal those before.
        """
        part, new = region.slices, np.ascontiguousarray(pixels[region.slices])
        if self._shown is None or self._frame is None:
            self._shown, self._frame = pixels.copy(), self._convert(pixels)
        elif not np.array_equal(self._shown[part].view(np.uint32), new.view(np.uint32)):
            self.flush()
            self._shown[part] = new
            self._frame = self._frame.copy()
            self._frame[part] = self._convert(new)
        self._repeat += repeat

    def flush(self) -> None:
        """Hand on the frame that may still have been repeated."""
        if self._frame is not None and self._repeat:
            self._sink(self._frame, self._repeat)
        self._repeat = 0

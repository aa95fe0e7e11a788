"""Animated WebP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from netcore.rendering.frame_buffer import FrameBuffer

LOSSLESS = {"lossless": True, "quality": 20, "method": 1}
LOSSY = {"quality": 90, "method": 3}
NO_KEY_FRAMES = {"kmin": 0, "kmax": 0}  # Pillow's default, one in 3 to 17 frames, makes a lossless clip 18 % larger


class _RemainingFrames:
    """Frames after the first as one multi-frame image, so that Pillow holds one at a time instead of a list."""

    def __init__(self, images: Iterator[Image.Image], count: int) -> None:
        self._images, self.n_frames = images, count

    def seek(self, frame: int) -> None:
        """Read the next frame: Pillow asks for each once, in order."""
        self._image = next(self._images)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image, name)


def write_webp(path: Path, reel: FrameBuffer, fps: float, lossless: bool = True) -> None:
    """Write frames as an animated WebP that loops for ever."""
    images = map(Image.fromarray, reel)
    first = next(images)
    first.save(
        path,
        format="WEBP",
        save_all=True,
        append_images=[_RemainingFrames(images, len(reel) - 1)] if len(reel) > 1 else [],
        duration=[1000 * count / fps for count in reel.repeats],  # Pillow rounds the sums, so that none drifts
        loop=0,
        **NO_KEY_FRAMES,
        **(LOSSLESS if lossless else LOSSY),
    )

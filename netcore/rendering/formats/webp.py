"""Animated WebP."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.rendering.frame_writer import BufferedWriter

if TYPE_CHECKING:
    from PIL.Image import Image

LOSSLESS = {"lossless": True, "quality": 20, "method": 1}
LOSSY = {"quality": 90, "method": 3}
NO_KEY_FRAMES = {"kmin": 0, "kmax": 0}  # Pillow's default, one in 3 to 17 frames, makes a lossless clip 18 % larger


class _RemainingFrames:
    """Frames after the first as one multi-frame image, so that Pillow holds one at a time instead of a list."""

    def __init__(self, images: "Iterator[Image]", count: int) -> None:
        self._images, self.n_frames = images, count

    def seek(self, frame: int) -> None:
        """Read the next frame: Pillow asks for each once, in order."""
        self._image = next(self._images)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - attributes of the image
        return getattr(self._image, name)


def write_webp(path: Path, frames: FrameBuffer, fps: float, lossless: bool = True) -> None:
    """Write frames as an animated WebP that loops for ever."""
    from PIL import Image

    images = map(Image.fromarray, frames)
    first = next(images)
    first.save(
        path,
        format="WEBP",
        save_all=True,
        append_images=[_RemainingFrames(images, len(frames) - 1)] if len(frames) > 1 else [],
        duration=[1000 * count / fps for count in frames.repeats],  # Pillow rounds the sums, so that none drifts
        loop=0,
        **NO_KEY_FRAMES,
        **(LOSSLESS if lossless else LOSSY),
    )


FORMAT = Format(
    "webp",
    "image/webp",
    animated=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    writer=partial(BufferedWriter, attempts=(write_webp, partial(write_webp, lossless=False))),
)

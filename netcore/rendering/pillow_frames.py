"""Write the frames of a clip with Pillow, one at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcore.rendering.frame_buffer import FrameBuffer

if TYPE_CHECKING:
    from PIL.Image import Image


class _RemainingFrames:
    """Frames after the first as one multi-frame image, so that Pillow holds one at a time instead of a list."""

    def __init__(self, images: "Iterator[Image]", count: int) -> None:
        self._images, self.n_frames = images, count
        self._image, self._at = next(images), 0

    def seek(self, frame: int) -> None:
        """Read the next frame: Pillow asks for each in order."""
        if frame == self.n_frames:
            raise EOFError
        if frame != self._at:
            self._image, self._at = next(self._images), frame

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - attributes of the image
        return getattr(self._image, name)


def save_frames(path: Path, frames: FrameBuffer, format: str, **settings: Any) -> None:
    """Write frames as an image that moves.

    Parameters
    ----------
    path : Path
    frames : FrameBuffer
    format : str
        Pillow's name of the format.
    **settings
        Of the format's own `save`.
    """
    from PIL import Image

    images = map(Image.fromarray, frames)
    first = next(images)
    rest = [_RemainingFrames(images, len(frames) - 1)] if len(frames) > 1 else []
    first.save(path, format=format, save_all=bool(rest), append_images=rest, **settings)

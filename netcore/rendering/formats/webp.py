"""Animated WebP."""

from functools import partial
from pathlib import Path

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.rendering.frame_writer import BufferedWriter
from netcore.rendering.pillow_frames import save_frames

LOSSLESS = {"lossless": True, "quality": 20, "method": 1}
LOSSY = {"quality": 90, "method": 3}
NO_KEY_FRAMES = {"kmin": 0, "kmax": 0}  # Pillow's default, one in 3 to 17 frames, makes a lossless clip 18 % larger


def write_webp(path: Path, frames: FrameBuffer, fps: float, lossless: bool = True) -> None:
    """Write frames as an animated WebP that loops for ever."""
    durations = [1000 * count / fps for count in frames.repeats]  # Pillow rounds the sums, so that none drifts
    save_frames(path, frames, "WEBP", duration=durations, loop=0, **NO_KEY_FRAMES, **(LOSSLESS if lossless else LOSSY))


FORMAT = Format(
    "webp",
    "image/webp",
    animated=True,
    still=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    writer=partial(BufferedWriter, attempts=(write_webp, partial(write_webp, lossless=False))),
)

"""Animated WebP."""

from functools import partial
from pathlib import Path

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_writer import BufferedWriter, Clip
from netcore.rendering.pillow_frames import save_frames

LOSSLESS = {"lossless": True, "quality": 20, "method": 1}
LOSSY = {"quality": 90, "method": 3}
NO_KEY_FRAMES = {"kmin": 0, "kmax": 0}  # Pillow's default, one in 3 to 17 frames, makes a lossless clip 18 % larger


def write_webp(path: Path, clip: Clip, lossless: bool = True) -> None:
    """Write frames as an animated WebP that loops for ever."""
    durations = [1000 * count / clip.fps for count in clip.frames.repeats]  # Pillow rounds the sums: none drifts
    save_frames(
        path, clip.frames, "WEBP", duration=durations, loop=0, **NO_KEY_FRAMES, **(LOSSLESS if lossless else LOSSY)
    )


FORMAT = Format(
    "webp",
    "image/webp",
    animated=True,
    still=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    smallest_share=0.1,
    writer=partial(BufferedWriter, attempts=(write_webp, partial(write_webp, lossless=False))),
)

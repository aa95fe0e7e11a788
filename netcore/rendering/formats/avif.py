"""AVIF, for stills and clips."""

from functools import partial
from itertools import pairwise
from pathlib import Path

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.rendering.frame_writer import BufferedWriter
from netcore.rendering.pillow_frames import save_frames

QUALITIES = (85, 60)


def write_avif(path: Path, frames: FrameBuffer, fps: float, quality: int) -> None:
    """Write frames as an AVIF, whose thin lines keep their colour (4:4:4)."""
    ends = [round(1000 * start / fps) for start in (*frames.starts, frames.frames)]
    durations = [end - start for start, end in pairwise(ends)]  # whole milliseconds whose sums do not drift
    save_frames(path, frames, "AVIF", duration=durations, quality=quality, subsampling="4:4:4", speed=8)


FORMAT = Format(
    "avif",
    "image/avif",
    animated=True,
    still=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    writer=partial(BufferedWriter, attempts=tuple(partial(write_avif, quality=quality) for quality in QUALITIES)),
)

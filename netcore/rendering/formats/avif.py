"""AVIF, for stills and clips."""

from functools import partial
from itertools import pairwise
from pathlib import Path

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_writer import BufferedWriter, Clip
from netcore.rendering.pillow_frames import save_frames

QUALITIES = (85, 60)


def write_avif(path: Path, clip: Clip, quality: int) -> None:
    """Write frames as an AVIF, whose thin lines keep their colour (4:4:4)."""
    frames = clip.frames
    ends = [round(1000 * start / clip.fps) for start in (*frames.starts, frames.frames)]
    durations = [end - start for start, end in pairwise(ends)]  # whole milliseconds whose sums do not drift
    save_frames(path, frames, "AVIF", duration=durations, quality=quality, subsampling="4:4:4", speed=8)
    data = bytearray(path.read_bytes())
    clear_times(data)
    path.write_bytes(data)


def clear_times(data: bytearray, start: int = 0, end: int | None = None) -> None:
    """Set the times of writing to 0, so that the same frames give the same bytes.

    They are in the headers of the movie, track and media boxes (ISO/IEC 14496-12, 8.2.2, 8.3.2 and 8.4.2).
    """
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = int.from_bytes(data[start : start + 4]), bytes(data[start + 4 : start + 8])
        if size < 8:  # to the end of the file, or of 64 bits: media data
            return
        if kind in (b"moov", b"trak", b"mdia"):
            clear_times(data, start + 8, start + size)
        elif kind in (b"mvhd", b"tkhd", b"mdhd"):
            width = 8 if data[start + 8] == 1 else 4  # by the version of the box
            data[start + 12 : start + 12 + 2 * width] = bytes(2 * width)
        start += size


FORMAT = Format(
    "avif",
    "image/avif",
    animated=True,
    still=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    smallest_share=0.2,
    writer=partial(BufferedWriter, attempts=tuple(partial(write_avif, quality=quality) for quality in QUALITIES)),
)

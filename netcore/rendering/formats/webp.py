"""Animated WebP."""

import struct
from fractions import Fraction
from functools import partial
from pathlib import Path

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.rendering.frame_writer import BufferedWriter

MILLISECOND = Fraction(1, 1000)  # the unit of a WebP's delays
LOSSLESS = {"lossless": "1", "compression_level": "1", "quality": "20"}
LOSSY = {"compression_level": "3", "quality": "90"}


def write_webp(path: Path, frames: FrameBuffer, fps: float, lossless: bool = True) -> None:
    """Write frames as an animated WebP that loops for ever."""
    import av

    from netcore.rendering.av_stream import encode_frames

    with av.open(str(path), "w", format="webp", options={"loop": "0"}) as container:
        stream = container.add_stream("libwebp_anim", rate=1000, options=LOSSLESS if lossless else LOSSY)
        times = [Fraction(start / fps).limit_denominator(1000) for start in frames.starts]
        encode_frames(container, stream, frames, "bgra", times, MILLISECOND)
    if len(frames) > 1:
        _hold_last(path, frames.frames, fps)


def _hold_last(path: Path, frames: int, fps: float) -> None:
    """Set the last frame's delay, for which the encoder puts the mean of the others.

    The WebP container specification, "Animation": a chunk is a four-letter name, a 32-bit size and its data, padded
    to an even length; in ANMF the bytes 12 to 14 are the duration in milliseconds.
    """
    data = bytearray(path.read_bytes())
    at, found, before = 12, 0, 0
    while at < len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"ANMF":
            before += int.from_bytes(data[found + 20 : found + 23], "little") if found else 0
            found = at
        at += 8 + size + size % 2
    data[found + 20 : found + 23] = (round(frames / fps * 1000) - before).to_bytes(3, "little")
    path.write_bytes(data)


FORMAT = Format(
    "webp",
    "image/webp",
    animated=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    writer=partial(BufferedWriter, attempts=(write_webp, partial(write_webp, lossless=False))),
)

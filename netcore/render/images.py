"""Animated WebP and PNG, and the poster image."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from netcore.render.gif import video_frame
from netcore.render.reel import Reel

MILLISECOND = Fraction(1, 1000)  # the unit of a WebP's delays
LOSSLESS = {"lossless": "1", "compression_level": "1", "quality": "20"}
LOSSY = {"compression_level": "3", "quality": "90"}


def write_poster(path: Path, rgb: np.ndarray) -> None:
    """Write uint8 (H, W, 3) as a PNG."""
    Image.fromarray(rgb).save(path, "PNG", compress_level=9)


def write_apng(path: Path, reel: Reel, fps: float) -> None:
    """Write a reel as an animated PNG that loops for ever, without loss."""
    rate = Fraction(fps).limit_denominator(1001)
    last = reel.repeats[-1] / rate
    with av.open(str(path), "w", format="apng", options={"plays": "0", "final_delay": str(last)}) as container:
        stream = container.add_stream("apng", rate=rate, options={"pred": "none"})
        _encode(container, stream, reel, "rgb24", [start / rate for start in reel.starts], 1 / rate)


def write_webp(path: Path, reel: Reel, fps: float, lossless: bool = True) -> None:
    """Write a reel as an animated WebP that loops for ever."""
    with av.open(str(path), "w", format="webp", options={"loop": "0"}) as container:
        stream = container.add_stream("libwebp_anim", rate=1000, options=LOSSLESS if lossless else LOSSY)
        times = [Fraction(start / fps).limit_denominator(1000) for start in reel.starts]
        _encode(container, stream, reel, "bgra", times, MILLISECOND)
    if len(reel) > 1:
        _hold_last(path, reel.frames, fps)


def _encode(container, stream, reel: Reel, pixels: str, times: list[Fraction], time_base: Fraction) -> None:
    assert reel.last is not None
    stream.height, stream.width = reel.last.shape[:2]
    stream.pix_fmt = pixels
    stream.codec_context.time_base = time_base
    for rgb, time in zip(reel, times, strict=True):
        container.mux(stream.encode(video_frame(rgb, round(time / time_base), time_base)))
    container.mux(stream.encode(None))


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

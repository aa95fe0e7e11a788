"""Animated PNG."""

from fractions import Fraction
from pathlib import Path

import av

from netcore.rendering.av_stream import encode_frames
from netcore.rendering.frame_buffer import FrameBuffer


def write_apng(path: Path, reel: FrameBuffer, fps: float) -> None:
    """Write a reel as an animated PNG that loops for ever, without loss."""
    rate = Fraction(fps).limit_denominator(1001)
    last = reel.repeats[-1] / rate
    with av.open(str(path), "w", format="apng", options={"plays": "0", "final_delay": str(last)}) as container:
        stream = container.add_stream("apng", rate=rate, options={"pred": "none"})
        encode_frames(container, stream, reel, "rgb24", [start / rate for start in reel.starts], 1 / rate)

"""Animated PNG."""

from fractions import Fraction
from functools import partial
from pathlib import Path

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.rendering.frame_writer import BufferedWriter


def write_apng(path: Path, frames: FrameBuffer, fps: float) -> None:
    """Write frames as an animated PNG that loops for ever, without loss."""
    import av

    from netcore.rendering.av_stream import encode_frames

    rate = Fraction(fps).limit_denominator(1001)
    last = frames.repeats[-1] / rate
    with av.open(str(path), "w", format="apng", options={"plays": "0", "final_delay": str(last)}) as container:
        stream = container.add_stream("apng", rate=rate, options={"pred": "none"})
        encode_frames(container, stream, frames, [start / rate for start in frames.starts], 1 / rate)


FORMAT = Format(
    "apng",
    "image/apng",
    animated=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    writer=partial(BufferedWriter, attempts=(write_apng,)),
)

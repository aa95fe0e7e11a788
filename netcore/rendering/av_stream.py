"""Encode NumPy frames with PyAV."""

from fractions import Fraction
from typing import Any

import av
from numpy.typing import NDArray

from netcore.rendering.frame_buffer import FrameBuffer


def video_frame(rgb: NDArray[Any], pts: int, time_base: Fraction) -> av.VideoFrame:
    """Wrap uint8 (H, W, 3) without a copy, to be shown at `pts` × `time_base` seconds."""
    frame = av.VideoFrame.from_numpy_buffer(rgb, format="rgb24")
    frame.pts, frame.time_base = pts, time_base
    return frame


def encode_frames(
    container: av.container.OutputContainer,
    stream: av.VideoStream,
    frames: FrameBuffer,
    pixels: str,
    times: list[Fraction],
    time_base: Fraction,
) -> None:
    """Encode all frames into a stream.

    Parameters
    ----------
    container : OutputContainer
    stream : VideoStream
    frames : FrameBuffer
    pixels : str
        FFmpeg's name of the pixel format.
    times : list of Fraction
        Time of each frame in seconds.
    time_base : Fraction
        Unit of the stream's times in seconds.
    """
    assert frames.last is not None
    stream.height, stream.width = frames.last.shape[:2]
    stream.pix_fmt = pixels
    stream.codec_context.time_base = time_base
    for rgb, time in zip(frames, times, strict=True):
        container.mux(stream.encode(video_frame(rgb, round(time / time_base), time_base)))
    container.mux(stream.encode(None))

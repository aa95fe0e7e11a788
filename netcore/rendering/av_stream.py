"""NumPy frames into a PyAV stream."""

from fractions import Fraction

import av
import numpy as np

from netcore.rendering.frame_buffer import FrameBuffer


def video_frame(rgb: np.ndarray, pts: int, time_base: Fraction) -> av.VideoFrame:
    """Wrap uint8 (H, W, 3) without a copy, to be shown at `pts` × `time_base` seconds."""
    frame = av.VideoFrame.from_numpy_buffer(rgb, format="rgb24")
    frame.pts, frame.time_base = pts, time_base
    return frame


def encode_frames(
    container, stream, reel: FrameBuffer, pixels: str, times: list[Fraction], time_base: Fraction
) -> None:
    assert reel.last is not None
    stream.height, stream.width = reel.last.shape[:2]
    stream.pix_fmt = pixels
    stream.codec_context.time_base = time_base
    for rgb, time in zip(reel, times, strict=True):
        container.mux(stream.encode(video_frame(rgb, round(time / time_base), time_base)))
    container.mux(stream.encode(None))

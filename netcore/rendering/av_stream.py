"""Encode NumPy frames with PyAV."""

from fractions import Fraction
from typing import Any

import av
from numpy.typing import NDArray

PIXELS = {3: "rgb24", 4: "rgba"}  # FFmpeg's names, by the channels of NumPy's frames


def video_frame(rgb: NDArray[Any], pts: int, time_base: Fraction) -> av.VideoFrame:
    """Wrap uint8 (H, W, 3) or (H, W, 4) without a copy, to be shown at `pts` × `time_base` seconds."""
    frame = av.VideoFrame.from_numpy_buffer(rgb, format=PIXELS[rgb.shape[2]])
    frame.pts, frame.time_base = pts, time_base
    return frame

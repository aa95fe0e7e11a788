"""Frames of stills and clips, read back through imageio."""

import gc
from pathlib import Path

import imageio.v3 as iio
import numpy as np

VIDEOS = (".mov", ".mp4", ".webm")


def read_frames(path: Path, mode: str = "RGB") -> list[np.ndarray]:
    """All stored frames as uint8 (H, W, 3), or (H, W, 4) of mode RGBA; a video's colours as its own marks say.

    VP9's alpha is not among them: FFmpeg's default decoder drops it.
    """
    if path.suffix in VIDEOS:
        gc.freeze()  # imageio collects all garbage when it closes a video: half a second in a process of many tests
        return list(iio.imiter(path, plugin="pyav", format={"RGB": "rgb24", "RGBA": "rgba"}[mode]))
    return list(iio.imread(path, plugin="pillow", index=..., mode=mode))  # held frames of an animation: once

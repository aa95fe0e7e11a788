"""H.264 in MP4."""

from pathlib import Path

from netcore.rendering.formats import Format
from netcore.rendering.frame_writer import Clip, FrameWriter


def open_writer(path: Path, clip: Clip) -> FrameWriter:
    """Open an MP4 whose index comes before its data, so that a browser can start at once."""
    from netcore.rendering.video_writer import H264, VideoWriter

    return VideoWriter(path, clip, "mp4", *H264, muxing={"movflags": "+faststart"})


FORMAT = Format("mp4", "video/mp4", "H.264 (mp4)", animated=True, even_sides=True, writer=open_writer)

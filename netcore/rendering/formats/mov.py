"""Video without loss, transparent too, in MOV: for editors."""

from pathlib import Path

from netcore.rendering.formats import Format
from netcore.rendering.frame_writer import Clip, FrameWriter


def open_writer(path: Path, clip: Clip) -> FrameWriter:
    """Open a MOV of PNG pictures, which QuickTime, Keynote and video editors read."""
    from netcore.rendering.video_writer import VideoWriter

    pixels = "rgba" if clip.transparent else "rgb24"
    return VideoWriter(path, clip, "mov", "png", {"pred": "none"}, pixels=pixels)


FORMAT = Format("mov", "video/quicktime", animated=True, transparent=True, writer=open_writer)

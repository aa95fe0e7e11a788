"""VP9 in WebM."""

from pathlib import Path

from netcore.rendering.formats import Format
from netcore.rendering.frame_writer import Clip, FrameWriter


def open_writer(path: Path, clip: Clip) -> FrameWriter:
    """Open a WebM of constant quality."""
    from netcore.rendering.video_writer import VideoWriter

    options = {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}
    if clip.transparent:
        options["auto-alt-ref"] = "0"  # frames that are not shown have no alpha
    return VideoWriter(path, clip, "webm", "libvpx-vp9", options, "yuva420p" if clip.transparent else "yuv420p")


FORMAT = Format("webm", "video/webm", animated=True, transparent=True, writer=open_writer)

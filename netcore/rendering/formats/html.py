"""A page that plays a clip step by step, the clip inside."""

import io
from collections.abc import Iterator
from pathlib import Path

from netcore.rendering.formats import Format
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter


class PlayerWriter(FrameWriter):
    """Write an MP4 in memory, then the page around it."""

    def __init__(self, path: Path, clip: Clip) -> None:
        from netcore.rendering.video_writer import H264, VideoWriter

        super().__init__(path, clip)
        self._file = io.BytesIO()
        self._video = VideoWriter(self._file, clip, "mp4", *H264)

    def add(self, rgb: Frame, repeat: int) -> None:
        """Append a frame."""
        self._video.add(rgb, repeat)

    def finish(self) -> Iterator[None]:
        """Write the page."""
        from netcore.rendering.player import player_page

        list(self._video.finish())
        page = player_page(self.clip, self._video.count, self._file.getvalue(), "video/mp4")
        self.path.write_text(page, encoding="utf-8")
        yield

    def close(self) -> None:
        """Close the video."""
        self._video.close()


FORMAT = Format("html", "text/html", "the player (html)", animated=True, even_sides=True, writer=PlayerWriter)

"""One palette for all frames of a clip, through FFmpeg's filters."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from netcore.rendering.frame_buffer import FrameBuffer

if TYPE_CHECKING:
    import av

CENTISECOND = Fraction(1, 100)  # the unit of a GIF's delays
FRAMES_PER_PALETTE = 8  # frames from one whose rare colours are noted to the next
MAX_COLORS = 256


class PaletteBuilder:
    """Gathers the colours of what changes from frame to frame, while the clip is still being drawn.

    What is small or comes late (the one green bar of the last frame) would lose its colour to a thousand greys: so one
    more frame is counted at the end, which gives each colour that was there the same room.
    """

    def __init__(self, height: int, width: int, colors: int = MAX_COLORS) -> None:
        import av

        graph = av.filter.Graph()
        self._source = _source(graph, height, width, "rgb24")
        filters = graph.add("palettegen", f"max_colors={colors}:stats_mode=diff"), graph.add("buffersink")
        graph.link_nodes(self._source, *filters).configure()
        self._graph, self._sink, self._count = graph, filters[-1], 0
        self._there, self._color = np.zeros(2**15, bool), np.zeros((2**15, 3), np.uint8)
        self._last = np.zeros((height, width, 3), np.uint8)

    def add(self, rgb: np.ndarray) -> None:
        """Count the colours of uint8 (H, W, 3) where it differs from the frame before."""
        if self._count % FRAMES_PER_PALETTE == 0:
            self._note(rgb)
        from netcore.rendering.av_stream import video_frame

        self._source.push(video_frame(rgb, self._count, CENTISECOND))
        with suppress(BlockingIOError):
            self._sink.pull()  # gives nothing yet, but makes the graph count the frame and let go of it
        self._last = rgb
        self._count += 1

    def _note(self, rgb: np.ndarray) -> None:
        """Remember which colours are there, alike ones (5 bits a channel) as one."""
        seen = rgb[::2, ::2].reshape(-1, 3)
        r, g, b = (seen >> 3).astype(np.uint16).T
        place = r << 10 | g << 5 | b
        self._there[place] = True
        self._color[place] = seen

    def _chart(self) -> np.ndarray:
        """A frame of all colours that were there, each over as many pixels."""
        colors = self._color[self._there]
        height, width = self._last.shape[:2]
        return colors[np.arange(height * width) * len(colors) // (height * width)].reshape(height, width, 3)

    def finish(self) -> "av.VideoFrame":
        """Give the palette, 16×16 colours."""
        import av

        from netcore.rendering.av_stream import video_frame

        self._note(self._last)
        self._source.push(video_frame(self._chart(), self._count, CENTISECOND))
        self._source.push(None)
        palette = self._sink.pull()
        assert isinstance(palette, av.VideoFrame)
        return palette


def _source(graph: "av.filter.Graph", height: int, width: int, pixels: str) -> "av.filter.context.FilterContext":
    import av

    return graph.add_buffer(width=width, height=height, format=av.VideoFormat(pixels), time_base=CENTISECOND)


def indexed_frames(frames: FrameBuffer, palette: "av.VideoFrame", delay: int) -> "Iterator[av.VideoFrame]":
    """Map frames to the nearest colours of a palette; only what changed is looked up again.

    Parameters
    ----------
    frames : FrameBuffer
    palette : VideoFrame
        Of `PaletteBuilder`.
    delay : int
        Duration of a frame in hundredths of a second.

    Yields
    ------
    VideoFrame
        One per distinct frame, of the format "pal8".
    """
    import av

    from netcore.rendering.av_stream import video_frame

    assert frames.last is not None
    graph = av.filter.Graph()
    height, width = frames.last.shape[:2]
    source = _source(graph, height, width, "rgb24")
    colors = _source(graph, palette.height, palette.width, palette.format.name)
    use, sink = graph.add("paletteuse", "dither=none:diff_mode=rectangle"), graph.add("buffersink")
    source.link_to(use, 0, 0)
    colors.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    palette.pts, palette.time_base = 0, CENTISECOND
    colors.push(palette)
    colors.push(None)
    for rgb, start in zip(frames, frames.starts, strict=True):
        source.push(video_frame(rgb, start * delay, CENTISECOND))
        frame = sink.pull()
        assert isinstance(frame, av.VideoFrame)
        frame.time_base = CENTISECOND
        yield frame

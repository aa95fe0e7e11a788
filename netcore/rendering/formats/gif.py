"""GIF through FFmpeg's palette filters, with exact delays."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter

if TYPE_CHECKING:
    import av

CENTISECOND = Fraction(1, 100)  # the unit of a GIF's delays
FRAMES_PER_PALETTE = 8  # frames from one whose rare colours are noted to the next
FRAME_RATES = (10, 20, 25, 50)  # delays are whole hundredths of a second, and browsers slow down those below two
MAX_COLORS = (256, 128, 64)  # what is tried, in this order, to stay within the size budget


class PaletteBuilder:
    """Gathers the colours of what changes from frame to frame, while the clip is still being drawn.

    What is small or comes late (the one green bar of the last frame) would lose its colour to a thousand greys: so one
    more frame is counted at the end, which gives each colour that was there the same room.
    """

    def __init__(self, height: int, width: int, colors: int = MAX_COLORS[0]) -> None:
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


def encode_gif(reel: FrameBuffer, palette: "av.VideoFrame", fps: int) -> bytes:
    """Encode a reel as a GIF that loops for ever, each frame's delay being its repeats at `fps` (100 / fps whole)."""
    import av

    assert reel.last is not None
    height, width = reel.last.shape[:2]
    delay = 100 // fps
    buffer = io.BytesIO()
    options = {"loop": "0", "final_delay": str(reel.repeats[-1] * delay)}
    with av.open(buffer, "w", format="gif", options=options) as container, ThreadPoolExecutor(1) as beside:
        stream = container.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        stream.codec_context.time_base = CENTISECOND

        def write(frame: "av.VideoFrame | None") -> None:
            container.mux(stream.encode(frame))

        pending = None
        for frame in _indexed(reel, palette, delay):  # one frame is mapped while the one before it is compressed
            if pending:
                pending.result()
            pending = beside.submit(write, frame)
        if pending:
            pending.result()
        write(None)
    return buffer.getvalue()


def _source(graph: "av.filter.Graph", height: int, width: int, pixels: str) -> "av.filter.context.FilterContext":
    import av

    return graph.add_buffer(width=width, height=height, format=av.VideoFormat(pixels), time_base=CENTISECOND)


def _indexed(reel: FrameBuffer, palette: "av.VideoFrame", delay: int) -> "Iterator[av.VideoFrame]":
    """Map each frame to the nearest colours of the palette; only what changed is looked up again."""
    import av

    from netcore.rendering.av_stream import video_frame

    assert reel.last is not None
    graph = av.filter.Graph()
    height, width = reel.last.shape[:2]
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
    for rgb, start in zip(reel, reel.starts, strict=True):
        source.push(video_frame(rgb, start * delay, CENTISECOND))
        frame = sink.pull()
        assert isinstance(frame, av.VideoFrame)
        frame.time_base = CENTISECOND
        yield frame


class GifWriter(FrameWriter):
    """A GIF whose palette is gathered while the clip is drawn, with fewer colours at each turn."""

    buffered = True

    def __init__(self, path: Path, clip: Clip) -> None:
        super().__init__(path, clip)
        self._palette = PaletteBuilder(clip.height, clip.width)

    def add(self, rgb: Frame, repeat: int) -> None:
        """Count the frame's colours."""
        self._palette.add(rgb)

    def finish(self) -> Iterator[None]:
        """Write the GIF with 256 colours, then with fewer."""
        for colors in MAX_COLORS:
            if colors != MAX_COLORS[0]:
                self._palette = PaletteBuilder(self.clip.height, self.clip.width, colors)
                for rgb in self.clip.frames:
                    self._palette.add(rgb)
            self.path.write_bytes(encode_gif(self.clip.frames, self._palette.finish(), int(self.clip.fps)))
            yield


FORMAT = Format(
    "gif",
    "image/gif",
    animated=True,
    frame_rates=FRAME_RATES,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    writer=GifWriter,
)

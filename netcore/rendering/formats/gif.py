"""GIF of one palette, with exact delays."""

import contextlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter
from netcore.rendering.palette import CENTISECOND, PaletteBuilder, indexed_frames

if TYPE_CHECKING:
    import av

FRAME_RATES = (10, 20, 25, 50)  # delays are whole hundredths of a second, and browsers slow down those below two
COLORS = (256, 96, 48)  # what is tried, in this order, to stay within the size budget
CERTAIN_SHARE = 0.25  # of the earlier attempt's bytes: after it this one's size is estimated


def encode_gif(clip: Clip, palette: NDArray[np.uint8], check: Callable[[int], None] = lambda _: None) -> bytes:
    """Encode a clip as a GIF that loops for ever, each frame's delay being its repeats at its rate (100 / fps whole).

    Parameters
    ----------
    clip : Clip
    palette : ndarray
        Colours with alpha, uint8 (256, 4).
    check : callable
        Given the bytes up to each frame; what it raises ends the encoding.

    Raises
    ------
    TooLargeError
        If it becomes too large.
    """
    import av

    frames, delay = clip.frames, 100 // int(clip.fps)
    buffer = io.BytesIO()
    options = {"loop": "0", "final_delay": str(frames.repeats[-1] * delay)}
    with av.open(buffer, "w", format="gif", options=options) as container, ThreadPoolExecutor(1) as beside:
        stream = container.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "pal8"
        stream.codec_context.time_base = CENTISECOND

        def write(frame: "av.VideoFrame | None") -> None:
            container.mux(stream.encode(frame))

        pending = None
        # one frame is mapped while the one before it is compressed
        for n, frame in enumerate(indexed_frames(frames, palette, delay)):
            if pending:
                pending.result()
                clip.check_size(buffer.tell(), frames.starts[n] / frames.frames)
                check(buffer.tell())
            pending = beside.submit(write, frame)
        if pending:
            pending.result()
        write(None)
    return buffer.getvalue()


class _StillTooLargeError(Exception):
    """Fewer colours do not yet make the file small enough."""


class GifWriter(FrameWriter):
    """A GIF whose palette is gathered while the clip is drawn, with fewer colours at each turn."""

    buffered = True

    def __init__(self, path: Path, clip: Clip) -> None:
        super().__init__(path, clip)
        self._palette = PaletteBuilder()

    def add(self, rgb: Frame, repeat: int) -> None:
        """Count the colours of what the frame changed."""
        assert self.clip.frames.newest is not None
        self._palette.add(self.clip.frames.newest)

    def finish(self) -> Iterator[None]:
        """Write the GIF with 256 colours, then with fewer."""
        sizes: list[int] = []
        for colors in COLORS:
            self._palette.colors = colors
            with contextlib.suppress(_StillTooLargeError):
                sizes = self._write([] if colors == COLORS[-1] else sizes)
                yield

    def _write(self, earlier: list[int]) -> list[int]:
        """Write the file; return the bytes up to each frame. Give up as soon as those of an earlier one foretell it."""
        sizes: list[int] = []

        def check(size: int) -> None:
            sizes.append(size)
            before, whole = (earlier[len(sizes) - 1], earlier[-1]) if earlier else (0, 0)
            if before > CERTAIN_SHARE * whole and size / before * whole > self.clip.budget_bytes:
                raise _StillTooLargeError

        self.path.write_bytes(encode_gif(self.clip, self._palette.finish(), check))
        return sizes


FORMAT = Format(
    "gif",
    "image/gif",
    animated=True,
    frame_rates=FRAME_RATES,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    smallest_share=0.3,
    writer=GifWriter,
)

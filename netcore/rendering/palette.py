"""The palette of a clip, and frames as indices into it."""

import mmap
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netcore.rendering.frame_buffer import FrameBuffer, Patch

if TYPE_CHECKING:
    import av

CENTISECOND = Fraction(1, 100)  # the unit of a GIF's delays
MAX_COLORS = 256
CHART = 1024, 1024  # pixels of the picture from which FFmpeg makes the palette
CODES = 2**24  # one for each colour of 8 bits a channel
AT_ONCE = 4096  # colours that are looked up together


class PaletteBuilder:
    """Counts the colours of what changes from frame to frame, while the clip is still being drawn.

    What is small or comes late (the one green bar of the last frame) would lose its colour to a thousand greys: so each
    colour counts once more than its share of the changed pixels.
    """

    def __init__(self, colors: int = MAX_COLORS) -> None:
        self.colors = colors
        self._counts = _sparse_zeros(np.int32)
        self._shown: NDArray[np.uint32] | None = None

    def add(self, patch: Patch) -> None:
        """Count the colours of the pixels that a patch changes."""
        codes = color_codes(patch.pixels)
        if self._shown is None:
            self._shown, changed = codes, codes.ravel()
        else:
            before = self._shown[patch.slices]
            changed = codes[codes != before]
            self._shown[patch.slices] = codes
        found, counts = np.unique(changed, return_counts=True)  # ten times as fast as np.add.at
        self._counts[found] += counts.astype(self._counts.dtype)

    def chart(self) -> NDArray[np.uint8]:
        """Return a picture (1024, 1024, 3) in which each colour has the area of its count."""
        codes = np.flatnonzero(self._counts)
        size = CHART[0] * CHART[1]
        share = 1 + self._counts[codes] * (size / self._counts[codes].sum())
        ends = np.rint(np.cumsum(share) * (size / share.sum())).astype(int)
        spread = np.repeat(codes, np.diff(ends, prepend=0)).astype(np.uint32)
        return np.stack([spread >> 16, spread >> 8 & 255, spread & 255], axis=1).astype(np.uint8).reshape(*CHART, 3)

    def finish(self) -> NDArray[np.uint8]:
        """Return the palette by FFmpeg's median cut: 256 colours with alpha, uint8 (256, 4); one is transparent."""
        import av

        from netcore.rendering.av_stream import video_frame

        graph, (height, width) = av.filter.Graph(), CHART
        source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=CENTISECOND)
        filters = graph.add("palettegen", f"max_colors={self.colors}"), graph.add("buffersink")
        graph.link_nodes(source, *filters).configure()
        source.push(video_frame(self.chart(), 0, CENTISECOND))
        source.push(None)
        palette = filters[-1].pull()
        assert isinstance(palette, av.VideoFrame)
        return np.asarray(palette.to_ndarray(format="rgba"), np.uint8).reshape(MAX_COLORS, 4)


def _sparse_zeros(dtype: type[np.integer[Any]]) -> NDArray[Any]:
    """Return zeros for all colours, whose memory is used only near those that occur: NumPy asks for huge pages."""
    size = CODES * np.dtype(dtype).itemsize
    private = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE) if hasattr(mmap, "MAP_PRIVATE") else mmap.mmap(-1, size)
    return np.frombuffer(private, dtype)


def color_codes(rgb: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the colours of uint8 (…, 3) as numbers below 2²⁴."""
    red, green, blue = (rgb[..., channel].astype(np.uint32) for channel in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


class PaletteIndex:
    """Finds the nearest colour of a palette, uint8 (256, 4), by the distance in RGB; each colour is looked up once."""

    def __init__(self, palette: NDArray[np.uint8]) -> None:
        self._opaque = np.flatnonzero(palette[:, 3])
        self._colors = palette[self._opaque, :3].astype(np.float32)
        self._found = _sparse_zeros(np.uint16)  # index + 1; 0: not looked up yet

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the indices of uint8 (h, w, 3): (h, w)."""
        codes = color_codes(rgb)
        found = self._found[codes]
        new = np.unique(codes[found == 0])
        for k in range(0, len(new), AT_ONCE):
            part = new[k : k + AT_ONCE]
            colors = np.stack([part >> 16, part >> 8 & 255, part & 255], axis=1).astype(np.float32)
            # |a - b|² without |a|², which is the same for all b: whole numbers below 2²⁴, exact in float32
            distance = (self._colors**2).sum(axis=1) - 2 * colors @ self._colors.T
            self._found[part] = self._opaque[distance.argmin(axis=1)] + 1
        return ((self._found[codes] if len(new) else found) - 1).astype(np.uint8)


def indexed_frames(frames: FrameBuffer, palette: NDArray[np.uint8], delay: int) -> "Iterator[av.VideoFrame]":
    """Map frames to the nearest colours of a palette; only what changed is looked up again.

    Parameters
    ----------
    frames : FrameBuffer
    palette : ndarray
        Of `PaletteBuilder.finish`, uint8 (256, 4).
    delay : int
        Duration of a frame in hundredths of a second.

    Yields
    ------
    VideoFrame
        One per distinct frame, of the format "pal8".
    """
    import av

    nearest, argb = PaletteIndex(palette), np.roll(palette, 1, axis=1)
    shown: NDArray[np.uint8] | None = None
    for patch, start in zip(frames.patches(), frames.starts, strict=True):
        if shown is None:
            shown = nearest(patch.pixels)
        else:
            shown[patch.slices] = nearest(patch.pixels)
        pair: Any = (shown, argb)  # PyAV's types know of one array only
        frame = av.VideoFrame.from_ndarray(pair, format="pal8")
        frame.pts, frame.time_base = start * delay, CENTISECOND
        yield frame

"""Animated PNG."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netcore.rendering.formats import BUDGET_MB, LIMIT_MB, Format
from netcore.rendering.frame_writer import BufferedWriter, Clip
from netcore.rendering.palette import PaletteBuilder, indexed_frames

if TYPE_CHECKING:
    import av


def write_lossless(path: Path, clip: Clip) -> None:
    """Write frames as an animated PNG that loops for ever, without loss."""
    from netcore.rendering.av_stream import PIXELS, video_frame

    images = (video_frame(rgb, 0, Fraction(1)) for rgb in clip.frames)
    write_apng(path, clip, images, PIXELS[4 if clip.transparent else 3])


def write_indexed(path: Path, clip: Clip) -> None:
    """Write frames as an animated PNG of 256 colours; a transparent one stays without loss."""
    if clip.transparent:
        return write_lossless(path, clip)
    palette = PaletteBuilder()
    for patch in clip.frames.patches():
        palette.add(patch)
    return write_apng(path, clip, indexed_frames(clip.frames, palette.finish(), 1), "pal8")


def write_apng(path: Path, clip: Clip, images: "Iterator[av.VideoFrame]", pixels: str) -> None:
    """Write an animated PNG.

    Parameters
    ----------
    path : Path
    clip : Clip
    images : iterator of VideoFrame
        Its frames, of the pixel format `pixels`.
    pixels : str
        FFmpeg's name.

    Raises
    ------
    TooLargeError
        If the file becomes too large.
    """
    import av

    frames, rate = clip.frames, Fraction(clip.fps).limit_denominator(1001)
    options = {"plays": "0", "final_delay": str(frames.repeats[-1] / rate)}
    with av.open(str(path), "w", format="apng", options=options) as container:
        stream = container.add_stream("apng", rate=rate, options={"pred": "none"})
        stream.height, stream.width, stream.pix_fmt = clip.height, clip.width, pixels
        stream.codec_context.time_base = 1 / rate
        for image, start in zip(images, frames.starts, strict=True):
            image.pts, image.time_base = start, 1 / rate
            container.mux(stream.encode(image))
            clip.check_size(path.stat().st_size, (start + 1) / frames.frames)
        container.mux(stream.encode(None))


FORMAT = Format(
    "apng",
    "image/apng",
    animated=True,
    transparent=True,
    budget_mb=BUDGET_MB,
    limit_mb=LIMIT_MB,
    smallest_share=0.1,
    writer=partial(BufferedWriter, attempts=(write_lossless, write_indexed)),
)

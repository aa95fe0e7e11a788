"""Encode videos while the clip is drawn."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from netcore.core.step import key_frames
from netcore.rendering.av_stream import PIXELS
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter

EXACT = {"fflags": "+bitexact"}  # no random ids: the same frames give the same bytes
H264 = "libx264", {"crf": "20", "preset": "veryfast", "tune": "animation"}  # codec and its options
BT709 = 1  # the matrix that players assume for RGB-born video; written into the file besides
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


class VideoWriter(FrameWriter):
    """Write a video file at a constant frame rate; a repeated frame is converted once.

    Each step is a chapter, and has a key frame at its start and at its final picture, so that players seek exactly.

    Parameters
    ----------
    file : Path or binary file
    clip : Clip
    container, codec : str
        FFmpeg's names.
    options : mapping of str to str
        FFmpeg's options of the codec.
    pixels : str
        FFmpeg's pixel format: BT.709 if it is one of luma and chroma.
    muxing : mapping of str to str
        FFmpeg's options of the container.
    """

    def __init__(
        self,
        file: Path | BinaryIO,
        clip: Clip,
        container: str,
        codec: str,
        options: Mapping[str, str],
        pixels: str = "yuv420p",
        muxing: Mapping[str, str] | None = None,
    ) -> None:
        self.clip, self._pixels = clip, pixels
        target = str(file) if isinstance(file, Path) else file
        self._container = av.open(target, "w", format=container, options={**(muxing or {}), **EXACT})
        rate = Fraction(clip.fps).limit_denominator(1001)
        stream = self._container.add_stream(codec, rate=rate, options=dict(options))
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        context = self._stream.codec_context
        context.height, context.width = clip.height, clip.width
        context.pix_fmt = pixels
        context.time_base = 1 / rate
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        if pixels.startswith("yuv"):
            context.colorspace, context.color_range = BT709, ColorRange.MPEG
        self.count = 0  # frames written
        self._keys = key_frames(clip.steps)
        self._describe()

    def _describe(self) -> None:
        """Write title, chapters and a comment, whose JSON is the steps as in the sidecar."""
        clip, container = self.clip, self._container
        if clip.title:
            container.metadata["title"] = clip.title
        if clip.steps:
            rows = [step.row(clip.fps) for step in clip.steps]
            container.metadata["comment"] = json.dumps({"netcore": {"steps": rows}}, ensure_ascii=False)
            unit = 1 / Fraction(clip.fps).limit_denominator(1001)
            container.set_chapters(
                [
                    {"id": k, "start": s.start, "end": s.end, "time_base": unit, "metadata": {"title": s.caption}}
                    for k, s in enumerate(clip.steps, 1)
                ]
            )

    def add(self, rgb: Frame, repeat: int) -> None:
        """Append uint8 (H, W, 3) or (H, W, 4), shown `repeat` times."""
        frame = av.VideoFrame.from_numpy_buffer(rgb, format=PIXELS[rgb.shape[2]])
        if self._pixels.startswith("yuv"):
            frame = frame.reformat(
                format=self._pixels,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=SCALING,
            )
        for _ in range(repeat):
            frame.pts = self.count
            frame.pict_type = PictureType.I if self.count in self._keys else PictureType.NONE
            self._container.mux(self._stream.encode(frame))
            self.count += 1

    def finish(self) -> Iterator[None]:
        """Write the frames that the codec still holds, and the index."""
        self._container.mux(self._stream.encode(None))
        self.close()
        yield

    def close(self) -> None:
        """Close the file, complete or not; does nothing after `finish`."""
        self._container.close()

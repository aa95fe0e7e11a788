"""Encode videos while the clip is drawn."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from netcore.core.step import key_frames
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter

EXACT = {"fflags": "+bitexact"}  # no random ids: the same frames give the same bytes
BT709 = 1  # the matrix that players assume for RGB-born video; written into the file besides
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


class VideoWriter(FrameWriter):
    """Write a video file at a constant frame rate; a repeated frame is converted once.

    Each step is a chapter, and has a key frame at its start and at its final picture, so that players seek exactly.

    Parameters
    ----------
    path : Path
    clip : Clip
    container, codec : str
        FFmpeg's names.
    options, muxing : mapping of str to str
        FFmpeg's options of the codec and of the container.
    """

    def __init__(
        self,
        path: Path,
        clip: Clip,
        container: str,
        codec: str,
        options: Mapping[str, str],
        muxing: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(path, clip)
        self._container = av.open(str(path), "w", format=container, options={**(muxing or {}), **EXACT})
        rate = Fraction(clip.fps).limit_denominator(1001)
        stream = self._container.add_stream(codec, rate=rate, options=dict(options))
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        context = self._stream.codec_context
        context.height, context.width = clip.height, clip.width
        context.pix_fmt = "yuv420p"
        context.time_base = 1 / rate
        context.colorspace, context.color_range = BT709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._count = 0
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
        """Append uint8 (H, W, 3), shown `repeat` times."""
        frame = av.VideoFrame.from_numpy_buffer(rgb, format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=SCALING,
        )
        for _ in range(repeat):
            frame.pts = self._count
            frame.pict_type = PictureType.I if self._count in self._keys else PictureType.NONE
            self._container.mux(self._stream.encode(frame))
            self._count += 1

    def finish(self) -> Iterator[None]:
        """Write the frames that the codec still holds, and the index."""
        self._container.mux(self._stream.encode(None))
        self.close()
        yield

    def close(self) -> None:
        """Close the file, complete or not; does nothing after `finish`."""
        self._container.close()

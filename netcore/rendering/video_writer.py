"""H.264 in MP4 and VP9 in WebM, written while the clip is being drawn."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

CODECS = {
    "mp4": ("libx264", {"crf": "20", "preset": "veryfast", "tune": "animation"}, {"movflags": "+faststart"}),
    "webm": ("libvpx-vp9", {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}, {}),
}
EXACT = {"fflags": "+bitexact"}  # no random ids: the same frames give the same bytes
BT709 = 1  # the matrix that players assume for RGB-born video; written into the file besides
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


class VideoWriter:
    """One video file at a constant frame rate; a held frame is converted once and costs a few bytes a repeat."""

    def __init__(self, path: Path, container: str, shape: tuple[int, int], fps: float) -> None:
        codec, options, muxing = CODECS[container]
        self._container = av.open(str(path), "w", format=container, options=muxing | {"fflags": "+bitexact"})
        rate = Fraction(fps).limit_denominator(1001)
        self._stream = self._container.add_stream(codec, rate=rate, options=options)
        context = self._stream.codec_context
        context.height, context.width = shape
        context.pix_fmt = "yuv420p"
        context.time_base = 1 / rate
        context.colorspace, context.color_range = BT709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._count = 0

    def write(self, rgb: np.ndarray, repeat: int) -> None:
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
            self._container.mux(self._stream.encode(frame))
            self._count += 1

    def finish(self) -> None:
        """Write what the codec still holds, and the index."""
        self._container.mux(self._stream.encode(None))
        self.close()

    def close(self) -> None:
        """Let go of the file, as it is; harmless after `finish`."""
        self._container.close()

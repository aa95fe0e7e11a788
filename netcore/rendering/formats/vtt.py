"""Subtitles of a film: a cue per step, in WebVTT."""

from collections.abc import Iterator

from netcore.rendering.formats import Format
from netcore.rendering.frame_writer import Frame, FrameWriter


class SubtitleWriter(FrameWriter):
    """Write each step's caption while it plays, its notes as a comment."""

    _count = 0

    def add(self, rgb: Frame, repeat: int) -> None:
        """Count the frame."""
        self._count += repeat

    def finish(self) -> Iterator[None]:
        """Write the file."""
        parts = ["WEBVTT"]
        for step in self.clip.steps_of(self._count):
            if step.notes:
                parts.append(f"NOTE {_text(step.notes)}")
            start, end = (timestamp(frame / self.clip.fps) for frame in (step.start, step.end))
            parts.append(f"{step.name}\n{start} --> {end}\n{_text(step.caption)}")
        self.path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        yield


def timestamp(seconds: float) -> str:
    """Format a time as WebVTT has it.

    Examples
    --------
    >>> timestamp(3725.04)
    '01:02:05.040'
    """
    milliseconds = round(1000 * seconds)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _text(text: str) -> str:
    """Escape text: no markup, no arrow of a cue, no empty line."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


FORMAT = Format(
    "vtt",
    "text/vtt",
    "subtitles (vtt)",
    animated=True,
    transparent=True,
    stepped=True,
    option="subtitles",
    option_help="Also write the captions of a film as subtitles (WebVTT).",
    writer=SubtitleWriter,
)

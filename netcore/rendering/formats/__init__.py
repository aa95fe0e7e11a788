"""Output formats: what they can hold, and what was written."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from netcore.core.errors import NetcoreError

ANIMATED_FORMATS = ("gif", "mp4", "webm", "webp", "apng")
VECTOR_FORMATS = ("svg", "pdf")
STILL_FORMATS = ("png", *VECTOR_FORMATS)
FORMATS = ("gif", "mp4", "webm", "webp", "apng", "png")
GIF_RATES = (10, 20, 25, 50)  # delays are whole hundredths of a second, and browsers slow down those below two


@dataclass(frozen=True)
class EncodedFile:
    """One written file: frames shown (repeats included), seconds, bytes, pixels, and a line where it is rather large.

    The poster counts as one frame of no duration.
    """

    path: Path
    frames: int
    seconds: float
    bytes: int
    width: int
    height: int
    warning: str = ""


def check_formats(formats: Iterable[str], size: tuple[int, int], fps: float) -> None:
    """Refuse what cannot be encoded, before anything is drawn.

    Parameters
    ----------
    formats : iterable of str
        Of `FORMATS`.
    size : tuple of int
        (width, height) in pixels.
    fps : float
        Frames a second.

    Raises
    ------
    NetcoreError
        For a frame rate that a GIF cannot play, or an odd side for H.264; the nearest possible one is offered.
    """
    formats, (width, height) = set(formats), size
    if "gif" in formats and fps not in GIF_RATES:
        rates = ", ".join(map(str, sorted(GIF_RATES)))
        near = min(GIF_RATES, key=lambda rate: (abs(rate - fps), -rate))
        raise NetcoreError(f"GIF supports {rates} fps, got {fps:g}: use --fps {near} or -f mp4")
    if "mp4" in formats and (width % 2 or height % 2):
        even = f"{width - width % 2}x{height - height % 2}"
        raise NetcoreError(f"H.264 (mp4) needs even width and height, got {width}x{height}: use --size {even}")


SIZE_LIMITED = ("gif", "webp", "apng")  # what pages embed as images: held to a size
BUDGET_MB, LIMIT_MB = 5.0, 10.0  # GitHub's proxy stops at 5 MB for images from elsewhere, GitHub itself at 10 MB


def size_warning(name: str, size: int, max_mb: float | None) -> str:
    """Word the warning for a file over its budget.

    Raises
    ------
    NetcoreError
        If `size` bytes are over what was allowed (10 MB where nothing was said).
    """
    limit = max_mb or LIMIT_MB
    way = "choose a smaller --size, a lower --fps or fewer seconds"
    if size > limit * 1e6:
        raise NetcoreError(
            f"the {name} must be at most {limit:g} MB, got {size / 1e6:.1f} MB: {way}, or raise --max-mb"
        )
    return f"the {name} has {size / 1e6:.1f} MB, more than the recommended {BUDGET_MB:g}: {way}"

"""Output formats: each module here defines one as `FORMAT`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.step import Step
from netcore.rendering.frame_writer import Clip, FrameWriter

BUDGET_MB, LIMIT_MB = 5.0, 10.0  # GitHub's proxy stops at 5 MB for images from elsewhere, GitHub itself at 10 MB

SMALLER = "choose a smaller --size, a lower --fps or fewer seconds"


@dataclass(frozen=True)
class Format:
    """One output format.

    Attributes
    ----------
    name : str
        Its name, that of its module, and the suffix of its files.
    mime : str
        Media type.
    title : str
        Its name in messages; default: the name in capitals.
    ending : str
        End of its files' names; default: a dot and the name.
    animated, still : bool
        Whether it holds a clip, and whether it holds a picture of a scene that does not move.
    vector, transparent : bool
        Whether it is drawn by Matplotlib itself (figures only), and can hold transparency.
    stepped : bool
        Whether it is made of the steps of a film.
    option, option_help : str
        Command-line option that writes it beside other formats, and its help; "": none.
    frame_rates : tuple of int
        The only rates in frames per second that it plays exactly; empty: any.
    even_sides : bool
        Whether width and height must be even.
    budget_mb, limit_mb : float or None
        File size in MB that is aimed at, and that is an error; None: any.
    smallest_share : float
        Share of the first attempt's size below which no later attempt comes.
    writer : callable or None
        Opens the file of a clip: ``writer(path, clip)``. None for vector formats.
    metadata : mapping
        Passed to `Figure.savefig` by vector formats, so that same inputs give same bytes.
    """

    name: str
    mime: str
    title: str = ""
    ending: str = ""
    animated: bool = False
    still: bool = False
    vector: bool = False
    transparent: bool = False
    stepped: bool = False
    option: str = ""
    option_help: str = ""
    frame_rates: tuple[int, ...] = ()
    even_sides: bool = False
    budget_mb: float | None = None
    limit_mb: float | None = None
    smallest_share: float = 1.0
    writer: Callable[[Path, Clip], FrameWriter] | None = None
    metadata: Mapping[str, None] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name in messages."""
        return self.title or self.name.upper()

    def path(self, stem: Path) -> Path:
        """Return the path of a file, by its path without an ending."""
        return stem.with_name(stem.name + (self.ending or f".{self.name}"))

    def nearest_rate(self, fps: float) -> float:
        """Return the rate nearest to `fps` that it plays exactly, the higher of two."""
        return min(self.frame_rates, key=lambda rate: (abs(rate - fps), -rate), default=fps)

    def check(self, size: tuple[int, int], fps: float) -> None:
        """Refuse a size (width, height) or frame rate that it cannot hold, with the nearest that it can."""
        (width, height), title = size, self.label
        if self.frame_rates and fps not in self.frame_rates:
            others = " or ".join(f.name for f in all_formats() if f.animated and not f.frame_rates)
            rates = ", ".join(f"{rate:g}" for rate in sorted(self.frame_rates))
            raise NetcoreError(
                f"{title} supports {rates} fps, got {fps:g}: use --fps {self.nearest_rate(fps):g}, or choose {others}"
            )
        if self.even_sides and (width % 2 or height % 2):
            even = f"{width - width % 2}x{height - height % 2}"
            raise NetcoreError(f"{title} needs even width and height, got {width}x{height}: use --size {even}")

    def budget_bytes(self, max_mb: float | None) -> float:
        """Return the size that is aimed at, `max_mb` or its own budget, in bytes."""
        return float("inf") if self.budget_mb is None else (max_mb or self.budget_mb) * 1e6

    def limit_bytes(self, max_mb: float | None) -> float:
        """Return the size that is an error, `max_mb` or its own limit, in bytes."""
        limit = max_mb or self.limit_mb if self.limit_mb else None
        return float("inf") if limit is None else limit * 1e6

    def size_warning(self, size: int) -> str:
        """Word the warning for a file of `size` bytes, over its budget."""
        return f"the {self.name} has {size / 1e6:.1f} MB, more than the recommended {self.budget_mb:g} MB: {SMALLER}"

    def size_error(self, size: float, max_mb: float | None) -> NetcoreError:
        """Word the error for a file of about `size` bytes, over its limit."""
        limit = self.limit_bytes(max_mb) / 1e6
        return NetcoreError(
            f"the {self.name} must be at most {limit:g} MB, got {size / 1e6:.1f} MB: {SMALLER}, or raise --max-mb"
        )


@dataclass(frozen=True)
class EncodedFile:
    """One written file; a still has one frame and no duration.

    Attributes
    ----------
    frames : int
        Frames shown, repeats included.
    warning : str
        A line if it is rather large.
    steps : tuple of Step
        What viewers can stop at, in a clip.
    """

    path: Path
    frames: int
    seconds: float
    bytes: int
    width: int
    height: int
    warning: str = ""
    steps: tuple[Step, ...] = ()


def format_names() -> list[str]:
    """List the names of all formats, found in this folder: clips, stills, vector formats, what steps give."""
    return [each.name for each in all_formats()]


def all_formats() -> list[Format]:
    """Find all formats in this folder: clips, stills, vector formats, what steps give."""
    found = [get_format(module.name) for module in iter_modules(__path__)]
    return sorted(found, key=lambda each: (each.stepped, not each.animated, each.vector, each.name))


@cache
def get_format(name: str) -> Format:
    """Find a format by name; only its own module is imported.

    Raises
    ------
    NetcoreError
        If there is none of this name (the nearest is offered).

    Examples
    --------
    >>> get_format("gif").frame_rates
    (10, 20, 25, 50)
    """
    if name not in {module.name for module in iter_modules(__path__)}:
        raise unknown_name("format", name, format_names())
    found: Format = import_module(f"{__name__}.{name}").FORMAT
    return found


def check_formats(formats: Iterable[str], size: tuple[int, int], fps: float, transparent: bool = False) -> None:
    """Refuse what cannot be encoded, before anything is drawn.

    Parameters
    ----------
    formats : iterable of str
        Names of formats.
    size : tuple of int
        (width, height) in pixels.
    fps : float
        Frames per second.
    transparent : bool
        Whether the frames have transparency.

    Raises
    ------
    NetcoreError
        For a frame rate that a GIF cannot play, an odd side for H.264, or transparency that a format cannot hold; what
        is possible is offered.
    """
    for name in sorted(formats):
        get_format(name).check(size, fps)
        if transparent and not get_format(name).transparent:
            kind = get_format(name)
            raise NetcoreError(f"{kind.label} cannot be transparent: choose {listed_like(kind)}")


def listed_like(kind: Format) -> str:
    """List the transparent formats that could replace one: "apng, mov, webm or webp"."""
    others = [f.name for f in all_formats() if f.transparent and f.animated == kind.animated and not f.stepped]
    return list_words(others)


def list_words(words: Sequence[str]) -> str:
    """Join words: "gif", "gif or mp4", "gif, mp4 or webm"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last

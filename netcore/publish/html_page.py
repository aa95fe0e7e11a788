"""Write an HTML page of renders with captions and commands."""

import base64
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from netcore import __version__
from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write_text
from netcore.rendering.formats import get_format
from netcore.viz.theme import DARK, FONT, LIGHT, MONO, THEMES

HEAD_BYTES = 2_000  # of a page, in which its origin is found
# The first pages of netcore named no generator; their style began with these variables.
OWN_PAGE = re.compile(rb'<meta name="generator" content="netcore |:root \{ --ground: #\w+; --ink: #\w+; --muted: ')


@dataclass(frozen=True)
class GalleryItem:
    """One render on a page, described by its sidecar; a film has steps."""

    file: Path
    title: str
    caption: str
    alt: str
    command: str
    width: int
    height: int
    steps: int = 0

    @property
    def anchor(self) -> str:
        """Identifier of the element on the page."""
        return self.file.name.replace(".", "-")

    @property
    def format(self) -> str:
        """Format in capitals: ``"GIF"``."""
        return self.file.suffix[1:].upper()

    @property
    def mime(self) -> str:
        """MIME type of the file."""
        return get_format(self.file.suffix[1:]).mime

    @property
    def video(self) -> bool:
        """Whether it is a video, not an image."""
        return self.mime.startswith("video/")

    def source(self, page: Path, embed: bool) -> str:
        """Return the value of ``src``: a path relative to the page, or the file as a data URI."""
        if not embed:
            return Path(os.path.relpath(self.file, page.parent)).as_posix()
        data = base64.b64encode(self.file.read_bytes()).decode()
        return f"data:{self.mime};base64,{data}"


def gallery_item(file: Path) -> GalleryItem:
    """Describe a render for a page, by its sidecar."""
    sidecar = json.loads(file.with_name(file.name + ".json").read_text(encoding="utf-8"))
    return GalleryItem(
        file=file,
        title=sidecar["title"],
        caption=sidecar["alt"],
        alt=sidecar["alt"],
        command=sidecar["command"],
        width=int(sidecar["width"]),
        height=int(sidecar["height"]),
        steps=len(sidecar.get("steps") or ()),
    )


@dataclass(frozen=True)
class Table:
    """A small table of plain text; an empty `head` omits the header row."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def check_page(target: Path) -> None:
    """Raise NetcoreError if `target` exists and is not a page that netcore wrote."""
    if not os.path.lexists(target):
        return
    try:
        with target.open("rb") as stream:
            is_own = target.is_file() and OWN_PAGE.search(stream.read(HEAD_BYTES))
    except OSError:
        is_own = None
    if not is_own:
        raise NetcoreError(f"{target} was not written by netcore: choose another folder with -o, or move it")


def write_page(
    target: Path,
    title: str,
    intro: str,
    items: Sequence[GalleryItem],
    tables: Sequence[Table] = (),
    embed: bool = False,
    theme: str | None = None,
) -> None:
    """Write an HTML page of renders and tables.

    Parameters
    ----------
    target : Path
        The page; replaced whole or not at all.
    title, intro : str
        Heading and the sentence under it.
    items : sequence of GalleryItem
        Renders in the order shown.
    tables : sequence of Table
        Shown above the renders.
    embed : bool
        Include the files in the page, so that it is a single file.
    theme : {"dark", "light"}, optional
        Default: as the reader's browser prefers.

    Raises
    ------
    NetcoreError
        If `target` is a page that netcore did not write.
    """
    import jinja2

    check_page(target)

    template = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    ).from_string(files("netcore.publish").joinpath("page.html").read_text(encoding="utf-8"))
    html = template.render(
        version=__version__,
        title=title,
        intro=intro,
        tables=tables,
        items=[(item, item.source(target, embed)) for item in items],
        theme=THEMES[theme] if theme else None,
        dark=DARK,
        light=LIGHT,
        font=FONT,
        mono=MONO,
    )
    atomic_write_text(target, html)

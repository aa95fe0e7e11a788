"""One HTML page that shows renders with their captions, beside them or with everything inside."""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from netcore.core.files import atomic_write_text
from netcore.rendering.formats import get_format
from netcore.viz.theme import DARK, FONT, LIGHT, MONO, THEMES


@dataclass(frozen=True)
class GalleryItem:
    """One render on a page: its file, what it shows, and the command that made it."""

    file: Path
    title: str
    caption: str
    alt: str
    command: str
    width: int
    height: int

    @property
    def anchor(self) -> str:
        return self.file.name.replace(".", "-")

    @property
    def format(self) -> str:
        return self.file.suffix[1:].upper()

    @property
    def mime(self) -> str:
        return get_format(self.file.suffix[1:]).mime

    @property
    def video(self) -> bool:
        return self.mime.startswith("video/")

    def source(self, page: Path, embed: bool) -> str:
        """What `src` says: a path relative to the page, or the file itself as a data URI."""
        if not embed:
            return Path(os.path.relpath(self.file, page.parent)).as_posix()
        data = base64.b64encode(self.file.read_bytes()).decode()
        return f"data:{self.mime};base64,{data}"


def gallery_item(file: Path) -> GalleryItem:
    """What a page says of a render, read from its sidecar."""
    told = json.loads(file.with_name(file.name + ".json").read_text(encoding="utf-8"))
    return GalleryItem(
        file, told["title"], told["alt"], told["alt"], told["command"], int(told["width"]), int(told["height"])
    )


@dataclass(frozen=True)
class Table:
    """A small table: its caption, its head (empty: none), its rows of plain text."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def write_page(
    target: Path,
    title: str,
    intro: str,
    exhibits: Sequence[GalleryItem],
    tables: Sequence[Table] = (),
    embed: bool = False,
    theme: str | None = None,
) -> None:
    """Write an HTML page at `target`, light or dark as the visitor's browser asks for, or as `theme` says.

    Parameters
    ----------
    target : Path
        The page to write; replaced whole or not at all.
    title, intro : str
        Heading and the sentence under it.
    exhibits : sequence of Exhibit
        In the order shown.
    tables : sequence of Table
        Shown above the exhibits.
    embed : bool
        Put the pictures into the page itself, so that it is one file that can be sent.
    """
    import jinja2

    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        files("netcore.publish").joinpath("page.html").read_text(encoding="utf-8")
    )
    html = template.render(
        title=title,
        intro=intro,
        tables=tables,
        exhibits=[(e, e.source(target, embed)) for e in exhibits],
        theme=THEMES[theme] if theme else None,
        dark=DARK,
        light=LIGHT,
        font=FONT,
        mono=MONO,
    )
    atomic_write_text(target, html)

"""Films and figures of a lesson: players, storyboards, pictures in its page."""

import base64
import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netcore.rendering.api import render_all
from netcore.rendering.provenance import sidecar_path
from netcore.rendering.request import Request
from netcore.rendering.result import ProgressListener
from netcore.rendering.sample_selector import SampleSelector
from netcore.web.lesson_network import LessonFacts
from netcore.web.lesson_parts import Chapter

FILMS = (  # scene, chapter
    ("convolution", "A kernel slides over the image"),
    ("forward-propagation", "Layers and their parameters"),
    ("cnn-forward-propagation", "Layers and their parameters"),
    ("softmax-cross-entropy", "The loss measures the error"),
    ("backpropagation", "Backpropagation passes it on"),
)
FIGURES = (
    ("training-history", "Learning by heart or understanding"),
    ("confusion-matrix", "Learning by heart or understanding"),
)
QUALITY = "l"  # 15 frames per second
WEBP_QUALITY = 80


def add_renders(
    chapters: Sequence[Chapter], facts: LessonFacts, at: str, theme: str | None, listener: ProgressListener | None
) -> None:
    """Render the films and figures that the run supports, and add each to its chapter.

    Parameters
    ----------
    chapters : sequence of Chapter
        Those of films and figures are extended.
    facts : LessonFacts
        The films show its image.
    at : str
        Snapshot, as in `Run.snapshot`.
    theme : {"dark", "light"}, optional
        Without it films are light, and figures are both.
    listener : ProgressListener, optional
        Receives the progress.
    """
    titles = {chapter.title: chapter for chapter in chapters}
    films = [row for row in FILMS if row[1] in titles]
    figures = [row for row in FIGURES if row[1] in titles]
    themes = (theme,) if theme else ("light", "dark")
    with tempfile.TemporaryDirectory(prefix="netcore-lesson-") as name:
        folder = Path(name)
        requests = [_film_request(scene, facts, at, themes[0], folder) for scene, _ in films]
        requests += [_figure_request(scene, facts, at, each, folder) for scene, _ in figures for each in themes]
        render_all(requests, listener=listener)
        for scene, title in films:
            if (folder / f"{scene}.html").exists():
                _add_film(titles[title], folder, scene)
        for scene, title in figures:
            files = [folder / f"{scene}-{each}.png" for each in themes]
            if all(file.exists() for file in files):
                alt = _sidecar(files[0])["alt"]
                titles[title].add_picture(_data_uri(files[0]), alt, alt, dark=_data_uri(files[-1]))


def _film_request(scene: str, facts: LessonFacts, at: str, theme: str, folder: Path) -> Request:
    """Request a player whose captions are below its picture, not in it, and the storyboard."""
    output = str(folder / f"{scene}.html")
    return Request(
        scene=scene, run=str(facts.run.path), selector=SampleSelector(index=facts.index), at=at, theme=theme,
        formats=("html", "storyboard"), quality=QUALITY, options={"captions": False}, output=output,
    )  # fmt: skip


def _figure_request(scene: str, facts: LessonFacts, at: str, theme: str, folder: Path) -> Request:
    output = str(folder / f"{scene}-{theme}.png")
    return Request(scene=scene, run=str(facts.run.path), at=at, theme=theme, formats=("png",), output=output)


def _add_film(chapter: Chapter, folder: Path, scene: str) -> None:
    page = folder / f"{scene}.html"
    sidecar = _sidecar(page)
    steps = [(step["caption"], step["notes"]) for step in sidecar["steps"]]
    poster = _small_picture(folder / f"{scene}-storyboard.png")
    chapter.add_player(page.read_text(encoding="utf-8"), sidecar["title"], sidecar["alt"], poster, steps)


def _sidecar(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sidecar_path(file).read_text(encoding="utf-8"))
    return found


def _data_uri(file: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"


def _small_picture(file: Path) -> str:
    """Return a PNG as the data URI of a WebP of a fraction of its size."""
    import PIL.Image

    stream = io.BytesIO()
    with PIL.Image.open(file) as image:
        image.convert("RGB").save(stream, "WEBP", quality=WEBP_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"

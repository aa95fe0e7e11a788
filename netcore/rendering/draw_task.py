"""Draw one task in this process and encode its formats."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError
from netcore.core.files import file_sha256
from netcore.core.step import Step, cut_steps, select_steps
from netcore.rendering.context import caption_values, make_context
from netcore.rendering.formats import get_format
from netcore.viz.theme import THEMES

if TYPE_CHECKING:
    from netcore.rendering.encoding import EncodeSession
    from netcore.rendering.formats import EncodedFile
    from netcore.rendering.request import RenderTask


MIN_SIZE = 120  # pixels per side, below which a layout may have no room
FrameCallback = Callable[[int], None]  # called with the number of frames drawn so far
Drawn = tuple[dict[str, "DrawnFile"], dict[str, str]]  # files and refusals, by format


@dataclass(frozen=True)
class DrawnFile:
    """Size, duration and digest of one drawn file."""

    frames: int
    seconds: float  # duration of the clip, 0 for a still
    bytes: int
    width: int
    height: int
    sha256: str
    warning: str = ""
    steps: tuple[Step, ...] = ()  # of a film's clip, contiguous from its first frame to its last


@dataclass(frozen=True)
class DrawResult:
    """Result of one task.

    Attributes
    ----------
    files : dict of str to DrawnFile
        Files by format.
    reads : tuple of str
        What the scene read of the run, sorted.
    alt : str
        Alternative text.
    refusals : dict of str to str
        Reasons why the other formats were not written, by format.
    """

    files: dict[str, DrawnFile]
    reads: tuple[str, ...]
    alt: str
    refusals: dict[str, str] = field(default_factory=dict)


class SceneError(Exception):
    """A scene raised an exception.

    Attributes
    ----------
    args : tuple of str
        The exception in one line, with the line of the scene file; and its traceback.
    """

    def __str__(self) -> str:
        return str(self.args[0])


def draw_task(task: "RenderTask", folder: Path, on_frames: FrameCallback = lambda frames: None) -> DrawResult:
    """Draw a task's scene into a folder, one file per format: those of `drawn_path`.

    Parameters
    ----------
    task : RenderTask
    folder : Path
        An existing folder; the task's targets are not written.
    on_frames : callable
        Called with the number of frames drawn so far.

    Raises
    ------
    NetcoreError
        If the run is damaged, the image is not an image file, or a file cannot be encoded or written.
    SceneError
        If the scene raises an exception.
    """
    context = make_context(task.run, task.selector, task.at)
    paths = {name: drawn_path(folder, name) for name in task.targets}
    try:
        alt = " ".join(task.scene.caption.format(**caption_values(context, task.scene.caption_fields)).split())
        alt = alt or task.scene.title
        files, refusals = (_film if task.scene.kind == "film" else _figure)(task, context, alt, paths, on_frames)
    except NetcoreError:
        raise
    except Exception as error:
        if min(task.size) < MIN_SIZE and not task.scene.is_user_scene:
            width, height = task.size
            raise NetcoreError(
                f"scene '{task.scene.name}' cannot be drawn in {width}x{height} pixels: use a larger --size"
            ) from error
        raise SceneError(short_error(error, task.scene.path), "".join(traceback.format_exception(error))) from error
    return DrawResult(files, tuple(sorted(context.reads)), alt, refusals)


def drawn_path(folder: Path, format: str) -> Path:
    """Return the path under which `draw_task` writes a format."""
    return get_format(format).path(folder / "out")


def short_error(error: BaseException, scene: Path) -> str:
    """Return an error as one line: type, message, and the last line of the scene file in its traceback."""
    lines = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == scene]
    where = f" ({scene.name}, line {lines[-1].lineno}: {lines[-1].line})" if lines else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message[:300]}{where}" if message else f"{type(error).__name__}{where}"


def _film(
    task: "RenderTask", context: SceneContext, alt: str, paths: dict[str, Path], on_frames: FrameCallback
) -> Drawn:
    from netcore.rendering.encoding import LAST_FRAME_SECONDS, EncodeSession
    from netcore.rendering.frames import film_frames, film_steps
    from netcore.rendering.scenes import load_film
    from netcore.viz.film.settings import FilmSettings

    settings = FilmSettings(context, THEMES[task.theme], task.size, task.fps, task.options, task.transparent)
    film = load_film(task.scene.path, task.scene.class_name)
    steps = film_steps(film, settings)
    if task.steps and not steps:
        raise NetcoreError(f"{task.scene.name} is a plain Manim scene and has no steps: derive it from netcore.Film")
    first, last = select_steps(steps, task.steps)
    part = (first, None if last == len(steps) - 1 else last) if task.steps else None
    still = not any(get_format(name).animated or get_format(name).stepped for name in paths)
    drawn, theme, hold = 0, THEMES[task.theme], 0.0 if steps else LAST_FRAME_SECONDS
    steps = cut_steps(steps, first, last)
    with EncodeSession(paths, task.fps, task.max_mb, hold, steps, theme, task.scene.title, alt) as encoding:

        def sink(rgb: NDArray[Any], repeat: int) -> None:
            nonlocal drawn
            drawn += repeat
            encoding.write(rgb, repeat)
            on_frames(drawn)

        film_frames(film, settings, sink, part, still)
    return _drawn(encoding)


def _figure(
    task: "RenderTask", context: SceneContext, alt: str, paths: dict[str, Path], on_frames: FrameCallback
) -> Drawn:
    from netcore.rendering.encoding import LAST_FRAME_SECONDS, EncodeSession
    from netcore.rendering.frames import figure_frames, figure_still, save_figure
    from netcore.rendering.scenes import load_scene

    scene, theme = load_scene(task.scene.path), THEMES[task.theme]
    out: dict[str, DrawnFile] = {}
    for name, path in paths.items():
        if get_format(name).vector:
            save_figure(scene.draw, context, theme, task.size, task.options, path, task.transparent)
            out[name] = DrawnFile(1, 0.0, path.stat().st_size, *task.size, file_sha256(path))
            on_frames(1)
    rest = {name: path for name, path in paths.items() if name not in out}
    if not rest:
        return out, {}
    settings, hold = (context, theme, task.size), 0.0
    if task.scene.animated and any(get_format(name).animated for name in rest):
        hold = LAST_FRAME_SECONDS
        frames = figure_frames(scene.draw, *settings, task.fps, task.options, transparent=task.transparent)
    else:
        frames = iter([(figure_still(scene.draw, *settings, task.options, task.transparent), 1)])
    with EncodeSession(rest, task.fps, task.max_mb, hold, (), theme, task.scene.title, alt) as encoding:
        for rgb, repeat in _counted(frames, on_frames):
            encoding.write(rgb, repeat)
    files, refusals = _drawn(encoding)
    return out | files, refusals


def _drawn(encoding: "EncodeSession") -> Drawn:
    """Return what an ended session wrote, and its refusals."""
    files = {name: _drawn_file(encoded) for name, encoded in encoding.results.items()}
    return files, {name: str(error) for name, error in encoding.refusals.items()}


def _counted(
    frames: Iterable[tuple[NDArray[Any], int]], on_frames: FrameCallback
) -> Iterator[tuple[NDArray[Any], int]]:
    drawn = 0
    for rgb, repeat in frames:
        drawn += repeat
        on_frames(drawn)
        yield rgb, repeat


def _drawn_file(e: "EncodedFile") -> DrawnFile:
    return DrawnFile(e.frames, e.seconds, e.bytes, e.width, e.height, file_sha256(e.path), e.warning, e.steps)

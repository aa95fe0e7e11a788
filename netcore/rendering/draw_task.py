"""One pass over one scene, in this process: every wanted format is written into a folder."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError
from netcore.core.files import file_sha256
from netcore.rendering.context import caption_values, make_context
from netcore.rendering.formats import get_format
from netcore.viz.theme import THEMES

if TYPE_CHECKING:
    from netcore.rendering.request import RenderTask


Count = Callable[[int], None]  # told how many frames were drawn so far


@dataclass(frozen=True)
class DrawnFile:
    """What a worker tells of one drawn file."""

    frames: int
    seconds: float  # how long the clip plays
    bytes: int
    width: int
    height: int
    sha256: str
    warning: str = ""


@dataclass(frozen=True)
class DrawResult:
    """What one pass gave: files by format, what the scene read of the run, and its text for who cannot see it."""

    files: dict[str, DrawnFile]
    reads: tuple[str, ...]
    alt: str


class SceneError(Exception):
    """A scene failed; the message is short: what, and the line of the scene file."""

    @property
    def whole(self) -> str:
        """The traceback of what failed."""
        return "".join(traceback.format_exception(self.__cause__))


def draw_task(task: "RenderTask", folder: Path, count: Count = lambda frames: None) -> DrawResult:
    """Draw a job's scene and write ``<folder>/out.<format>`` for each of its formats.

    Parameters
    ----------
    job : Job
    folder : Path
        An existing folder; the job's own targets are not touched.
    count : callable
        Told the number of frames drawn so far.

    Raises
    ------
    NetcoreError
        If the run is damaged, the image is none, or the file cannot be encoded or written.
    SceneError
        If the scene itself fails.
    """
    from netcore.tracing.training_images import load_training_images

    context = make_context(task.run, task.selector, task.at, load_training_images)
    paths = {name: folder / f"out.{name}" for name in task.targets}
    try:
        files = (_film if task.scene.kind == "film" else _figure)(task, context, paths, count)
        alt = " ".join(task.scene.caption.format(**caption_values(context, task.scene.fields)).split())
    except NetcoreError:
        raise
    except Exception as error:
        raise SceneError(short_error(error, task.scene.path)) from error
    return DrawResult(files, tuple(sorted(context.reads)), alt or task.scene.title)


def short_error(error: BaseException, scene: Path) -> str:
    """An error in one line: its type, its message, and the last line of the scene file that led to it."""
    lines = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == scene]
    where = f" ({scene.name}, line {lines[-1].lineno}: {lines[-1].line})" if lines else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message[:300]}{where}" if message else f"{type(error).__name__}{where}"


def _film(task: "RenderTask", context: SceneContext, paths: dict[str, Path], count: Count) -> dict[str, DrawnFile]:
    from netcore.rendering.encoding import EncodeSession
    from netcore.rendering.frames import film_frames

    drawn = 0
    with EncodeSession(paths, task.fps, task.max_mb) as encoding:

        def sink(rgb: Any, repeat: int) -> None:
            nonlocal drawn
            drawn += repeat
            encoding.write(rgb, repeat)
            count(drawn)

        film_frames(task.scene.path, context, THEMES[task.theme], task.size, task.fps, task.options, sink)
    return {name: _told(encoded) for name, encoded in encoding.results.items()}


def _figure(task: "RenderTask", context: SceneContext, paths: dict[str, Path], count: Count) -> dict[str, DrawnFile]:
    from netcore.rendering.encoding import encode
    from netcore.rendering.frames import figure_frames, figure_still, save_figure
    from netcore.rendering.scenes import load_scene

    scene, theme = load_scene(task.scene.path), THEMES[task.theme]
    out = {}
    for name, path in paths.items():
        if get_format(name).vector:
            save_figure(scene.draw, context, theme, task.size, task.options, path)
            out[name] = DrawnFile(1, 0.0, path.stat().st_size, *task.size, file_sha256(path))
            count(1)
    rest = {name: path for name, path in paths.items() if name not in out}
    if rest:
        if any(get_format(name).animated for name in rest):
            frames = figure_frames(scene.draw, context, theme, task.size, task.fps, task.options)
        else:
            frames = iter([(figure_still(scene.draw, context, theme, task.size, task.options), 1)])
        encoded = encode(_counted(frames, count), rest, task.fps, task.max_mb)
        out |= {name: _told(e) for name, e in encoded.items()}
    return out


def _counted(frames: Any, count: Count) -> Any:
    drawn = 0
    for rgb, repeat in frames:
        drawn += repeat
        count(drawn)
        yield rgb, repeat


def _told(e: Any) -> DrawnFile:
    return DrawnFile(e.frames, e.seconds, e.bytes, e.width, e.height, file_sha256(e.path), e.warning)

"""One pass over one scene, in this process: every wanted format is written into a folder."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcore.case import Case
from netcore.errors import NetcoreError
from netcore.files import sha256
from netcore.render.cases import facts, make_case
from netcore.render.encode import MOVING, VECTOR
from netcore.stage.theme import THEMES

if TYPE_CHECKING:
    from netcore.render.plan import Job

Count = Callable[[int], None]  # told how many frames were drawn so far


@dataclass(frozen=True)
class Drawn:
    """What a worker tells of one drawn file."""

    frames: int
    seconds: float  # how long the clip plays
    bytes: int
    width: int
    height: int
    sha256: str
    warning: str = ""


@dataclass(frozen=True)
class Pass:
    """What one pass gave: files by format, what the scene read of the run, and its text for who cannot see it."""

    files: dict[str, Drawn]
    reads: tuple[str, ...]
    alt: str


class SceneError(Exception):
    """A scene failed; the message is short: what, and the line of the scene file."""

    @property
    def whole(self) -> str:
        """The traceback of what failed."""
        return "".join(traceback.format_exception(self.__cause__))


def draw(job: "Job", folder: Path, count: Count = lambda frames: None) -> Pass:
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
    case = make_case(job.run, job.choice, job.at)
    paths = {name: folder / f"out.{name}" for name in job.targets}
    try:
        files = (_film if job.scene.kind == "film" else _figure)(job, case, paths, count)
        alt = " ".join(job.scene.caption.format(**facts(case, job.scene.fields)).split())
    except NetcoreError:
        raise
    except Exception as error:
        raise SceneError(short(error, job.scene.path)) from error
    return Pass(files, tuple(sorted(case.reads)), alt or job.scene.title)


def short(error: BaseException, scene: Path) -> str:
    """An error in one line: its type, its message, and the last line of the scene file that led to it."""
    lines = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == scene]
    where = f" ({scene.name}, line {lines[-1].lineno}: {lines[-1].line})" if lines else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message[:300]}{where}" if message else f"{type(error).__name__}{where}"


def _film(job: "Job", case: Case, paths: dict[str, Path], count: Count) -> dict[str, Drawn]:
    from netcore.render.encode import Encoding
    from netcore.render.frames import film_frames

    drawn = 0
    with Encoding(paths, job.fps, job.max_mb) as encoding:

        def sink(rgb: Any, repeat: int) -> None:
            nonlocal drawn
            drawn += repeat
            encoding.write(rgb, repeat)
            count(drawn)

        film_frames(job.scene.path, case, THEMES[job.theme], job.size, job.fps, job.options, sink)
    return {name: _told(encoded) for name, encoded in encoding.results.items()}


def _figure(job: "Job", case: Case, paths: dict[str, Path], count: Count) -> dict[str, Drawn]:
    from netcore.render.encode import encode
    from netcore.render.frames import figure_frames, load, save_figure

    scene, theme = load(job.scene.path), THEMES[job.theme]
    out = {}
    moving = bool(set(paths) & set(MOVING))
    for name, path in paths.items():
        if name in VECTOR or (name == "png" and not moving):
            save_figure(scene.draw, case, theme, job.size, job.options, path)
            out[name] = Drawn(1, 0.0, path.stat().st_size, *job.size, sha256(path))
            count(1)
    rest = {name: path for name, path in paths.items() if name not in out}
    if rest:
        frames = figure_frames(scene.draw, case, theme, job.size, job.fps, job.options)
        encoded = encode(_counted(frames, count), rest, job.fps, job.max_mb)
        out |= {name: _told(e) for name, e in encoded.items()}
    return out


def _counted(frames: Any, count: Count) -> Any:
    drawn = 0
    for rgb, repeat in frames:
        drawn += repeat
        count(drawn)
        yield rgb, repeat


def _told(e: Any) -> Drawn:
    return Drawn(e.frames, e.seconds, e.bytes, e.width, e.height, sha256(e.path), e.warning)

"""Rendering, as a function: scenes of a run become files that say what they were made of."""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.errors import NetcoreError, Refused
from netcore.files import replacing
from netcore.render import manifest
from netcore.render.cases import Choice
from netcore.render.farm import TIMEOUT, Told, each, farm
from netcore.render.freshness import reason
from netcore.render.manifest import Drawn
from netcore.render.plan import Job, Request, jobs
from netcore.render.worker import files_of
from netcore.run import Run


@dataclass(frozen=True)
class Rendered:
    """What became of one file.

    target : where it lies.
    state : ``drawn``; ``fresh``, it was up to date; ``refused``, the user can mend it; ``failed``, the scene cannot.
    seconds, frames, bytes : how long the clip plays (0 for a picture), its frames, its size.
    message : why it was refused or failed, or a warning.
    title, alt, command : of the sidecar.
    took : seconds that the pass took which drew it.
    traceback : of the scene, where it failed.
    """

    target: Path
    state: str
    seconds: float = 0.0
    frames: int = 0
    bytes: int = 0
    message: str = ""
    title: str = ""
    alt: str = ""
    command: str = ""
    took: float = 0.0
    traceback: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        row = {name: getattr(self, name) for name in ("state", "seconds", "frames", "bytes")}
        return {"target": str(self.target), **row}


class Watcher:
    """Is told how a rendering goes; this one says nothing. Its methods may be called from several threads."""

    def say(self, line: str) -> None:
        """Something the user should know."""

    def begin(self, job: Job) -> None:
        """A pass begins."""

    def count(self, job: Job, frames: int) -> None:
        """So many frames of it are drawn."""

    def end(self, job: Job, done: Sequence[Rendered]) -> None:
        """It ended; so did its files."""


def render(
    scenes: str | Path | Sequence[str | Path],
    run: str | Path | Run,
    *,
    digit: int | str | None = None,
    index: int | None = None,
    image: str | Path | None = None,
    at: str = "best",
    formats: str | Sequence[str] | None = None,
    quality: str | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    theme: str = "dark",
    max_mb: float | None = None,
    output: str | Path | None = None,
    force: bool = False,
    jobs: int = 1,
    options: Mapping[str, Any] | None = None,
    runs: str | Path = "runs",
    timeout: float = TIMEOUT,
) -> list[Rendered]:
    """Render scenes of a run, each into ``renders/<run>/<scene>.<format>`` unless `output` says otherwise.

    What is up to date is left as it is.

    Parameters
    ----------
    scenes : str or sequence of str
        Names of scenes, or paths of your own scene files.
    run : str or Run
        Name of a run in `runs`, the path of its folder, or the run itself.
    digit, index, image :
        The image to look at: the first example of a class, the N-th example, or a picture file. At most one.
    at : str
        The snapshot: ``best``, ``last``, ``first``, ``epoch:N`` or ``step:N``.
    formats : str or sequence of str
        gif, mp4, webm, webp, apng, png, svg; a film becomes a GIF otherwise, a figure a PNG.
    quality : str
        ``l``, ``m``, ``h`` or ``k``, as Manim has them; `size` (pixels) and `fps` go before it.
    theme : str
        ``dark``, ``light`` or ``both``.
    max_mb : float
        Most megabytes of an image that moves.
    force : bool
        Draw what is up to date too.
    jobs : int
        Passes drawn at once.
    options : mapping
        The scenes' own options.
    timeout : float
        Seconds that one pass may take in a process of its own.

    Returns
    -------
    list of Rendered
        One a file, in order.

    Raises
    ------
    NetcoreError
        If something asked for does not exist (the nearest name is offered); nothing is drawn then. What fails while it
        is drawn is told in the list.
    """
    choice = Choice(None if digit is None else str(digit), index, None if image is None else str(image))
    wanted = (formats,) if isinstance(formats, str) else tuple(formats or ())
    common = {
        "run": str(run.path if isinstance(run, Run) else run), "choice": choice, "at": at, "formats": wanted,
        "quality": quality, "size": size, "fps": fps, "theme": theme, "max_mb": max_mb,
        "output": None if output is None else str(output), "options": options or {}, "runs": str(runs),
    }  # fmt: skip
    names = [scenes] if isinstance(scenes, (str, Path)) else scenes
    requests = [Request(scene=str(name), **common) for name in names]
    return render_all(requests, force=force, at_once=jobs, timeout=timeout)


def render_all(
    requests: Iterable[Request],
    *,
    force: bool = False,
    at_once: int = 1,
    timeout: float = TIMEOUT,
    watcher: Watcher | None = None,
) -> list[Rendered]:
    """Render many requests, of several runs too, some at once; otherwise as `render`."""
    watcher = watcher or Watcher()
    manifest.forget()
    done: list[Rendered] = []
    passes: list[Job] = []
    for request in requests:
        try:
            passes += jobs(request)
        except Refused as error:  # the others may still be drawn
            done.append(Rendered(Path(request.output or request.scene), "refused", message=str(error)))
    _distinct(passes)
    stale = {id(job): [f for f in job.targets if force or reason(job, f)] for job in passes}
    work = [job.only(stale[id(job)]) for job in passes if stale[id(job)]]
    _prepare(work, watcher)
    drawn = iter(_draw_all(work, at_once, timeout, watcher))
    for job in passes:
        new = {r.target: r for r in (next(drawn) if stale[id(job)] else [])}
        done += [new.get(target) or _fresh(target) for target in job.targets.values()]
    return done


def _distinct(passes: Sequence[Job]) -> None:
    seen: dict[Path, Job] = {}
    for job in passes:
        for target in job.targets.values():
            other = seen.setdefault(target.resolve(), job)
            if other is not job:
                raise NetcoreError(f"{other.name} and {job.name} both go to {target}: give each its own -o")


def _prepare(work: Sequence[Job], watcher: Watcher) -> None:
    """Find out before anything is drawn whether each image can be had, and say what was done to it."""
    seen = set()
    for job in work:
        manifest.machine(job.scene.path)  # as it is now: what is edited meanwhile makes the render stale
        if (job.choice, job.run.path) in seen:
            continue
        seen.add((job.choice, job.run.path))
        _, note = job.choice.picture(job.run)
        if note:
            watcher.say(note)


def _draw_all(work: Sequence[Job], at_once: int, timeout: float, watcher: Watcher) -> list[list[Rendered]]:
    """Draw passes; a single figure in this process, all else in processes that can be stopped."""
    if not work:
        return []
    if len(work) == 1 and work[0].scene.kind == "figure":
        return [_finish(work[0], _here, timeout, watcher)]
    at_once = max(1, min(at_once, len(work)))
    with farm(at_once) as draw:
        return each(lambda job: _finish(job, draw, timeout, watcher), work, at_once)


def _here(job: Job, folder: Path, timeout: float, count: Any) -> Told:
    from netcore.render.draw import SceneError, draw

    try:
        out = draw(job, folder, count)
    except NetcoreError as error:
        return {"refused": str(error)}
    except SceneError as error:
        return {"failed": str(error), "traceback": error.whole}
    return {"files": {name: vars(file) for name, file in out.files.items()}, "reads": out.reads, "alt": out.alt}


def _finish(job: Job, draw: Any, timeout: float, watcher: Watcher) -> list[Rendered]:
    """Have a pass drawn beside its targets and put the files in their places, or leave everything as it was."""
    watcher.begin(job)
    start = time.monotonic()
    first = next(iter(job.targets.values()))
    try:
        with _folder_beside(first) as folder:
            told = draw(job, folder, timeout, lambda frames: watcher.count(job, frames))
            took = time.monotonic() - start
            if "files" in told:
                done = _place(job, folder, files_of(told["files"]), told, took)
            else:
                state, line = next(iter(told.items()))
                line = _in_the_users_words(line, job, folder)
                line = line if state == "refused" else f"{job.name} failed: {line}"
                trace = told.get("traceback", "")
                done = [Rendered(t, state, message=line, took=took, traceback=trace) for t in job.targets.values()]
    except NetcoreError as error:
        done = [Rendered(t, "refused", message=str(error)) for t in job.targets.values()]
    watcher.end(job, done)
    return done


def _in_the_users_words(line: str, job: Job, folder: Path) -> str:
    """Name the files that the user knows, not those written on the way to them."""
    for name, target in job.targets.items():
        line = line.replace(str(folder / f"out.{name}"), str(target))
    return line


def _place(job: Job, folder: Path, files: Mapping[str, Drawn], told: Told, took: float) -> list[Rendered]:
    out = []
    for name, target in job.targets.items():
        with replacing(target) as partial:
            os.replace(folder / f"out.{name}", partial)
        manifest.write(job, name, told["reads"], files[name], told["alt"])
        out.append(_told(target, "drawn", files[name].warning, took))
    return out


def _fresh(target: Path) -> Rendered:
    return _told(target, "fresh")


def _told(target: Path, state: str, message: str = "", took: float = 0.0) -> Rendered:
    told = manifest.read(target) or {}
    values = {k: told.get(k) for k in ("seconds", "frames", "bytes", "title", "alt", "command")}
    return Rendered(target, state, message=message, took=took, **values)


@contextlib.contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A folder beside `target`, removed with all that is in it, whoever wrote that and however it ended."""
    folder = target.with_name(f".{target.stem}-{secrets.token_hex(4)}.partial")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise NetcoreError(f"cannot write {target}: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

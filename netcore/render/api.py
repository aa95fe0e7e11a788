"""Rendering, as a function: scenes of a run become files that say what they were made of."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from netcore.errors import NetcoreError, Refused
from netcore.render import code_digest, manifest
from netcore.render.cases import Choice
from netcore.render.farm import TIMEOUT
from netcore.render.freshness import reason
from netcore.render.passes import draw_all
from netcore.render.plan import Job, Request, jobs
from netcore.render.result import Rendered, Watcher, rendered
from netcore.run import Run

__all__ = ["Rendered", "Request", "Watcher", "render", "render_all"]


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
        gif, mp4, webm, webp, apng, png, svg, pdf; a film becomes a GIF otherwise, a figure a PNG.
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
    drawn = iter(draw_all(work, at_once, timeout, watcher))
    for job in passes:
        new = {r.target: r for r in (next(drawn) if stale[id(job)] else [])}
        done += [new.get(target) or rendered(target, "fresh") for target in job.targets.values()]
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
        code_digest.TREE.reach(
            job.scene.path, job.scene.kind
        )  # as it is now: what is edited meanwhile makes the render stale
        if (job.choice, job.run.path) in seen:
            continue
        seen.add((job.choice, job.run.path))
        _, note = job.choice.picture(job.run)
        if note:
            watcher.say(note)

"""Rendering, as a function: scenes of a run become files that say what they were made of."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.run import Run
from netcore.rendering import code_digest
from netcore.rendering import provenance as manifest
from netcore.rendering.execution import run_tasks
from netcore.rendering.freshness import stale_reason
from netcore.rendering.pool import TIMEOUT_SECONDS
from netcore.rendering.request import RenderTask, Request, make_tasks
from netcore.rendering.result import ProgressListener, RenderResult, result_from_sidecar
from netcore.rendering.sample_selector import SampleSelector


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
    timeout: float = TIMEOUT_SECONDS,
) -> list[RenderResult]:
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
    selector = SampleSelector(None if digit is None else str(digit), index, None if image is None else str(image))
    wanted = (formats,) if isinstance(formats, str) else tuple(formats or ())
    common = {
        "run": str(run.path if isinstance(run, Run) else run), "selector": selector, "at": at, "formats": wanted,
        "quality": quality, "size": size, "fps": fps, "theme": theme, "max_mb": max_mb,
        "output": None if output is None else str(output), "options": options or {}, "runs": str(runs),
    }  # fmt: skip
    names = [scenes] if isinstance(scenes, (str, Path)) else scenes
    requests = [Request(scene=str(name), **common) for name in names]
    return render_all(requests, force=force, jobs=jobs, timeout=timeout)


def render_all(
    requests: Iterable[Request],
    *,
    force: bool = False,
    jobs: int = 1,
    timeout: float = TIMEOUT_SECONDS,
    listener: ProgressListener | None = None,
) -> list[RenderResult]:
    """Render many requests, of several runs too, some at once; otherwise as `render`."""
    listener = listener or ProgressListener()
    manifest.clear_caches()
    done: list[RenderResult] = []
    passes: list[RenderTask] = []
    for request in requests:
        try:
            passes += make_tasks(request)
        except RequirementError as error:  # the others may still be drawn
            done.append(RenderResult(Path(request.output or request.scene), "refused", message=str(error)))
    _distinct(passes)
    stale = {id(task): [f for f in task.targets if force or stale_reason(task, f)] for task in passes}
    work = [task.only(stale[id(task)]) for task in passes if stale[id(task)]]
    _prepare(work, listener)
    drawn = iter(run_tasks(work, jobs, timeout, listener))
    for task in passes:
        new = {r.target: r for r in (next(drawn) if stale[id(task)] else [])}
        done += [new.get(target) or result_from_sidecar(target, "fresh") for target in task.targets.values()]
    return done


def _distinct(passes: Sequence[RenderTask]) -> None:
    seen: dict[Path, RenderTask] = {}
    for task in passes:
        for target in task.targets.values():
            other = seen.setdefault(target.resolve(), task)
            if other is not task:
                raise NetcoreError(
                    f"{other.name} and {task.name} have the same output {target}: pass a different -o for each"
                )


def _prepare(work: Sequence[RenderTask], listener: ProgressListener) -> None:
    """Find out before anything is drawn whether each image can be had, and say what was done to it."""
    seen = set()
    for task in work:
        for name in task.targets:  # as it is now: what is edited meanwhile makes the render stale
            code_digest.TREE.reach(task.scene.path, task.scene.kind, name)
        if (task.selector, task.run.path) in seen:
            continue
        seen.add((task.selector, task.run.path))
        _, note = task.selector.select(task.run)
        if note:
            listener.say(note)

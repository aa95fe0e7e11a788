"""Render scenes of a run to files, each with a sidecar."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.run import Run
from netcore.rendering import code_digest
from netcore.rendering.execution import run_tasks
from netcore.rendering.freshness import stale_reason
from netcore.rendering.pool import TIMEOUT_SECONDS
from netcore.rendering.provenance import clear_caches, read_sidecar
from netcore.rendering.reading_once import reading_once, real_path
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
    correct: bool = False,
    misclassified: bool = False,
    most_confident: bool = False,
    least_confident: bool = False,
    confused: str | Sequence[str | int] | None = None,
    mistake: int | None = None,
    at: str = "best",
    formats: str | Sequence[str] | None = None,
    quality: str | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    theme: str = "dark",
    transparent: bool = False,
    max_mb: float | None = None,
    steps: str | int | None = None,
    output: str | Path | None = None,
    force: bool = False,
    jobs: int = 1,
    options: Mapping[str, Any] | None = None,
    runs: str | Path = "runs",
    timeout: float = TIMEOUT_SECONDS,
    executor: Executor | None = None,
) -> list[RenderResult]:
    """Render scenes of a run to files.

    Files that are up to date are not drawn again.

    Parameters
    ----------
    scenes : str or sequence of str
        Names of scenes, or paths of your own scene files.
    run : str or Run
        Name of a run in `runs`, the path of its folder, or the run itself.
    digit, index, image : str or int, int, path, optional
        The image shown: the first example of a class, the N-th example, or an image file. At most one of them.
    correct, misclassified : bool
        Show an example that the snapshot classifies so; also with `digit`.
    most_confident, least_confident : bool
        Of the examples that match, show the one with the highest or lowest confidence.
    confused : str or sequence, optional
        True and predicted class, ``"4,9"`` or ``(4, 9)``: show an example of the first classified as the second.
    mistake : int, optional
        Show the N-th misclassified image of the evaluation, as the scene ``misclassified`` numbers them.
    at : str
        Snapshot: ``best``, ``last``, ``first``, ``epoch:N`` or ``step:N``.
    formats : str or sequence of str
        apng, avif, gif, html, mov, mp4, webm, webp, png, pdf, svg; of a film also storyboard and vtt (subtitles).
        Default: gif for a film, png for a figure.
    quality : {"l", "m", "h", "k"}, optional
        Size and frame rate, as in Manim.
    size : tuple of int, optional
        (width, height) in pixels; overrides `quality`.
    fps : float, optional
        Frames per second; overrides `quality`.
    theme : {"dark", "light", "both"}
        Colour theme.
    transparent : bool
        Leave out the background, in a format that holds transparency.
    max_mb : float
        Most megabytes of an image that moves.
    steps : str or int, optional
        Steps of a film: ``4``, ``"3-5"`` or a name; default: all.
    force : bool
        Draw files that are up to date too.
    jobs : int
        Number of tasks drawn in parallel.
    options : mapping, optional
        Options of the scenes, by name.
    runs : str or Path
        Folder of the runs.
    timeout : float
        Time limit in seconds of one task in a worker process.
    executor : concurrent.futures.Executor, optional
        Where tasks are drawn instead of worker processes, such as a Dask cluster's that sees the same files.

    Returns
    -------
    list of RenderResult
        One per file, in order.

    Raises
    ------
    NetcoreError
        If a scene, run, snapshot, option or format does not exist (the nearest name is offered); nothing is drawn
        then. What fails while it is drawn is reported in the list.
    """
    pair = confused if confused is None or isinstance(confused, str) else ",".join(map(str, confused))
    selector = SampleSelector(
        _as_text(digit), index, _as_text(image), correct, misclassified, most_confident, least_confident, pair, mistake
    )
    base = Request(
        scene="", run=str(run.path if isinstance(run, Run) else run), runs_dir=str(runs), selector=selector, at=at,
        formats=(formats,) if isinstance(formats, str) else tuple(formats or ()), options=options or {},
        quality=quality, size=size, fps=fps, theme=theme, transparent=transparent, max_mb=max_mb,
        steps=_as_text(steps) or "", output=_as_text(output),
    )  # fmt: skip
    names = [scenes] if isinstance(scenes, (str, Path)) else scenes
    requests = [replace(base, scene=str(name)) for name in names]
    return render_all(requests, force=force, jobs=jobs, timeout=timeout, executor=executor)


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


def render_all(
    requests: Iterable[Request],
    *,
    force: bool = False,
    jobs: int = 1,
    timeout: float = TIMEOUT_SECONDS,
    listener: ProgressListener | None = None,
    executor: Executor | None = None,
) -> list[RenderResult]:
    """Render several requests, also of several runs.

    Parameters
    ----------
    requests : iterable of Request
    force, jobs, timeout, executor :
        As in `render`.
    listener : ProgressListener, optional
        Receives the progress.

    Returns
    -------
    list of RenderResult
        One per file, in order; refused requests first.
    """
    listener = listener or ProgressListener()
    clear_caches()
    with reading_once():
        tasks, done = _plan(requests)
        fresh = [{} if force else _fresh_results(task) for task in tasks]
    stale_tasks = [
        task.with_formats([name for name in task.targets if name not in known])
        for task, known in zip(tasks, fresh, strict=True)
        if len(known) < len(task.targets)
    ]
    _prepare(stale_tasks, listener)
    drawn = iter(run_tasks(stale_tasks, jobs, timeout, listener, executor))
    for task, known in zip(tasks, fresh, strict=True):
        new = {r.target: r for r in (next(drawn) if len(known) < len(task.targets) else [])}
        done += [known.get(name) or new[target] for name, target in task.targets.items()]
    return done


def _plan(requests: Iterable[Request]) -> tuple[list[RenderTask], list[RenderResult]]:
    """Return the tasks of all requests, and results for those that are refused."""
    tasks: list[RenderTask] = []
    refused: list[RenderResult] = []
    for request in requests:
        try:
            tasks += make_tasks(request)
        except RequirementError as error:  # the others may still be drawn
            target = Path(request.output or request.scene)
            refused.append(RenderResult(target, "refused", message=str(error), lacking=True))
    _check_targets(tasks)
    return tasks, refused


def _fresh_results(task: RenderTask) -> dict[str, RenderResult]:
    """Return the results of a task's files that are up to date, by format."""
    found = {}
    for name, target in task.targets.items():
        sidecar = read_sidecar(target)
        if not stale_reason(task, name, sidecar):
            found[name] = result_from_sidecar(target, "fresh", sidecar=sidecar)
    return found


def _check_targets(tasks: Sequence[RenderTask]) -> None:
    """Refuse two tasks that would write the same file."""
    seen: dict[str, RenderTask] = {}
    for task in tasks:
        for target in task.targets.values():
            other = seen.setdefault(real_path(str(target)), task)
            if other is not task:
                raise NetcoreError(
                    f"{other.name} and {task.name} have the same output {target}: pass a different -o for each"
                )


def _prepare(tasks: Sequence[RenderTask], listener: ProgressListener) -> None:
    """Read each image before anything is drawn, and report how it was prepared."""
    seen = set()
    for task in tasks:
        for name in task.targets:  # read now: a later edit makes the render stale
            code_digest.TREE.reach(task.scene.path, task.scene.kind, name)
        if (task.selector, task.run.path) in seen:
            continue
        seen.add((task.selector, task.run.path))
        note = task.selector.prepare(task.run)
        if note:
            listener.on_message(note)

"""Run render tasks on an executor and place the files."""

import contextlib
import os
import shutil
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path

from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.files import atomic_write, partial_path
from netcore.rendering.draw_task import DrawResult, SceneError, drawn_path, short_error
from netcore.rendering.job import draw_job
from netcore.rendering.pool import WorkerError, WorkerPool, map_concurrently
from netcore.rendering.provenance import write_sidecar
from netcore.rendering.request import RenderTask
from netcore.rendering.result import ProgressListener, RenderResult, result_from_sidecar


def run_tasks(
    tasks: Sequence[RenderTask],
    jobs: int,
    timeout: float,
    listener: ProgressListener,
    executor: Executor | None = None,
) -> list[list[RenderResult]]:
    """Draw tasks, `jobs` at a time.

    Parameters
    ----------
    tasks : sequence of RenderTask
    jobs : int
    timeout : float
        Time limit of a task in a worker process, in seconds.
    listener : ProgressListener
    executor : Executor, optional
        Where the tasks are drawn, such as a Dask cluster that sees the same files. Default: worker processes, which a
        scene that hangs or crashes ends alone.

    Returns
    -------
    list of list of RenderResult
        One list per task, with one result per file.
    """
    if not tasks:
        return []
    jobs = max(1, min(jobs, len(tasks)))
    with contextlib.ExitStack() as stack:
        if executor is None:
            executor = stack.enter_context(
                WorkerPool(jobs, timeout, lambda args, frames: listener.on_frames(args[0], frames))
            )
        finish = _Finisher(executor, listener)
        return [finish(tasks[0])] if len(tasks) == 1 else map_concurrently(finish, tasks, jobs)


class _Finisher:
    """Draws a task beside its targets, then moves the files there; after an error the earlier files remain."""

    def __init__(self, executor: Executor, listener: ProgressListener) -> None:
        self._executor, self._listener = executor, listener

    def __call__(self, task: RenderTask) -> list[RenderResult]:
        self._listener.on_task_start(task)
        start = time.monotonic()
        try:
            with _folder_beside(next(iter(task.targets.values()))) as folder:
                try:
                    result = self._executor.submit(draw_job, task, folder).result()
                except Exception as error:
                    done = _unfinished(task, folder, error, time.monotonic() - start)
                else:
                    done = _place(task, folder, result, time.monotonic() - start)
        except NetcoreError as error:  # the folder or a target cannot be written
            done = [RenderResult(t, "refused", message=str(error)) for t in task.targets.values()]
        self._listener.on_task_end(task, done)
        return done


def _unfinished(task: RenderTask, folder: Path, error: Exception, wall_seconds: float) -> list[RenderResult]:
    """Return the results of a task that was refused or failed."""
    trace = ""
    if isinstance(error, NetcoreError):
        state, line = "refused", str(error)
    else:
        state = "failed"
        known = isinstance(error, (SceneError, WorkerError))
        line = f"{task.name} failed: {error if known else short_error(error, Path())}"
        if not isinstance(error, WorkerError):
            trace = str(error.args[1]) if isinstance(error, SceneError) else "".join(traceback.format_exception(error))
    line, lacking = _with_targets(line, task, folder), isinstance(error, RequirementError)
    return [
        RenderResult(t, state, message=line, wall_seconds=wall_seconds, traceback=trace, lacking=lacking)
        for t in task.targets.values()
    ]


def _with_targets(line: str, task: RenderTask, folder: Path) -> str:
    """Name targets in a message, not temporary files."""
    for name, target in task.targets.items():
        line = line.replace(str(drawn_path(folder, name)), str(target))
    return line


def _place(task: RenderTask, folder: Path, result: DrawResult, wall_seconds: float) -> list[RenderResult]:
    """Write the sidecars and move the drawn files to their targets; those that were refused remain as they were.

    In this order, so that after a kill between the two the sidecar shows that the file is netcore's and is stale.
    """
    out = []
    for name, target in task.targets.items():
        if name in result.refusals:
            line = _with_targets(result.refusals[name], task, folder)
            out.append(RenderResult(target, "refused", message=line, wall_seconds=wall_seconds))
            continue
        file = result.files[name]
        with atomic_write(target) as partial:
            os.replace(drawn_path(folder, name), partial)
            write_sidecar(task, name, result.reads, file, result.alt)
        out.append(result_from_sidecar(target, "drawn", file.warning, wall_seconds))
    return out


@contextlib.contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """Create a temporary folder beside `target`; it is removed with all its files in any case."""
    folder = partial_path(target)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise NetcoreError(f"cannot write {target}: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

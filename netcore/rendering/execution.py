"""Run render tasks and move finished files to their targets."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write, partial_path
from netcore.rendering.draw_task import DrawnFile
from netcore.rendering.pool import DrawFunction, WorkerReply, map_concurrently, worker_pool
from netcore.rendering.provenance import write_sidecar
from netcore.rendering.request import RenderTask
from netcore.rendering.result import ProgressListener, RenderResult, result_from_sidecar
from netcore.rendering.worker import drawn_files


def run_tasks(
    tasks: Sequence[RenderTask], jobs: int, timeout: float, listener: ProgressListener
) -> list[list[RenderResult]]:
    """Draw tasks in worker processes, which a scene that hangs or crashes ends alone.

    Returns
    -------
    list of list of RenderResult
        One list per task, with one result per file.
    """
    if not tasks:
        return []
    jobs = max(1, min(jobs, len(tasks)))
    with worker_pool(jobs) as draw_in_worker:
        return map_concurrently(lambda task: _finish(task, draw_in_worker, timeout, listener), tasks, jobs)


def _finish(task: RenderTask, draw: DrawFunction, timeout: float, listener: ProgressListener) -> list[RenderResult]:
    """Draw a task beside its targets, then move the files there; after an error the earlier files remain."""
    listener.on_task_start(task)
    start = time.monotonic()
    first = next(iter(task.targets.values()))
    try:
        with _folder_beside(first) as folder:
            reply = draw(task, folder, timeout, lambda frames: listener.on_frames(task, frames))
            wall_seconds = time.monotonic() - start
            if "files" in reply:
                done = _place(task, folder, reply, wall_seconds)
            else:
                done = _unfinished(task, folder, reply, wall_seconds)
    except NetcoreError as error:
        done = [RenderResult(t, "refused", message=str(error)) for t in task.targets.values()]  # it cannot be written
    listener.on_task_end(task, done)
    return done


def _unfinished(task: RenderTask, folder: Path, reply: WorkerReply, wall_seconds: float) -> list[RenderResult]:
    """Return the results of a task that was refused or failed; the message names targets, not temporary files."""
    state, line = next(iter(reply.items()))
    for name, target in task.targets.items():
        line = line.replace(str(folder / f"out.{name}"), str(target))
    line = line if state == "refused" else f"{task.name} failed: {line}"
    trace = reply.get("traceback", "")
    return [
        RenderResult(t, state, message=line, wall_seconds=wall_seconds, traceback=trace, lacking="lacking" in reply)
        for t in task.targets.values()
    ]


def _place(task: RenderTask, folder: Path, reply: WorkerReply, wall_seconds: float) -> list[RenderResult]:
    """Write the sidecars and move the drawn files to their targets.

    In this order, so that after a kill between the two the sidecar shows that the file is netcore's and is stale.
    """
    files: Mapping[str, DrawnFile] = drawn_files(reply)
    out = []
    for name, target in task.targets.items():
        with atomic_write(target) as partial:
            os.replace(folder / f"out.{name}", partial)
            write_sidecar(task, name, reply["reads"], files[name], reply["alt"])
        out.append(result_from_sidecar(target, "drawn", files[name].warning, wall_seconds))
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

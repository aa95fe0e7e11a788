"""Passes drawn beside their targets: the files come to their places whole, or everything stays as it was."""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write
from netcore.rendering.draw_task import DrawnFile, SceneError, draw_task
from netcore.rendering.pool import WorkerReply, map_concurrently, worker_pool
from netcore.rendering.provenance import write_sidecar
from netcore.rendering.request import RenderTask
from netcore.rendering.result import ProgressListener, RenderResult, result_from_sidecar
from netcore.rendering.worker import files_of


def run_tasks(
    work: Sequence[RenderTask], jobs: int, timeout: float, listener: ProgressListener
) -> list[list[RenderResult]]:
    """Draw passes; a single figure in this process, all else in processes that can be stopped."""
    if not work:
        return []
    if len(work) == 1 and work[0].scene.kind == "figure":
        return [_finish(work[0], _here, timeout, listener)]
    jobs = max(1, min(jobs, len(work)))
    with worker_pool(jobs) as draw_there:
        return map_concurrently(lambda task: _finish(task, draw_there, timeout, listener), work, jobs)


def _here(task: RenderTask, folder: Path, timeout: float, count: Any) -> WorkerReply:
    try:
        out = draw_task(task, folder, count)
    except NetcoreError as error:
        return {"refused": str(error)}
    except SceneError as error:
        return {"failed": str(error), "traceback": error.traceback_text}
    return {"files": {name: vars(file) for name, file in out.files.items()}, "reads": out.reads, "alt": out.alt}


def _finish(task: RenderTask, draw: Any, timeout: float, listener: ProgressListener) -> list[RenderResult]:
    """Have a pass drawn beside its targets and put the files in their places, or leave everything as it was."""
    listener.on_task_start(task)
    start = time.monotonic()
    first = next(iter(task.targets.values()))
    try:
        with _folder_beside(first) as folder:
            told = draw(task, folder, timeout, lambda frames: listener.on_frames(task, frames))
            wall_seconds = time.monotonic() - start
            if "files" in told:
                done = _place(task, folder, files_of(told["files"]), told, wall_seconds)
            else:
                state, line = next(iter(told.items()))
                line = _in_the_users_words(line, task, folder)
                line = line if state == "refused" else f"{task.name} failed: {line}"
                trace = told.get("traceback", "")
                done = [
                    RenderResult(t, state, message=line, wall_seconds=wall_seconds, traceback=trace)
                    for t in task.targets.values()
                ]
    except NetcoreError as error:
        done = [RenderResult(t, "refused", message=str(error)) for t in task.targets.values()]
    listener.on_task_end(task, done)
    return done


def _in_the_users_words(line: str, task: RenderTask, folder: Path) -> str:
    """Name the files that the user knows, not those written on the way to them."""
    for name, target in task.targets.items():
        line = line.replace(str(folder / f"out.{name}"), str(target))
    return line


def _place(
    task: RenderTask, folder: Path, files: Mapping[str, DrawnFile], told: WorkerReply, wall_seconds: float
) -> list[RenderResult]:
    out = []
    for name, target in task.targets.items():
        with atomic_write(target) as partial:
            os.replace(folder / f"out.{name}", partial)
        write_sidecar(task, name, told["reads"], files[name], told["alt"])
        out.append(result_from_sidecar(target, "drawn", files[name].warning, wall_seconds))
    return out


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

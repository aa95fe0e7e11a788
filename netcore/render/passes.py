"""Passes drawn beside their targets: the files come to their places whole, or everything stays as it was."""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from netcore.errors import NetcoreError
from netcore.files import replacing
from netcore.render import manifest
from netcore.render.draw import Drawn, SceneError, draw
from netcore.render.farm import Told, each, farm
from netcore.render.plan import Job
from netcore.render.result import Rendered, Watcher, rendered
from netcore.render.worker import files_of


def draw_all(work: Sequence[Job], at_once: int, timeout: float, watcher: Watcher) -> list[list[Rendered]]:
    """Draw passes; a single figure in this process, all else in processes that can be stopped."""
    if not work:
        return []
    if len(work) == 1 and work[0].scene.kind == "figure":
        return [_finish(work[0], _here, timeout, watcher)]
    at_once = max(1, min(at_once, len(work)))
    with farm(at_once) as draw_there:
        return each(lambda job: _finish(job, draw_there, timeout, watcher), work, at_once)


def _here(job: Job, folder: Path, timeout: float, count: Any) -> Told:
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
        out.append(rendered(target, "drawn", files[name].warning, took))
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

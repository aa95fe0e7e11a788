"""A process that draws: jobs come in as lines of JSON, progress and results go out likewise.

A process of its own, so that a library that hangs or crashes takes no command with it. `netcore.rendering.pool`
starts it as ``python -m netcore.rendering.worker``, which works from scripts and notebooks too, where a spawned copy of
the caller would run its file again. It stays warm for the next job.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from queue import Queue
from typing import Any

from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.rendering.draw_task import DrawnFile, SceneError, draw_task, short_error
from netcore.rendering.request import RenderTask
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import read_scene

EVERY = 0.1  # seconds between two words on progress


def task_to_json(task: RenderTask, folder: Path) -> str:
    """A job as one line of JSON."""
    plain = {**vars(task), "scene": str(task.scene.path), "run": str(task.run.path), "selector": vars(task.selector)}
    plain["targets"] = {name: str(path) for name, path in task.targets.items()}
    return json.dumps({"job": plain, "folder": str(folder)})


def task_from_json(line: str) -> tuple[RenderTask, Path]:
    """The job and the folder of a line that `pack` made."""
    told = json.loads(line)
    plain = told["job"]
    task = RenderTask(
        **plain
        | {
            "scene": read_scene(Path(plain["scene"])),
            "run": load_run(plain["run"]),
            "selector": SampleSelector(**plain["selector"]),
            "size": tuple(plain["size"]),
            "targets": {name: Path(path) for name, path in plain["targets"].items()},
        }
    )
    return task, Path(told["folder"])


def handle_task(line: str, tell: Any) -> None:
    """Draw one job, telling of progress and, last, of the result or the error."""
    last = time.monotonic()

    def count(frames: int) -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            last = time.monotonic()
            tell({"frames": frames})

    try:
        task, folder = task_from_json(line)
        out = draw_task(task, folder, count)
        tell({"files": {k: asdict(v) for k, v in out.files.items()}, "reads": out.reads, "alt": out.alt})
    except NetcoreError as error:
        tell({"refused": str(error)})
    except SceneError as error:
        tell({"failed": str(error), "traceback": error.traceback_text})
    except Exception as error:
        tell({"failed": short_error(error, Path()), "traceback": traceback.format_exc()})


def files_of(told: Mapping[str, Any]) -> dict[str, DrawnFile]:
    """The files of a result that `answer` told."""
    return {name: DrawnFile(**values) for name, values in told.items()}


@contextlib.contextmanager
def _own_stdout() -> Iterator[Any]:
    """Keep standard output for the answers: whatever libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        yield out


def main() -> None:
    """Answer lines of standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the farm decides
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # unwinds, so that temporary folders are removed
    lines: Queue[str] = Queue()
    current: list[Path] = []

    def read() -> None:
        with os.fdopen(os.dup(0), encoding="utf-8") as stdin:  # not sys.stdin, whose lock would block the exit
            for line in stdin:
                lines.put(line)
        for folder in current:  # the farm is gone: leave nothing half written
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    with _own_stdout() as out:

        def tell(message: Mapping[str, Any]) -> None:
            out.write(json.dumps(message) + "\n")
            out.flush()

        while True:
            line = lines.get()
            current[:] = [Path(json.loads(line)["folder"])]
            handle_task(line, tell)
            current.clear()


if __name__ == "__main__":
    main()

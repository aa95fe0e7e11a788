"""Worker process: reads tasks as lines of JSON, writes progress and results.

A separate process, so that a library that hangs or crashes does not end the command. `netcore.rendering.pool` starts it
as ``python -m netcore.rendering.worker``, which works from scripts and notebooks too: there a spawned copy of the
caller would run its file again. It is reused for the next task.
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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from queue import Queue
from typing import Any, TextIO

from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.run import load_run
from netcore.core.step import Step
from netcore.rendering.draw_task import DrawnFile, SceneError, draw_task, short_error
from netcore.rendering.request import RenderTask
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import read_scene

PROGRESS_INTERVAL_S = 0.1

Reply = Callable[[Mapping[str, Any]], None]  # sends one message to the pool


def task_to_json(task: RenderTask, folder: Path) -> str:
    """Encode a task and its folder as one line of JSON."""
    plain = {field.name: getattr(task, field.name) for field in fields(task)}  # `asdict` would copy the run
    plain |= {"scene": str(task.scene.path), "run": str(task.run.path), "selector": asdict(task.selector)}
    plain["targets"] = {name: str(path) for name, path in task.targets.items()}
    return json.dumps({"job": plain, "folder": str(folder)})


def task_from_json(line: str) -> tuple[RenderTask, Path]:
    """Decode the task and the folder from a line of `task_to_json`."""
    message = json.loads(line)
    plain = message["job"]
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
    return task, Path(message["folder"])


def handle_task(line: str, reply: Reply) -> None:
    """Draw one task; reply with its progress and at last with its result or error."""
    last = time.monotonic()

    def on_frames(frames: int) -> None:
        nonlocal last
        if time.monotonic() - last > PROGRESS_INTERVAL_S:
            last = time.monotonic()
            reply({"frames": frames})

    try:
        task, folder = task_from_json(line)
        out = draw_task(task, folder, on_frames)
        reply({"files": {k: asdict(v) for k, v in out.files.items()}, "reads": out.reads, "alt": out.alt})
    except NetcoreError as error:
        reply(refusal(error))
    except SceneError as error:
        reply({"failed": str(error), "traceback": error.traceback_text})
    except Exception as error:
        reply({"failed": short_error(error, Path()), "traceback": traceback.format_exc()})


def refusal(error: NetcoreError) -> dict[str, Any]:
    """Return the reply for a task that cannot be drawn; `lacking` if its run lacks what the scene needs."""
    return {"refused": str(error)} | ({"lacking": True} if isinstance(error, RequirementError) else {})


def drawn_files(reply: Mapping[str, Any]) -> dict[str, DrawnFile]:
    """Decode the drawn files, by format, of a worker's reply."""
    return {
        name: DrawnFile(**values | {"steps": tuple(Step(**step) for step in values["steps"])})
        for name, values in reply["files"].items()
    }


@contextlib.contextmanager
def _reserved_stdout() -> Iterator[TextIO]:
    """Reserve standard output for replies: what libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        yield out


def main() -> None:
    """Handle the lines of standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the pool decides
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # unwinds, so that temporary folders are removed
    lines: Queue[str] = Queue()
    current: list[Path] = []

    def read() -> None:
        with os.fdopen(os.dup(0), encoding="utf-8") as stdin:  # not sys.stdin, whose lock would block the exit
            for line in stdin:
                lines.put(line)
        for folder in current:  # the pool is gone: leave nothing half written
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    with _reserved_stdout() as out:

        def reply(message: Mapping[str, Any]) -> None:
            out.write(json.dumps(message) + "\n")
            out.flush()

        while True:
            line = lines.get()
            current[:] = [Path(json.loads(line)["folder"])]
            handle_task(line, reply)
            current.clear()


if __name__ == "__main__":
    main()

"""How a rendering goes, on standard error: moving lines on a terminal, plain ones elsewhere."""

import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import click

from netcore.rendering.request import RenderTask
from netcore.rendering.result import ProgressListener, RenderResult


class PlainListener(ProgressListener):
    """One line where a pass ends."""

    def on_message(self, line: str) -> None:
        click.echo(line, err=True)

    def on_task_end(self, task: RenderTask, done: Sequence[RenderResult]) -> None:
        if done and done[0].state == "drawn":
            frames = max(r.frames for r in done)
            plural = "frame" if frames == 1 else "frames"
            click.echo(f"{task.name}: {frames} {plural} in {done[0].wall_seconds:.1f} s", err=True)


class BarListener(PlainListener):
    """A moving line for each pass that is being drawn."""

    def __init__(self, progress: Any) -> None:
        self.progress = progress
        self.tasks: dict[int, Any] = {}
        self.lock = threading.Lock()

    def on_message(self, line: str) -> None:
        self.progress.console.print(line, markup=False, highlight=False)

    def on_task_start(self, task: RenderTask) -> None:
        with self.lock:
            self.tasks[id(task)] = self.progress.add_task(task.name, total=None, frames="starting")

    def on_frames(self, task: RenderTask, frames: int) -> None:
        self.progress.update(self.tasks[id(task)], frames=f"{frames} frames")

    def on_task_end(self, task: RenderTask, done: Sequence[RenderResult]) -> None:
        with self.lock:
            self.progress.remove_task(self.tasks.pop(id(task)))


@contextlib.contextmanager
def stderr_listener() -> Iterator[ProgressListener]:
    """A progress listener that fits where standard error goes."""
    if not sys.stderr.isatty():
        yield PlainListener()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}"), TextColumn("{task.fields[frames]}")
    columns = (SpinnerColumn(), *words, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield BarListener(progress)

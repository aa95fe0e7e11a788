"""Progress of rendering on stderr: bars on a terminal, else lines."""

import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from netcore.rendering.request import RenderTask
from netcore.rendering.result import ProgressListener, RenderResult

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class PlainListener(ProgressListener):
    """Prints one line at the end of each task."""

    def on_message(self, line: str) -> None:
        """Print a line."""
        click.echo(line, err=True)

    def on_task_end(self, task: RenderTask, done: Sequence[RenderResult]) -> None:
        """Print frames and duration of a drawn task."""
        if done and done[0].state == "drawn":
            frames = max(r.frames for r in done)
            plural = "frame" if frames == 1 else "frames"
            click.echo(f"{task.name}: {frames} {plural} in {done[0].wall_seconds:.1f} s", err=True)


class BarListener(PlainListener):
    """Shows a progress line for each task that is being drawn."""

    def __init__(self, progress: "Progress") -> None:
        self.progress = progress
        self.tasks: dict[int, TaskID] = {}
        self.lock = threading.Lock()

    def on_message(self, line: str) -> None:
        """Print a line above the progress lines."""
        self.progress.console.print(line, markup=False, highlight=False)

    def on_task_start(self, task: RenderTask) -> None:
        """Add a line for the task."""
        with self.lock:
            self.tasks[id(task)] = self.progress.add_task(task.name, total=None, frames="starting")

    def on_frames(self, task: RenderTask, frames: int) -> None:
        """Update the number of frames."""
        self.progress.update(self.tasks[id(task)], frames=f"{frames} frames")

    def on_task_end(self, task: RenderTask, done: Sequence[RenderResult]) -> None:
        """Remove the task's line."""
        with self.lock:
            self.progress.remove_task(self.tasks.pop(id(task)))


@contextlib.contextmanager
def stderr_listener() -> Iterator[ProgressListener]:
    """Provide a listener that suits standard error: a terminal or a file."""
    if not sys.stderr.isatty():
        yield PlainListener()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}"), TextColumn("{task.fields[frames]}")
    columns = (SpinnerColumn(), *words, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield BarListener(progress)

"""The unit of work of an executor: drawing one task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from netcore.rendering.draw_task import DrawResult, draw_task
from netcore.rendering.request import RenderTask

ReportProgress = Callable[[int], None]  # called with the number of frames drawn so far
FOLDERS: list[Path] = []  # where this process draws: removed if it must end
_report: ContextVar[ReportProgress] = ContextVar("report", default=lambda frames: None)


def draw_job(task: RenderTask, folder: Path) -> DrawResult:
    """Draw a task into a folder, as `draw_task` does; progress goes to `progress_to`."""
    FOLDERS.append(folder)
    try:
        return draw_task(task, folder, _report.get())
    finally:
        FOLDERS.remove(folder)


@contextmanager
def progress_to(report: ReportProgress) -> Iterator[None]:
    """Send the progress of the jobs that run inside to a function."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)

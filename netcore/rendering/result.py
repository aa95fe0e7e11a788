"""Results of rendering, and the interface for its progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.rendering.provenance import read_sidecar
from netcore.rendering.request import RenderTask


@dataclass(frozen=True)
class RenderResult:
    """Outcome of one requested file.

    Attributes
    ----------
    target : Path
        The file.
    state : {"drawn", "fresh", "refused", "failed"}
        "fresh": it was up to date; "refused": the request cannot be met, see `message`; "failed": the scene raised an
        exception.
    seconds : float
        Duration of the clip, 0 for a still.
    frames : int
        Number of frames.
    bytes : int
        Size of the file.
    message : str
        Reason of a refusal or failure, or a warning.
    title, alt, command : str
        As in the sidecar: title, alternative text, and the command that makes the file.
    wall_seconds : float
        Duration of the task that drew it.
    traceback : str
        Of the scene, if it failed.
    lacking : bool
        Whether it was refused because the run lacks what the scene needs.
    """

    target: Path
    state: str
    seconds: float = 0.0
    frames: int = 0
    bytes: int = 0
    message: str = ""
    title: str = ""
    alt: str = ""
    command: str = ""
    wall_seconds: float = 0.0
    traceback: str = ""
    lacking: bool = False

    @property
    def row(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        row = {name: getattr(self, name) for name in ("state", "seconds", "frames", "bytes")}
        return {"target": str(self.target), **row}


class ProgressListener:
    """Receives the progress of rendering and ignores it; base class of those that show it.

    Its methods may be called from several threads.
    """

    def on_message(self, line: str) -> None:
        """Handle a line for the user."""

    def on_task_start(self, task: RenderTask) -> None:
        """Handle the start of a task."""

    def on_frames(self, task: RenderTask, frames: int) -> None:
        """Handle the number of frames of a task drawn so far."""

    def on_task_end(self, task: RenderTask, done: Sequence[RenderResult]) -> None:
        """Handle the end of a task, with the results of its files."""


def result_from_sidecar(
    target: Path, state: str, message: str = "", wall_seconds: float = 0.0, sidecar: Mapping[str, Any] | None = None
) -> RenderResult:
    """Return the result of a file that exists, its values read from the sidecar (`sidecar`, if it was read before)."""
    content = sidecar or read_sidecar(target) or {}
    values: dict[str, Any] = {k: content.get(k) for k in ("seconds", "frames", "bytes", "title", "alt", "command")}
    return RenderResult(target, state, message=message, wall_seconds=wall_seconds, **values)

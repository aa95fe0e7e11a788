"""What a rendering gives back, and who is told how it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.rendering.provenance import read_sidecar
from netcore.rendering.request import RenderTask


@dataclass(frozen=True)
class RenderResult:
    """What became of one file.

    target : where it lies.
    state : ``drawn``; ``fresh``, it was up to date; ``refused``, the user can mend it; ``failed``, the scene cannot.
    seconds, frames, bytes : how long the clip plays (0 for a picture), its frames, its size.
    message : why it was refused or failed, or a warning.
    title, alt, command : of the sidecar.
    wall_seconds : duration of the task that drew it.
    traceback : of the scene, where it failed.
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

    @property
    def row(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        row = {name: getattr(self, name) for name in ("state", "seconds", "frames", "bytes")}
        return {"target": str(self.target), **row}


class ProgressListener:
    """Is told how a rendering goes; this one says nothing. Its methods may be called from several threads."""

    def on_message(self, line: str) -> None:
        """Something the user should know."""

    def on_task_start(self, task: RenderTask) -> None:
        """A pass begins."""

    def on_frames(self, task: RenderTask, frames: int) -> None:
        """So many frames of it are drawn."""

    def on_task_end(self, task: RenderTask, done: Sequence[RenderResult]) -> None:
        """It ended; so did its files."""


def result_from_sidecar(target: Path, state: str, message: str = "", wall_seconds: float = 0.0) -> RenderResult:
    """What the sidecar of `target` says of it."""
    content = read_sidecar(target) or {}
    values = {k: content.get(k) for k in ("seconds", "frames", "bytes", "title", "alt", "command")}
    return RenderResult(target, state, message=message, wall_seconds=wall_seconds, **values)

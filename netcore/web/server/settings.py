"""Settings and limits of a server."""

from dataclasses import dataclass, field
from pathlib import Path

from netcore.core.run import Run

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Limits:
    """What is checked of every request.

    Attributes
    ----------
    hosts : frozenset of str
        Names by which browsers may address the server: others are refused, so that no foreign page can reach it by a
        name that it controls.
    max_message_bytes, max_upload_bytes : int
        Limits of a body, the latter of an image.
    body_seconds : float
        Time limit for sending a body.
    requests_per_second, request_burst : float
        Limit of one address: a class may share one.
    """

    hosts: frozenset[str] = field(default=frozenset(LOOPBACK))
    max_message_bytes: int = 32_768
    max_upload_bytes: int = 8 << 20
    body_seconds: float = 20.0
    requests_per_second: float = 100.0
    request_burst: float = 400.0


@dataclass(frozen=True)
class ServerSettings:
    """What a server shows, where it stores, and what it limits.

    Attributes
    ----------
    runs : tuple of Run
        Networks that classify the same drawing.
    runs_dir : Path
        Folder of runs that visitors save.
    feedback_file : Path
        SQLite file of the visitors' answers.
    at : str
        Snapshot, as in `Run.snapshot`.
    theme : {"dark", "light"}, optional
        Default: as the reader's browser prefers.
    max_examples : int
        Maximum number of example images in the page.
    hosts : frozenset of str
        Names by which browsers may address the server: others are refused, so that no foreign page can reach it by a
        name that it controls.
    max_saved_runs : int
        Maximum number of runs that visitors save while the server runs; 0 refuses all.
    max_clips, max_visitor_clips : int
        Maximum number of clips that wait or are rendered: of all visitors, and of one.
    clip_seconds : float
        Time limit of one clip.
    max_upload_pixels : int
        Limit of an uploaded image, checked before it is decoded.
    max_connections : int
        Maximum number of open WebSockets.
    messages_per_second, message_burst : float
        Limit of one WebSocket.
    tasks_per_minute, task_burst : float
        Limit of one visitor: stored answers, saved runs, clips.
    """

    runs: tuple[Run, ...]
    runs_dir: Path
    feedback_file: Path
    at: str = "best"
    theme: str | None = None
    max_examples: int = 500
    hosts: frozenset[str] = field(default=frozenset(LOOPBACK))
    max_saved_runs: int = 20
    max_clips: int = 12
    max_visitor_clips: int = 2
    clip_seconds: float = 300.0
    max_upload_bytes: int = 8 << 20
    max_upload_pixels: int = 24_000_000
    max_connections: int = 256
    body_seconds: float = 20.0
    requests_per_second: float = 100.0
    request_burst: float = 400.0
    messages_per_second: float = 40.0
    message_burst: float = 80.0
    tasks_per_minute: float = 30.0
    task_burst: float = 20.0

    @property
    def input_bytes(self) -> int:
        """Size of one prepared drawing, one byte per value."""
        channels, height, width = self.runs[0].input_shape
        return int(channels * height * width)

    @property
    def limits(self) -> Limits:
        """Limits of every request; a message may hold one drawing in base64."""
        return Limits(
            self.hosts, 32_768 + 2 * self.input_bytes, self.max_upload_bytes, self.body_seconds,
            self.requests_per_second, self.request_burst,
        )  # fmt: skip

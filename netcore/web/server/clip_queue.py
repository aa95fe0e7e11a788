"""Queue of clips, rendered one after another in a worker process."""

import secrets
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.run import Run
from netcore.rendering.api import render_all
from netcore.rendering.pool import WorkerPool
from netcore.rendering.request import Request, make_tasks
from netcore.rendering.result import RenderResult
from netcore.rendering.sample_selector import SampleSelector
from netcore.web.films import drawing_films
from netcore.web.server.clip_job import count_frames
from netcore.web.server.messages import ClipState

MEDIA_TYPES = {"gif": "image/gif", "mp4": "video/mp4", "html": "text/html"}
KEEP_SECONDS = 900.0  # that a finished clip can be fetched
KEEP_CLIPS = 24  # finished clips in memory, at most
SIZE = (854, 480)
FPS = 20.0
LIVE_STATES = ("waiting", "rendering")


class QueueFullError(NetcoreError):
    """No further clip may wait now."""


@dataclass(eq=False)  # each is itself
class ClipTask:
    """A requested clip and what became of it.

    Attributes
    ----------
    id, visitor : str
        Random numbers.
    run : Run
    film, format, theme : str
    pixels : ndarray of uint8, shape (C, H, W)
        The drawing as the network sees it.
    state : {"waiting", "rendering", "done", "failed", "canceled"}
    frames, total : int
        Frames drawn so far, and of the whole clip; `total` is None until it is known.
    message : str
        Why it failed.
    data : bytes
        The file.
    alt : str
        Alternative text.
    """

    visitor: str
    run: Run
    film: str
    format: str
    theme: str
    pixels: NDArray[np.uint8]
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    state: ClipState = "waiting"
    frames: int = 0
    total: int | None = None
    message: str = ""
    data: bytes = b""
    alt: str = ""
    ended: float = 0.0


class ClipQueue:
    """Renders requested clips; visitors take turns, however many each has requested.

    Parameters
    ----------
    runs : sequence of Run
    at : str
        Snapshot, as in `Run.snapshot`.
    max_clips, max_visitor_clips : int
        Maximum number of clips that wait or are rendered: of all visitors, and of one.
    seconds : float
        Time limit of one clip.
    """

    def __init__(self, runs: Sequence[Run], at: str, max_clips: int, max_visitor_clips: int, seconds: float) -> None:
        self.films = {run.name: {scene.name: scene.title for scene in drawing_films(run)} for run in runs}
        self._runs = {run.name: run for run in runs}
        self._at, self._seconds = at, seconds
        self._max_clips, self._max_visitor_clips = max_clips, max_visitor_clips
        self._clips: dict[str, ClipTask] = {}  # in the order of their requests
        self._served: dict[str, int] = {}  # by visitor: number of the turn in which a clip was last rendered
        self._turn = 0
        self._changed = threading.Condition()
        self._pool: WorkerPool | None = None
        self._rendered: ClipTask | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="clips", daemon=True)
        self._thread.start()

    def submit(self, visitor: str, run: str, film: str, format: str, theme: str, pixels: NDArray[np.uint8]) -> ClipTask:
        """Request a clip.

        Raises
        ------
        QueueFullError
            If too many clips wait.
        NetcoreError
            If the server has no such run or film.
        """
        if run not in self._runs or film not in self.films[run]:
            raise NetcoreError("this server has no such network or film: choose one of its page")
        clip = ClipTask(visitor, self._runs[run], film, format, theme, pixels)
        with self._changed:
            self._forget_old()
            live = [c for c in self._clips.values() if c.state in LIVE_STATES]
            if sum(c.visitor == visitor for c in live) >= self._max_visitor_clips:
                raise QueueFullError(f"you have {self._max_visitor_clips} clips in the queue: wait for one, or cancel")
            if len(live) >= self._max_clips:
                raise QueueFullError(f"the queue is full ({self._max_clips} clips): try again later")
            self._clips[clip.id] = clip
            self._changed.notify()
        return clip

    def find(self, visitor: str, id: str) -> ClipTask | None:
        """Return a visitor's clip, None if there is no such clip of this visitor."""
        clip = self._clips.get(id)
        return clip if clip is not None and clip.visitor == visitor else None

    def position(self, clip: ClipTask) -> int:
        """Return the number of clips that are rendered before this one."""
        with self._changed:
            order = self._order()
            busy = sum(c.state == "rendering" for c in self._clips.values())
            return order.index(clip) + busy if clip in order else 0

    def cancel(self, clip: ClipTask) -> None:
        """Drop a clip; if it is being rendered, end the process that draws it."""
        with self._changed:
            if clip.state not in LIVE_STATES:
                return
            running = clip.state == "rendering"
            self._end(clip, "canceled")
            pool = self._pool if running else None
            if pool:
                self._pool = None
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Cancel all, and end the worker process."""
        with self._changed:
            self._stopped = True
            for clip in self._clips.values():
                if clip.state in LIVE_STATES:
                    self._end(clip, "canceled")
            pool, self._pool = self._pool, None
            self._changed.notify()
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)
        self._thread.join(timeout=10)

    # ---- the thread

    def _order(self) -> list[ClipTask]:
        """Waiting clips in the order of rendering: round by round, in each the visitor who has waited longest."""
        rounds: dict[str, int] = {}
        ranked = []
        for i, clip in enumerate(self._clips.values()):
            if clip.state == "waiting":
                rounds[clip.visitor] = rounds.get(clip.visitor, -1) + 1
                ranked.append(((rounds[clip.visitor], self._served.get(clip.visitor, 0), i), clip))
        return [clip for _, clip in sorted(ranked, key=lambda pair: pair[0])]

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._order())
                if self._stopped:
                    return
                clip = self._order()[0]
                clip.state = "rendering"
                self._rendered = clip
                self._turn += 1
                self._served[clip.visitor] = self._turn
                self._pool = self._pool or WorkerPool(1, self._seconds, self._on_frames)
                pool = self._pool
            try:
                self._render(clip, pool)
            except BaseException as error:  # a canceled pool raises KeyboardInterrupt here
                with self._changed:
                    if clip.state == "rendering":
                        known = isinstance(error, NetcoreError)
                        clip.message = str(error) if known else "the film could not be rendered"
                        self._end(clip, "failed")

    def _render(self, clip: ClipTask, pool: WorkerPool) -> None:
        with tempfile.TemporaryDirectory(prefix="netcore-clip-") as folder:
            request = self._request(clip, Path(folder))
            (task,) = make_tasks(request)
            clip.total = pool.submit(count_frames, task).result() or None
            result = render_all([request], executor=pool)[0]
            data = result.target.read_bytes() if result.state == "drawn" else b""
        with self._changed:
            if clip.state == "rendering":
                self._finish(clip, result, data)

    def _on_frames(self, args: tuple[Any, ...], frames: int) -> None:
        if self._rendered is not None:
            self._rendered.frames = frames

    def _request(self, clip: ClipTask, folder: Path) -> Request:
        from PIL import Image

        pixels = clip.pixels[0] if len(clip.pixels) == 1 else clip.pixels.transpose(1, 2, 0)
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / "drawing.png")
        return Request(
            scene=clip.film, run=str(clip.run.path), selector=SampleSelector(image=str(folder / "drawing.png")),
            at=self._at, theme=clip.theme, formats=(clip.format,), size=SIZE, fps=FPS,
            output=str(folder / f"clip.{clip.format}"),
        )  # fmt: skip

    def _finish(self, clip: ClipTask, result: RenderResult, data: bytes) -> None:
        clip.data, clip.alt, clip.message = data, result.alt, "" if data else result.message
        clip.frames = result.frames or clip.frames
        self._end(clip, "done" if data else "failed")

    def _end(self, clip: ClipTask, state: ClipState) -> None:
        clip.state, clip.ended = state, time.monotonic()

    def _forget_old(self) -> None:
        """Forget clips that ended long ago, and the oldest ones of too many."""
        ended = [c for c in self._clips.values() if c.state not in LIVE_STATES]
        old = time.monotonic() - KEEP_SECONDS
        for i, clip in enumerate(reversed(ended)):
            if clip.ended < old or i >= KEEP_CLIPS:
                del self._clips[clip.id]
        visitors = {c.visitor for c in self._clips.values()}
        self._served = {v: turn for v, turn in self._served.items() if v in visitors}

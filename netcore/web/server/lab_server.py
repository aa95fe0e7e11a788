"""What a server consists of, without its routes."""

import asyncio
import base64
import binascii
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from fastapi import HTTPException
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.run import Run
from netcore.rendering.pool import WorkerPool
from netcore.web.feedback_store import FeedbackStore
from netcore.web.films import drawing_films
from netcore.web.lab_page import lab_html
from netcore.web.server.batch_predictor import BatchPredictor, BusyError, Probabilities
from netcore.web.server.clip_queue import ClipQueue
from netcore.web.server.dashboard_frames import DashboardFrames
from netcore.web.server.page_store import StoredPage
from netcore.web.server.rate_limit import RateLimiter
from netcore.web.server.settings import ServerSettings

WORKER_SECONDS = 300.0  # time limit of a saved run
LESSON_SECONDS = 1200.0  # of a lesson, with its films


class LabServer:
    """Networks, pages, queues and storage of one server.

    Parameters
    ----------
    settings : ServerSettings

    Raises
    ------
    NetcoreError
        If a network cannot be shown in the lab, or the file of the answers cannot be used.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.runs = {run.name: run for run in settings.runs}
        self.lab = StoredPage.of(self._lab_html())
        self.predictor = BatchPredictor(settings.runs, settings.at)
        self.store = FeedbackStore(settings.feedback_file)
        self.clips = ClipQueue(
            settings.runs, settings.at, settings.max_clips, settings.max_visitor_clips, settings.clip_seconds
        )
        self.worker = WorkerPool(1, WORKER_SECONDS)
        self.lesson_worker = WorkerPool(1, LESSON_SECONDS)  # its own: nobody's run waits for a lesson
        self.tasks = RateLimiter(settings.tasks_per_minute / 60, settings.task_burst)
        self.drawing = ThreadPoolExecutor(1, "dashboard")  # Matplotlib draws in one thread
        self.lessons: dict[str, asyncio.Task[StoredPage]] = {}
        self.saved = self.connections = 0
        self._dashboards: dict[str, DashboardFrames] = {}

    async def stop(self) -> None:
        """End processes and threads, and close the store."""
        for task in self.lessons.values():
            task.cancel()
        await self.predictor.stop()
        await asyncio.to_thread(self.clips.stop)
        for worker in (self.worker, self.lesson_worker):
            worker.shutdown(wait=False, cancel_futures=True)
        self.drawing.shutdown(wait=False, cancel_futures=True)
        self.store.close()

    def run(self, name: str) -> Run:
        """Return a run of this server, by its name alone; status 404 for others."""
        if name not in self.runs:
            raise HTTPException(404, "this server has no such network")
        return self.runs[name]

    def pixels(self, text: str) -> NDArray[np.uint8]:
        """Decode a prepared drawing (C, H, W) from base64; status 400 if it is not one."""
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise HTTPException(400, "pixels must be base64") from None
        return self.drawing_of(data)

    def drawing_of(self, data: bytes) -> NDArray[np.uint8]:
        """Return a prepared drawing (C, H, W); status 400 if its size is wrong."""
        if len(data) != self.settings.input_bytes:
            raise HTTPException(400, f"a drawing must have {self.settings.input_bytes} bytes, got {len(data)}")
        return np.frombuffer(data, np.uint8).reshape(self.settings.runs[0].input_shape)

    async def predict(self, pixels: NDArray[np.uint8]) -> Probabilities:
        """Return the probabilities of a drawing by each network; status 503 if too many wait."""
        try:
            return await self.predictor.predict(pixels)
        except BusyError:
            raise HTTPException(503, "the server is busy: try again") from None

    def check_task(self, visitor: str) -> None:
        """Count a request that costs the server more; status 429 if a visitor has too many."""
        if not self.tasks.allow(visitor):
            raise HTTPException(429, "too many requests of this kind: wait a moment", {"Retry-After": "5"})

    def dashboard(self, name: str) -> DashboardFrames:
        """Return the dashboard of a run; call it in the thread `drawing`."""
        if name not in self._dashboards:
            self._dashboards[name] = DashboardFrames(self.run(name), self.settings.at)
        return self._dashboards[name]

    def _lab_html(self) -> str:
        settings = self.settings
        server = {
            "saves": settings.max_saved_runs > 0,
            "dashboard": all(run.info.get("examples") for run in settings.runs),
        }
        if not any(drawing_films(run) for run in settings.runs):
            raise NetcoreError("no film can show these networks")
        return lab_html(
            settings.runs, at=settings.at, theme=settings.theme, max_examples=settings.max_examples, server=server
        )

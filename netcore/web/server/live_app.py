"""Pages that watch a training and act on it."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field

from netcore import __version__
from netcore.web.live_page import live_html
from netcore.web.live_training import LiveTraining
from netcore.web.server.guard import Guard
from netcore.web.server.launch import open_port, server_of
from netcore.web.server.messages import Message, problems
from netcore.web.server.page_store import StoredPage
from netcore.web.server.settings import Limits

HOST = "127.0.0.1"
POLICY = "frame-ancestors 'none'"


class ControlMessage(Message):
    """What a page asks of the training."""

    learning_rate_factor: Annotated[float, Field(ge=0.001, le=1000)] | None = None
    paused: bool | None = None
    stop: bool = False
    snapshot: bool = False


def create_live_app(training: LiveTraining, limits: Limits | None = None) -> FastAPI:
    """Return the application that shows a training.

    Parameters
    ----------
    training : LiveTraining
    limits : Limits, optional
    """
    app = FastAPI(title="netcore training", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, limits=limits or Limits())
    page = StoredPage.of(live_html(training.title))

    @app.get("/", include_in_schema=False)
    async def live_page(request: Request) -> Response:
        """Send the page."""
        return page.response(request, POLICY)

    @app.get("/api/training", responses=problems())
    def training_status(after: Annotated[int, Query(ge=-1, le=1 << 60)] = -1) -> dict[str, Any]:
        """Report progress, accuracy by epoch, and the losses after a step."""
        return training.status(after)

    @app.get("/api/training/pictures", responses=problems())
    def training_pictures() -> dict[str, Any]:
        """Send the newest pictures of weights and activations."""
        with training.lock:
            return training.pictures

    @app.post("/api/training", responses=problems())
    def control_training(message: ControlMessage) -> dict[str, Any]:
        """Change the learning rate, pause, stop, or store a snapshot."""
        training.controls.change(**message.model_dump())
        return training.status(1 << 60)

    return app


@contextlib.contextmanager
def watch_training(training: LiveTraining, port: int) -> Iterator[str]:
    """Serve a training's page, on this machine alone, while the block runs; provides its address."""
    with open_port(HOST, port) as listener:
        server = server_of(create_live_app(training))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="live", daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(timeout=10)

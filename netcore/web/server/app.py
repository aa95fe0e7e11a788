"""Application of the lab's server."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from netcore import __version__
from netcore.web.server.clip_routes import clip_routes
from netcore.web.server.dashboard_routes import dashboard_routes
from netcore.web.server.edit_routes import edit_routes
from netcore.web.server.feedback_routes import feedback_routes
from netcore.web.server.guard import Guard
from netcore.web.server.lab_server import LabServer
from netcore.web.server.page_routes import page_routes
from netcore.web.server.predict_routes import predict_routes
from netcore.web.server.settings import ServerSettings


def create_app(settings: ServerSettings) -> FastAPI:
    """Return the application; its `state.server` is the `LabServer`.

    Parameters
    ----------
    settings : ServerSettings

    Raises
    ------
    NetcoreError
        If a network cannot be shown, or the file of the answers cannot be used.
    """
    server = LabServer(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        server.predictor.start()
        yield
        await server.stop()

    app = FastAPI(title="netcore lab", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.server = server
    app.add_middleware(Guard, limits=settings.limits)
    for routes in (page_routes, predict_routes, feedback_routes, edit_routes, clip_routes, dashboard_routes):
        app.include_router(routes(server))

    return app

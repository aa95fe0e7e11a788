"""Route that saves a visitor's changes as a run."""

import asyncio

from fastapi import APIRouter, HTTPException, Request

from netcore.analysis.unit_edits import Edit
from netcore.core.errors import NetcoreError
from netcore.rendering.pool import WorkerError
from netcore.web.server.lab_server import LabServer
from netcore.web.server.messages import SavedRun, SaveMessage, problems
from netcore.web.server.worker_jobs import save_edited


def edit_routes(server: LabServer) -> APIRouter:
    """Return the route of saved runs."""
    routes = APIRouter(tags=["runs"])

    @routes.post("/api/runs", status_code=201, responses=problems(404, 409))
    async def save_run(message: SaveMessage, request: Request) -> SavedRun:
        """Make a run of a network with changed units or weights, as `netcore edit` does."""
        run, settings = server.run(message.run), server.settings
        if server.saved >= settings.max_saved_runs:
            raise HTTPException(409, f"this server saves {settings.max_saved_runs} runs at most")
        server.check_task(request.scope["visitor"])
        server.saved += 1
        edits = [Edit(**edit.model_dump()) for edit in message.edits]
        call = server.worker.submit(
            save_edited, str(run.path), edits, message.name, str(settings.runs_dir), settings.at
        )
        try:
            return SavedRun(**await asyncio.wrap_future(call))
        except NetcoreError as error:
            server.saved -= 1
            raise HTTPException(409, str(error)) from None
        except WorkerError:
            server.saved -= 1
            raise HTTPException(500, "the run could not be saved") from None

    return routes

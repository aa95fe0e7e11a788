"""Routes of clips: request, progress, cancel, fetch."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response

from netcore.core.errors import NetcoreError
from netcore.web.server.clip_queue import MEDIA_TYPES, ClipTask, QueueFullError
from netcore.web.server.lab_server import LabServer
from netcore.web.server.messages import ClipMessage, ClipStatus, problems

ClipId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


def clip_routes(server: LabServer) -> APIRouter:
    """Return the routes of clips."""
    routes = APIRouter(tags=["clips"])

    @routes.post("/api/clips", status_code=202, responses=problems(404))
    async def request_clip(message: ClipMessage, request: Request) -> ClipStatus:
        """Queue a film of a drawing."""
        pixels = server.pixels(message.pixels)
        if not pixels.any():
            raise HTTPException(400, "the drawing is empty")
        visitor = request.scope["visitor"]
        server.run(message.run)
        server.check_task(visitor)
        try:
            clip = server.clips.submit(visitor, message.run, message.film, message.format, message.theme, pixels)
        except QueueFullError as error:
            raise HTTPException(429, str(error), {"Retry-After": "15"}) from None
        except NetcoreError as error:
            raise HTTPException(404, str(error)) from None
        return _status(clip)

    @routes.get("/api/clips/{id}", responses=problems(404))
    async def clip_status(id: ClipId, request: Request) -> ClipStatus:
        """Report the progress of a clip of this visitor."""
        return _status(_find(id, request))

    @routes.delete("/api/clips/{id}", responses=problems(404))
    async def cancel_clip(id: ClipId, request: Request) -> ClipStatus:
        """Drop a clip of this visitor; one that is being rendered is stopped."""
        clip = _find(id, request)
        await asyncio.to_thread(server.clips.cancel, clip)
        return _status(clip)

    @routes.get("/api/clips/{id}/file", response_class=Response, responses=problems(404, files=MEDIA_TYPES.values()))
    async def clip_file(id: ClipId, request: Request) -> Response:
        """Send a finished clip."""
        clip = _find(id, request)
        if clip.state != "done":
            raise HTTPException(404, "this clip is not finished")
        show = "attachment" if clip.format == "html" else "inline"
        name = f"{clip.film}.{clip.format}"
        headers = {"Content-Disposition": f'{show}; filename="{name}"', "Cache-Control": "private, max-age=600"}
        return Response(clip.data, media_type=MEDIA_TYPES[clip.format], headers=headers)

    def _find(id: str, request: Request) -> ClipTask:
        clip = server.clips.find(request.scope["visitor"], id)
        if clip is None:
            raise HTTPException(404, "no such clip of yours")
        return clip

    def _status(clip: ClipTask) -> ClipStatus:
        return ClipStatus(
            id=clip.id, state=clip.state, film=clip.film, format=clip.format, position=server.clips.position(clip),
            frames=clip.frames, total=clip.total, bytes=len(clip.data), message=clip.message, alt=clip.alt,
        )  # fmt: skip

    return routes

"""Routes of the dashboard: its page, its images in words, its frames."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Path, Request, Response

from netcore.web.dashboard_page import dashboard_html
from netcore.web.server.dashboard_frames import MAX_IMAGES, DashboardFrames
from netcore.web.server.lab_server import LabServer
from netcore.web.server.messages import DashboardImage, DashboardImages, problems
from netcore.web.server.page_store import StoredPage
from netcore.web.server.plain_page import message_page

POLICY = "frame-ancestors 'none'"
PNG = ("image/png",)
MAX_WAITING = 64  # frames that are asked for and not drawn yet

RunName = Annotated[str, Path(max_length=200)]
Index = Annotated[int, Path(ge=0, lt=MAX_IMAGES)]
Result = TypeVar("Result")


def dashboard_routes(server: LabServer) -> APIRouter:
    """Return the routes of the dashboard."""
    routes = APIRouter(tags=["dashboard"])
    runs = [run for run in server.settings.runs if run.info.get("examples")]
    page = StoredPage.of(dashboard_html([run.name for run in runs], server.settings.theme)) if runs else None
    waiting = 0

    @routes.get("/dashboard", include_in_schema=False)
    async def dashboard_page(request: Request) -> Response:
        """Send the page."""
        if page is None:
            return message_page("No dashboard", "It needs a run with examples.", 404)
        return page.response(request, POLICY)

    @routes.get("/api/dashboard/{run}", responses=problems(404, 503))
    async def dashboard_images(run: RunName) -> DashboardImages:
        """List the images of a dashboard, and what the network predicts."""
        found = await _draw(run, lambda frames: frames.images)
        rows = [DashboardImage(label=a, predicted=b, confidence=min(1.0, c)) for a, b, c in found]
        return DashboardImages(run=run, images=rows)

    @routes.get(
        "/api/dashboard/{run}/{index}/{theme}",
        response_class=Response,
        responses=problems(404, 503, files=PNG),
    )
    async def dashboard_frame(run: RunName, index: Index, theme: Literal["dark", "light"]) -> Response:
        """Send the seven panels for one image."""
        data = await _draw(run, lambda frames: frames.frame(index, theme) if index < len(frames.images) else None)
        if data is None:
            raise HTTPException(404, "the dashboard has fewer images")
        return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})

    async def _draw(run: str, function: Callable[[DashboardFrames], Result]) -> Result:
        nonlocal waiting
        if not server.run(run).info.get("examples"):
            raise HTTPException(404, "this network has no examples")
        if waiting >= MAX_WAITING:
            raise HTTPException(503, "the server is busy: try again")
        waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(server.drawing, lambda: function(server.dashboard(run)))
        finally:
            waiting -= 1

    return routes

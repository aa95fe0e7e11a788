"""Routes of the pages: lab, lesson, dashboard."""

import asyncio

from fastapi import APIRouter, Request, Response

from netcore.core.errors import NetcoreError
from netcore.rendering.pool import WorkerError
from netcore.web.server.lab_server import LabServer
from netcore.web.server.page_store import StoredPage
from netcore.web.server.plain_page import message_page
from netcore.web.server.worker_jobs import build_lesson

LAB_POLICY = "frame-ancestors 'none'"  # the rest is in the page
LESSON_POLICY = "frame-ancestors 'none'"
SHORT_WAIT_S = 0.5  # before a visitor is asked to wait for a lesson


def page_routes(server: LabServer) -> APIRouter:
    """Return the routes of pages."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def lab_page(request: Request) -> Response:
        """Send the lab."""
        return server.lab.response(request, LAB_POLICY)

    @routes.get("/lesson")
    @routes.get("/lesson/{name}")
    async def lesson_page(request: Request, name: str = "") -> Response:
        """Send the lesson of a network; it is built when it is first asked for."""
        run = server.run(name or next(iter(server.runs)))
        if run.name not in server.lessons:
            server.lessons[run.name] = asyncio.create_task(_lesson(str(run.path)))
        task = server.lessons[run.name]
        await asyncio.wait([task], timeout=SHORT_WAIT_S)
        if not task.done():
            return message_page(
                "The lesson is being written",
                "Its films take a minute or two. It appears here by itself.",
                202,
                refresh_s=2,
            )
        if error := task.exception():
            del server.lessons[run.name]
            text = str(error) if isinstance(error, NetcoreError) else "The lesson could not be written."
            return message_page("No lesson", text, 404 if isinstance(error, NetcoreError) else 500)
        return task.result().response(request, LESSON_POLICY)

    async def _lesson(path: str) -> StoredPage:
        call = server.lesson_worker.submit(build_lesson, path, server.settings.at, server.settings.theme)
        try:
            return StoredPage.of(await asyncio.wrap_future(call))
        except WorkerError as error:
            raise RuntimeError(str(error)) from error

    return routes

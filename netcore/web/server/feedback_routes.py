"""Routes of the visitors' answers."""

import asyncio

from fastapi import APIRouter, HTTPException, Request

from netcore.core.errors import NetcoreError
from netcore.web.feedback_store import Answer, StoreFullError
from netcore.web.server.lab_server import LabServer
from netcore.web.server.messages import FeedbackCounts, FeedbackMessage, RunCount, problems


def feedback_routes(server: LabServer) -> APIRouter:
    """Return the routes of feedback."""
    routes = APIRouter(tags=["feedback"])

    @routes.post("/api/feedback", status_code=201, responses=problems(503, 507))
    async def add_feedback(message: FeedbackMessage, request: Request) -> FeedbackCounts:
        """Store a drawing with its class; the networks' predictions are the server's own."""
        classes = tuple(server.settings.runs[0].classes)
        if message.label >= len(classes):
            raise HTTPException(400, f"label must be from 0 to {len(classes) - 1}")
        pixels = server.pixels(message.pixels)
        server.check_task(request.scope["visitor"])
        rows = await server.predict(pixels)
        predictions = {name: int(row.argmax()) for name, row in zip(server.runs, rows, strict=True)}
        answer = Answer(pixels, message.label, classes, predictions, request.scope["visitor"])
        try:
            await asyncio.to_thread(server.store.add, answer)
        except StoreFullError as error:
            raise HTTPException(507, str(error)) from None
        except NetcoreError as error:
            raise HTTPException(503, str(error)) from None
        return await _counts()

    @routes.get("/api/feedback", responses=problems(503))
    async def count_feedback() -> FeedbackCounts:
        """Count the answers on each network."""
        try:
            return await _counts()
        except NetcoreError as error:
            raise HTTPException(503, str(error)) from None

    async def _counts() -> FeedbackCounts:
        rows = []
        for run in server.settings.runs:
            count, correct = await asyncio.to_thread(server.store.count_correct, run.name, run.classes)
            rows.append(RunCount(run=run.name, count=count, correct=correct))
        return FeedbackCounts(runs=rows)

    return routes

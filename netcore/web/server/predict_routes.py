"""Routes that classify drawings and pictures."""

import asyncio
import base64

from fastapi import APIRouter, HTTPException, Request, WebSocket, WebSocketDisconnect

from netcore.core.errors import NetcoreError
from netcore.web.server.batch_predictor import Probabilities
from netcore.web.server.lab_server import LabServer
from netcore.web.server.messages import PicturePredictions, Prediction, problems
from netcore.web.server.pictures import read_picture
from netcore.web.server.rate_limit import RateLimiter

TOO_OFTEN, TOO_LARGE, TRY_LATER = 1008, 1009, 1013  # codes of a closed WebSocket
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/png", "image/jpeg")},
    }
}


def predict_routes(server: LabServer) -> APIRouter:
    """Return the routes of predictions."""
    routes = APIRouter(tags=["predictions"])

    @routes.post("/api/predict", openapi_extra=UPLOAD, responses=problems(415, 503))
    async def predict_picture(request: Request) -> PicturePredictions:
        """Classify an uploaded image, prepared as `netcore predict` does."""
        if not request.headers.get("content-type", "").startswith("image/"):
            raise HTTPException(415, "send the image file as it is, with its media type, such as image/png")
        data = await request.body()
        shape, limit = server.settings.runs[0].input_shape, server.settings.max_upload_pixels
        try:
            pixels, note = await asyncio.to_thread(read_picture, data, shape, limit)
        except NetcoreError as error:
            raise HTTPException(400, str(error)) from None
        rows = await server.predict(pixels)
        encoded = base64.b64encode(pixels.tobytes()).decode()
        return PicturePredictions(note=note, pixels=encoded, predictions=_predictions(server, rows))

    @routes.websocket("/api/draw")
    async def draw(socket: WebSocket) -> None:
        """Answer each drawing, a binary message of prepared pixels, with the probabilities of each network."""
        if server.connections >= server.settings.max_connections:
            return await socket.close(TRY_LATER, "too many visitors: try again later")
        server.connections += 1
        try:
            await socket.accept()
            await _answer_drawings(server, socket)
        except WebSocketDisconnect:
            pass
        finally:
            server.connections -= 1

    return routes


async def _answer_drawings(server: LabServer, socket: WebSocket) -> None:
    """Answer one message after the other: what a visitor sends too fast waits in the network, not here."""
    limiter = RateLimiter(server.settings.messages_per_second, server.settings.message_burst)
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        if not limiter.allow(""):
            return await socket.close(TOO_OFTEN, "too many drawings")
        if data is None or len(data) != server.settings.input_bytes:
            return await socket.close(TOO_LARGE, f"a drawing must have {server.settings.input_bytes} bytes")
        try:
            rows = await server.predict(server.drawing_of(data))
        except HTTPException as error:
            return await socket.close(TRY_LATER, str(error.detail))
        await socket.send_json({"probabilities": [row.tolist() for row in rows]})


def _predictions(server: LabServer, rows: Probabilities) -> list[Prediction]:
    out = []
    for run, row in zip(server.settings.runs, rows, strict=True):
        top = int(row.argmax())
        values = [min(1.0, float(p)) for p in row]
        out.append(Prediction(run=run.name, predicted=run.classes[top], confidence=values[top], probabilities=values))
    return out

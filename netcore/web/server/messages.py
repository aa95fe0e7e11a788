"""Messages of the server's interface, checked where they arrive."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # no path, no option, no hidden file


ClipState = Literal["waiting", "rendering", "done", "failed", "canceled"]


class Message(BaseModel):
    """Base of all messages: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(Message):
    """What is wrong, in one line."""

    detail: str


class Prediction(Message):
    """Prediction of one network."""

    run: str
    predicted: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    probabilities: list[Annotated[float, Field(ge=0, le=1)]]


class PicturePredictions(Message):
    """A picture as the networks see it, and their predictions.

    `pixels` are bytes in base64: channels, rows, columns.
    """

    note: str
    pixels: str
    predictions: list[Prediction]


class FeedbackMessage(Message):
    """A drawing and its class by the visitor."""

    pixels: Annotated[str, Field(min_length=1, max_length=1 << 22)]
    label: Annotated[int, Field(ge=0, lt=1 << 16)]


class RunCount(Message):
    """Answers on one network, and how many of its predictions were right."""

    run: str
    count: Annotated[int, Field(ge=0)]
    correct: Annotated[int, Field(ge=0)]


class FeedbackCounts(Message):
    """Answers of all visitors."""

    runs: list[RunCount]


class EditMessage(Message):
    """One change of a network, as `netcore.analysis.unit_edits.Edit`."""

    kind: Literal["noise", "prune", "scale", "bias", "off", "temperature"]
    node: Annotated[str, Field(max_length=200)] = ""
    unit: Annotated[int, Field(ge=0, lt=1 << 20)] | None = None
    value: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0


class SaveMessage(Message):
    """Changes to save as a new run."""

    run: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(pattern=f"^{RUN_NAME.pattern}$")]
    edits: Annotated[list[EditMessage], Field(min_length=1, max_length=500)]


class SavedRun(Message):
    """A run that was saved."""

    name: str
    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    count: Annotated[int, Field(ge=0)] | None = None


class ClipMessage(Message):
    """A film of a drawing."""

    run: Annotated[str, Field(min_length=1, max_length=200)]
    film: Annotated[str, Field(min_length=1, max_length=100)]
    format: Literal["gif", "mp4", "html"]
    pixels: Annotated[str, Field(min_length=1, max_length=1 << 22)]
    theme: Literal["dark", "light"] = "dark"


class ClipStatus(Message):
    """State of a clip; `position` counts those before it in the queue."""

    id: str
    state: ClipState
    film: str
    format: str
    position: Annotated[int, Field(ge=0)] = 0
    frames: Annotated[int, Field(ge=0)] = 0
    total: Annotated[int, Field(ge=0)] | None = None
    bytes: Annotated[int, Field(ge=0)] = 0
    message: str = ""
    alt: str = ""


class DashboardImage(Message):
    """One image of the dashboard in words."""

    label: str
    predicted: str
    confidence: Annotated[float, Field(ge=0, le=1)]


class DashboardImages(Message):
    """The images of a dashboard, in order."""

    run: str
    images: list[DashboardImage]


def problems(*statuses: int, files: Iterable[str] = ()) -> dict[int | str, dict[str, Any]]:
    """Return the documented answers of a route.

    Parameters
    ----------
    *statuses : int
        Of errors, beside those that every request may have.
    files : iterable of str
        Media types, if the route answers with a file.
    """
    found: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem} for status in (400, 403, 408, 413, 429, 500, *statuses)
    }
    if types := {kind: {"schema": {"type": "string", "format": "binary"}} for kind in files}:
        found[200] = {"content": types, "description": "The file"}
    return found

"""Build the lab page, in which a network classifies drawings."""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write_text
from netcore.core.formatting import format_count, format_images, format_percent
from netcore.core.run import Run, Snapshot
from netcore.viz.theme import DARK, FONT, LIGHT, MONO, THEMES
from netcore.web.bundle import bundle, static_text
from netcore.web.films import drawing_films
from netcore.web.program import Program, program_of_trace
from netcore.web.stages import network_stages

MAX_EXAMPLES = 500
HALF_SIZE = 4096  # values of an array that is stored as float16: small ones, such as a scale, would cost more accuracy
ROLES = ("background", "foreground", "muted", "faint", "positive", "negative", "emphasis", "correct", "incorrect")


def write_lab(
    target: Path,
    runs: Sequence[Run],
    *,
    at: str = "best",
    half: bool = False,
    theme: str | None = None,
    max_examples: int = MAX_EXAMPLES,
) -> None:
    """Write the lab of one or several runs as one HTML file that needs nothing else.

    Parameters
    ----------
    target : Path
        The page; replaced whole or not at all.
    runs : sequence of Run
        Networks that classify the same drawing; all have the same input and classes.
    at : str
        Snapshot, as in `Run.snapshot`.
    half : bool
        Store weights as float16: half the size. Arrays of few values stay float32.
    theme : {"dark", "light"}, optional
        Default: as the reader's browser prefers.
    max_examples : int
        Maximum number of example images in the page.

    Raises
    ------
    NetcoreError
        If a network has an operation that the page cannot compute, or the runs differ in input or classes.
    """
    atomic_write_text(target, lab_html(runs, at=at, half=half, theme=theme, max_examples=max_examples))


def lab_html(
    runs: Sequence[Run],
    *,
    at: str = "best",
    half: bool = False,
    theme: str | None = None,
    max_examples: int = MAX_EXAMPLES,
    server: Mapping[str, Any] | None = None,
) -> str:
    """Return the lab as HTML.

    Parameters
    ----------
    runs, at, half, theme, max_examples :
        As in `write_lab`.
    server : mapping, optional
        What the page's server offers; without it the page asks for nothing.
    """
    _check_alike(runs)
    blobs: dict[str, str] = {}
    examples = _examples(runs, blobs, max_examples)
    networks = [_network(run, run.snapshot(at), i, half, examples, blobs) for i, run in enumerate(runs)]
    data: dict[str, Any] = {"networks": networks, "examples": {k: v for k, v in examples.items() if k != "images"}}
    if server is not None:
        data["server"] = dict(server)
    return _render_template(data, blobs, theme, runs)


def _check_alike(runs: Sequence[Run]) -> None:
    for run in runs[1:]:
        if run.input_shape != runs[0].input_shape or run.classes != runs[0].classes:
            raise NetcoreError(
                f"runs '{runs[0].name}' and '{run.name}' must have the same input and classes to share a lab"
            )
    if len({run.name for run in runs}) < len(runs):
        raise NetcoreError("a lab shows each run once: leave out the repeated name")


def _examples(runs: Sequence[Run], blobs: dict[str, str], limit: int) -> dict[str, Any]:
    shape = list(runs[0].input_shape)
    found = next((run for run in runs if run.info.get("examples")), None)
    if found is None:
        images = np.zeros((0, *shape), np.uint8)
        return {"count": 0, "shape": shape, "labels": [], "source": "", "images": images}
    examples = found.examples()
    images = examples.images[:limit]  # interleaved by class
    blobs["examples"] = _pack(images.tobytes())
    data = found.info.get("data", {})
    source = format_images(len(images), data.get("name", "the data"), held_out=bool(data.get("held_out")))
    return {
        "count": len(images),
        "shape": shape,
        "labels": examples.labels[:limit].tolist(),
        "source": source,
        "images": images,
    }


def _network(
    run: Run, snapshot: Snapshot, number: int, half: bool, examples: dict[str, Any], blobs: dict[str, str]
) -> dict[str, Any]:
    """Describe one network, and add its arrays to `blobs`."""
    from netcore.tracing.tracer import trace

    traced = trace(run, snapshot, np.zeros(run.input_shape, np.uint8))
    program = program_of_trace(traced)
    stages = network_stages(traced, program)
    halves = {name for name, values in program.parameters.items() if half and values.size >= HALF_SIZE}
    for kind, is_half in (("weights", False), ("halves", True)):
        chosen = [values for name, values in program.parameters.items() if (name in halves) == is_half]
        blobs[f"{kind}-{number}"] = _pack_floats(chosen, is_half)
    if examples["count"]:
        blobs[f"reference-{number}"] = _reference(run, snapshot, examples["images"])
    return {
        "run": _facts(run, snapshot),
        "program": _program_json(program, run),
        "parameters": [[name, int(values.size), name in halves] for name, values in program.parameters.items()],
        "stages": stages,
        "films": [{"name": scene.name, "title": scene.title} for scene in drawing_films(run)],
        "half": bool(halves),
    }


def _program_json(program: Program, run: Run) -> dict[str, Any]:
    given = run.info["input"]
    return {
        "input": {
            "shape": list(run.input_shape),
            "mean": list(given.get("mean", [0.0])),
            "std": list(given.get("std", [1.0])),
        },
        "nodes": program.nodes,
        "output": program.output,
        "outputKind": program.output_kind,
        "classes": run.classes,
    }


def _facts(run: Run, snapshot: Snapshot) -> dict[str, Any]:
    """Name of the run and the line under it."""
    from netcore.analysis.graph_builder import graph_of_run

    parts = [f"recipe {run.display_name}"] if run.display_name != run.name else []
    parts.append(graph_of_run(run).summary)
    if run.info.get("parameters"):
        parts.append(f"{run.info['parameters']:,} parameters")
    if data := run.info.get("data", {}).get("name"):
        count = run.info["data"].get("train")
        parts.append(f"trained on {format_images(count, data) if count else data}")
    parts.append(snapshot.label)
    row = next((r for r in run.history["epochs"] if r["step"] == snapshot.step and "val_accuracy" in r), None)
    if row is not None:
        count = run.info.get("data", {}).get("held_out")
        images = format_count(count, "held-out image") if count else "held-out images"
        parts.append(f"{format_percent(row['val_accuracy'])} of {images} correct")
    summary = ", ".join(parts)
    return {"name": run.name, "title": run.display_name, "summary": summary[:1].upper() + summary[1:]}


def _reference(run: Run, snapshot: Snapshot, images: NDArray[np.uint8]) -> str:
    """Probabilities that PyTorch computes for the examples, by which the page checks itself."""
    from scipy.special import softmax

    from netcore.tracing.batch_inference import predict_batch

    logits = predict_batch(run, snapshot, images)["logits"].astype(np.float64)
    return _pack_floats([softmax(logits, axis=1)], half=False)


def _pack_floats(arrays: Sequence[NDArray[Any]], half: bool) -> str:
    """Pack numbers with the bytes of equal place side by side, which compress better."""
    parts = [np.empty(0), *(array.ravel() for array in arrays)]
    joined = np.concatenate(parts).astype("<f2" if half else "<f4")
    if not np.isfinite(joined).all():
        raise NetcoreError("the weights are too large for float16: leave out --half")
    return _pack(joined.view(np.uint8).reshape(-1, joined.itemsize).T.tobytes())


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _render_template(data: dict[str, Any], blobs: dict[str, str], theme: str | None, runs: Sequence[Run]) -> str:
    import jinja2

    source = files("netcore.web").joinpath("lab.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    script = bundle("main.js")
    return environment.from_string(source).render(
        title=" and ".join(run.name for run in runs),
        data=json.dumps(data, ensure_ascii=True).replace("<", "\\u003c"),
        several=len(runs) > 1,
        blobs=blobs,
        script=script,
        worker=bundle("worker.js"),
        style=static_text("lab/lab.css"),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        theme=THEMES[theme] if theme else None,
        dark=DARK,
        light=LIGHT,
        roles=ROLES,
        server=data.get("server"),
        font=FONT,
        mono=MONO,
    )

"""What `run.json`, its journal and sidecars must contain: keys, types and lengths."""

from math import prod
from typing import Any

from netcore.core.value_checks import (
    Check,
    by_name,
    digest,
    flag,
    integer,
    list_of,
    mapping,
    numeric,
    object_of,
    optional,
    positive,
    rows_of,
    seed,
    short,
    size,
    text,
)

MAX_INPUT = 2**26  # values of one image
MAX_CLASSES = 100_000


def check_info(info: Any) -> None:
    """Check the content of `run.json`; ValueError says which value is wrong, and what it must be."""
    RUN(info, "")
    channels = info["input"]["shape"][0]
    if prod(info["input"]["shape"]) > MAX_INPUT:
        raise ValueError(f"input.shape must have at most {MAX_INPUT:,} values")
    for key in ("mean", "std"):
        if len(info["input"].get(key, [0] * channels)) != channels:
            raise ValueError(f"input.{key} must have {channels} values")
    if not 1 <= len(info["classes"]) <= MAX_CLASSES:
        raise ValueError(f"classes must be 1 to {MAX_CLASSES:,} names")


def check_row(row: Any) -> None:
    """Check a row of a run's journal; ValueError says which value is wrong."""
    object_of({}, **ROW)(row, "")
    if unknown := set(row) - set(ROW) or set(row.get("history", {})) - set(HISTORY):
        raise ValueError(f"it must have no {short(min(unknown))}")


def check_sidecar(content: Any) -> None:
    """Check the content of a render's sidecar; ValueError says which value is wrong."""
    SIDECAR(content, "")


# ---- run.json

FILE = {"file": text, "sha256": digest}
SHAPE = list_of(integer)
SHARES = list_of(numeric)
ARCHITECTURE = object_of(
    {},
    conv=list_of(list_of(size)),
    hidden=list_of(size),
    activation=text,
    batch_norm=flag,
    dense_norm=flag,
    block_dropout=numeric,
    dropout=numeric,
    kernel=size,
)
LAYER = object_of(
    {"name": text, "kind": text, "output": SHAPE},
    inputs=list_of(text),
    input=SHAPE,
    parameters=integer,
    weight=optional(text),
    module=text,
    outputs=by_name(SHAPE),
    parameter_sizes=by_name(integer),
    batch_axis=optional(integer),
    settings=mapping,
    **{"class": text},
)
CLASS = object_of({"name": text, "precision": numeric, "recall": numeric, "f1": numeric, "support": integer})
EVALUATION = object_of(
    FILE,
    snapshot=text,
    count=integer,
    right=integer,
    accuracy=numeric,
    interval=list_of(numeric, 2),
    calibration_error=optional(numeric),
    confusion=list_of(list_of(integer)),
    classes=list_of(CLASS),
    images_per_second=optional(numeric),
    digest=text,
)
SNAPSHOTS = list_of(object_of({"epoch": numeric, "step": integer, **FILE}, name=text))
HISTORY = {"epochs": rows_of("epoch"), "steps": rows_of("step")}
PROGRESS = {"unit": text, "best": integer, "last": integer, "seconds": numeric, "images_per_second": numeric}
ROW: dict[str, Check] = {"snapshots": SNAPSHOTS, "history": object_of({}, **HISTORY)} | PROGRESS
RUN = object_of(
    {
        "snapshots": SNAPSHOTS,
        "classes": list_of(text),
        "input": object_of({"shape": list_of(size, 3)}, mean=SHARES, std=list_of(positive)),
        "layers": list_of(LAYER),
    },
    schema=integer,
    name=text,
    recipe=optional(text),
    status=text,
    history=object_of(HISTORY),
    examples=optional(object_of(FILE, count=integer)),
    evaluations=by_name(EVALUATION),
    unlabelled=by_name(EVALUATION),
    model=object_of({}, kind=text, architecture=ARCHITECTURE, graph=object_of(FILE), constants=object_of(FILE)),
    data=object_of(
        {},
        name=text,
        asked=optional(text),
        train=integer,
        held_out=integer,
        held_out_is=text,
        share=numeric,
        sha256=by_name(text),
        note=text,
    ),
    settings=object_of({}, architecture=ARCHITECTURE, seed=seed, epochs=integer, batch_size=size, data=text),
    changed=mapping,
    stability=optional(
        object_of(
            {"accuracy": SHARES},
            mean=numeric,
            without_dropout=numeric,
            deviation=optional(numeric),
            data=text,
        )
    ),
    parameters=integer,
    seed=seed,
    device=text,
    device_name=text,
    **PROGRESS,
)


# ---- sidecars

INPUTS = object_of(
    {"reads": by_name(text), "options": mapping, "format": text, "theme": text, "size": list_of(size, 2)}
    | {"fps": positive, "at": text},
    sample=mapping,
    max_mb=optional(positive),
)
SIDECAR = object_of(
    {"schema": integer, "scene": text, "title": text, "alt": text, "run": text, "command": text}
    | {"frames": integer, "seconds": numeric, "bytes": integer, "width": size, "height": size}
    | {"sha256": digest, "key": digest, "inputs": INPUTS, "where": object_of({"scene": text, "run": text})}
)

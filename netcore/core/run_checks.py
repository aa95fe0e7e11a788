"""Check keys, types, lengths and shapes of stored files."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from netcore.core.plain_text import plain_text

MAX_INPUT = 2**26  # values of one image
MAX_CLASSES = 100_000
MAX_DEPTH = 40  # of values that no key below describes
MAX_INT = 2**53  # exact as a float too
Check = Callable[[Any, str], None]  # raises ValueError, which names the place


def check_info(info: Any) -> None:
    """Check the content of `run.json`; ValueError says which value is wrong, and what it must be."""
    RUN(info, "")
    channels = info["input"]["shape"][0]
    if np.prod(info["input"]["shape"], dtype=float) > MAX_INPUT:
        raise ValueError(f"input.shape must have at most {MAX_INPUT:,} values")
    for key in ("mean", "std"):
        if len(info["input"].get(key, [0] * channels)) != channels:
            raise ValueError(f"input.{key} must have {channels} values")
    if not 1 <= len(info["classes"]) <= MAX_CLASSES:
        raise ValueError(f"classes must be 1 to {MAX_CLASSES:,} names")


def check_row(row: Any) -> None:
    """Check a row of a run's journal; ValueError says which value is wrong."""
    _object({}, **ROW)(row, "")
    if unknown := set(row) - set(ROW) or set(row.get("history", {})) - set(HISTORY):
        raise ValueError(f"it must have no {_short(min(unknown))}")


def check_sidecar(content: Any) -> None:
    """Check the content of a render's sidecar; ValueError says which value is wrong."""
    SIDECAR(content, "")


def check_arrays(
    arrays: Mapping[str, np.ndarray], dtypes: Mapping[str, str], ndims: Mapping[str, int], same: Iterable[str]
) -> None:
    """Check arrays of an .npz file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    dtypes : mapping of str to str
        Allowed kinds of dtype by name: ``"u"``, ``"iu"``, ``"f"``.
    ndims : mapping of str to int
        Number of axes by name.
    same : iterable of str
        Names whose arrays have the same length.

    Raises
    ------
    ValueError
        If an array is missing or another.
    """
    for name, kinds in dtypes.items():
        if name not in arrays:
            raise ValueError(f"it has no {name}")
        found = arrays[name]
        if found.dtype.kind not in kinds or found.ndim != ndims[name]:
            raise ValueError(f"{name} must have {ndims[name]} axes of numbers, got {found.dtype} {found.shape}")
    if len({len(arrays[name]) for name in same}) > 1:
        raise ValueError(f"{', '.join(same)} must have the same length")


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Check that labels are numbers of classes; ValueError otherwise."""
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels must be from 0 to {classes - 1}")


# ---- kinds of values


def _integer(value: Any, place: str) -> None:
    if type(value) is not int or not 0 <= value < MAX_INT:
        raise ValueError(f"{place} must be an integer of at least 0, got {_short(value)}")


def _seed(value: Any, place: str) -> None:
    if type(value) is not int or value < 0:
        raise ValueError(f"{place} must be an integer of at least 0, got {_short(value)}")


def _size(value: Any, place: str) -> None:
    if type(value) is not int or not 0 < value < MAX_INT:
        raise ValueError(f"{place} must be an integer of at least 1, got {_short(value)}")


def _number(value: Any, place: str) -> None:
    if type(value) not in (int, float) or abs(value) > MAX_INT:
        raise ValueError(f"{place} must be a number, got {_short(value)}")


def _positive(value: Any, place: str) -> None:
    _number(value, place)
    if not value > 0:
        raise ValueError(f"{place} must be above 0, got {_short(value)}")


def _text(value: Any, place: str) -> None:
    if type(value) is not str:
        raise ValueError(f"{place} must be a text, got {_short(value)}")


def _digest(value: Any, place: str) -> None:
    if type(value) is not str or len(value) != 64:
        raise ValueError(f"{place} must be a SHA-256 digest, got {_short(value)}")


def _flag(value: Any, place: str) -> None:
    if type(value) is not bool:
        raise ValueError(f"{place} must be true or false, got {_short(value)}")


def _plain(value: Any, place: str, depth: int = 0) -> None:
    """Accept any value that is not nested too deeply."""
    if depth > MAX_DEPTH:
        raise ValueError(f"{place} is nested too deeply")
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            if isinstance(part, (dict, list)):
                _plain(part, place, depth + 1)


def _mapping(value: Any, place: str) -> None:
    if type(value) is not dict:
        raise ValueError(f"{place} must be an object, got {_short(value)}")
    _plain(value, place)


def _optional(check: Check) -> Check:
    def optional(value: Any, place: str) -> None:
        if value is not None:
            check(value, place)

    return optional


def _list(check: Check, length: int | None = None) -> Check:
    def every(value: Any, place: str) -> None:
        if type(value) is not list:
            raise ValueError(f"{place} must be a list, got {_short(value)}")
        if length is not None and len(value) != length:
            raise ValueError(f"{place} must have {length} values, got {len(value)}")
        for i, part in enumerate(value):
            check(part, f"{place}[{i}]")

    return every


def _by_name(check: Check) -> Check:
    def every(value: Any, place: str) -> None:
        if type(value) is not dict:
            raise ValueError(f"{place} must be an object, got {_short(value)}")
        for name, part in value.items():
            check(part, f"{place}.{name}")

    return every


def _object(required: Mapping[str, Check], **optional: Check) -> Check:
    """Check an object with these keys; others may have any plain value."""

    def check(value: Any, place: str) -> None:
        if type(value) is not dict:
            raise ValueError(f"{place or 'it'} must be an object, got {_short(value)}")
        prefix = f"{place}." if place else ""
        for key in required:
            if key not in value:
                raise ValueError(f"{place or 'it'} has no {key}")
        for key, part in value.items():
            (required.get(key) or optional.get(key) or _plain)(part, prefix + key)

    return check


def _rows(required: str) -> Check:
    """Check rows of numbers by name, thousands of them, without a call per value."""
    numbers = {int, float, type(None)}

    def check(value: Any, place: str) -> None:
        if type(value) is not list:
            raise ValueError(f"{place} must be a list, got {_short(value)}")
        for i, row in enumerate(value):
            if type(row) is not dict or not numbers.issuperset(map(type, row.values())):
                raise ValueError(f"{place}[{i}] must be an object of numbers, got {_short(row)}")
            _integer(row.get("step"), f"{place}[{i}].step")
            _number(row.get(required), f"{place}[{i}].{required}")

    return check


def _short(value: Any) -> str:
    text = plain_text(repr(value))
    return text if len(text) <= 40 else f"{text[:40]}…"


# ---- run.json

FILE = {"file": _text, "sha256": _digest}
SHAPE = _list(_integer)
SHARES = _list(_number)
ARCHITECTURE = _object(
    {},
    conv=_list(_list(_size)),
    hidden=_list(_size),
    activation=_text,
    batch_norm=_flag,
    dense_norm=_flag,
    block_dropout=_number,
    dropout=_number,
    kernel=_size,
)
LAYER = _object(
    {"name": _text, "kind": _text, "output": SHAPE},
    inputs=_list(_text),
    input=SHAPE,
    parameters=_integer,
    weight=_optional(_text),
    module=_text,
    outputs=_by_name(SHAPE),
    parameter_sizes=_by_name(_integer),
    batch_axis=_optional(_integer),
    settings=_mapping,
    **{"class": _text},
)
CLASS = _object({"name": _text, "precision": _number, "recall": _number, "f1": _number, "support": _integer})
EVALUATION = _object(
    FILE,
    snapshot=_text,
    count=_integer,
    right=_integer,
    accuracy=_number,
    interval=_list(_number, 2),
    calibration_error=_optional(_number),
    confusion=_list(_list(_integer)),
    classes=_list(CLASS),
    images_per_second=_optional(_number),
    digest=_text,
)
SNAPSHOTS = _list(_object({"epoch": _number, "step": _integer, **FILE}, name=_text))
HISTORY = {"epochs": _rows("epoch"), "steps": _rows("step")}
PROGRESS = {"unit": _text, "best": _integer, "last": _integer, "seconds": _number, "images_per_second": _number}
ROW: dict[str, Check] = {"snapshots": SNAPSHOTS, "history": _object({}, **HISTORY)} | PROGRESS
RUN = _object(
    {
        "snapshots": SNAPSHOTS,
        "classes": _list(_text),
        "input": _object({"shape": _list(_size, 3)}, mean=SHARES, std=_list(_positive)),
        "layers": _list(LAYER),
    },
    schema=_integer,
    name=_text,
    recipe=_optional(_text),
    status=_text,
    history=_object(HISTORY),
    examples=_optional(_object(FILE, count=_integer)),
    evaluations=_by_name(EVALUATION),
    unlabelled=_by_name(EVALUATION),
    model=_object({}, kind=_text, architecture=ARCHITECTURE, graph=_object(FILE), constants=_object(FILE)),
    data=_object(
        {},
        name=_text,
        asked=_optional(_text),
        train=_integer,
        held_out=_integer,
        held_out_is=_text,
        share=_number,
        sha256=_by_name(_text),
        note=_text,
    ),
    settings=_object({}, architecture=ARCHITECTURE, seed=_seed, epochs=_integer, batch_size=_size, data=_text),
    changed=_mapping,
    stability=_optional(
        _object({"accuracy": SHARES}, mean=_number, without_dropout=_number, deviation=_optional(_number), data=_text)
    ),
    parameters=_integer,
    seed=_seed,
    device=_text,
    device_name=_text,
    **PROGRESS,
)


# ---- sidecars

INPUTS = _object(
    {"reads": _by_name(_text), "options": _mapping, "format": _text, "theme": _text, "size": _list(_size, 2)}
    | {"fps": _positive, "at": _text},
    sample=_mapping,
    max_mb=_optional(_positive),
)
SIDECAR = _object(
    {"schema": _integer, "scene": _text, "title": _text, "alt": _text, "run": _text, "command": _text}
    | {"frames": _integer, "seconds": _number, "bytes": _integer, "width": _size, "height": _size}
    | {"sha256": _digest, "key": _digest, "inputs": INPUTS, "where": _object({"scene": _text, "run": _text})}
)

"""What figures read out of a run: its history by snapshot, its kernels and matrices in order, words for captions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from netcore.case import Case
from netcore.run import Snapshot


def epochs(case: Case, *keys: str) -> tuple[np.ndarray, ...]:
    """Columns of the history by epoch, float (E,) each; NaN where a row lacks one, empty where all do."""
    rows = case.history.get("epochs", [])
    return tuple(np.array([np.nan if r.get(k) is None else r[k] for r in rows], dtype=float) for k in keys)


def row_at(case: Case, snapshot: Snapshot) -> Mapping[str, Any]:
    """The row of the history that belongs to a snapshot; empty where there is none (before the first epoch's end)."""
    return next((r for r in case.history.get("epochs", []) if r.get("step") == snapshot.step), {})


def held_out(case: Case) -> str:
    """How many images the history's second line is measured on, as words."""
    count = case.held_out_count
    return counted(count, "held-out image") if count else "held-out images"


def layer_words(name: str) -> str:
    """What a title calls a layer: its name, or ``layer 3`` where that is only its number in a sequence."""
    return f"layer {name}" if name.isdigit() else name

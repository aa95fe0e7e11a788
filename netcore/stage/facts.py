"""What figures read out of a run: its history by snapshot, its kernels and matrices in order, words for captions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from netcore.case import Case
from netcore.core.formatting import format_count
from netcore.run import Arrays, Run, Snapshot


def epochs(case: Case, *keys: str) -> tuple[np.ndarray, ...]:
    """Columns of the history by epoch, float (E,) each; NaN where a row lacks one, empty where all do."""
    rows = case.history.get("epochs", [])
    return tuple(np.array([np.nan if r.get(k) is None else r[k] for r in rows], dtype=float) for k in keys)


def row_at(case: Case, snapshot: Snapshot) -> Mapping[str, Any]:
    """The row of the history that belongs to a snapshot; empty where there is none (before the first epoch's end)."""
    return next((r for r in case.history.get("epochs", []) if r.get("step") == snapshot.step), {})


def held_out(run: Run) -> str:
    """How many images the history's second line is measured on, as words."""
    count = run.info.get("data", {}).get("held_out")
    return format_count(count, "held-out image") if count else "held-out images"


def weights_by_layer(run: Run, weights: Arrays, ndim: int | None = None) -> dict[str, np.ndarray]:
    """Weights of the layers in order: kernels (out, in, h, w) where `ndim` is 4, matrices (out, in) where it is 2.

    Without `ndim` both; the scales of normalisations, vectors, are never among them.
    """
    keys = {layer["name"]: layer.get("weight") or f"{layer['name']}.weight" for layer in run.layers}
    others = sorted(k for k in weights.keys() - set(keys.values()) if k.endswith(".weight"))
    keys |= {k.removesuffix(".weight"): k for k in others}
    found = {name: weights[key] for name, key in keys.items() if key in weights}
    return {name: w for name, w in found.items() if (w.ndim >= 2 if ndim is None else w.ndim == ndim)}


def layer_words(name: str) -> str:
    """What a title calls a layer: its name, or ``layer 3`` where that is only its number in a sequence."""
    return f"layer {name}" if name.isdigit() else name

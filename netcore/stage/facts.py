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


def shape_words(shape: tuple[int, ...]) -> str:
    """A shape as a caption writes it: ``32×14×14``."""
    return "×".join(f"{s:,}" for s in shape)


def some_of(shown: int, total: int, what: str = "") -> str:
    """How many are shown: ``24 of 1,024 neurons``, or just ``16 neurons`` where it is all of them."""
    return (f"{total:,}" if shown == total else f"{shown:,} of {total:,}") + (
        f" {_plural(what, total)}" if what else ""
    )


def counted(total: int, what: str) -> str:
    """A number of things: ``1 image``, ``1,000 images``, ``2 passes``."""
    return some_of(total, total, what)


def _plural(what: str, count: int) -> str:
    return what if count == 1 else what + ("es" if what.endswith("s") else "s")

"""Read the training history by epoch and snapshot."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.regions import evenly_spaced
from netcore.core.context import SceneContext
from netcore.core.formatting import format_count
from netcore.core.run import Snapshot

MAX_SHOWN = 60  # snapshots, each of which is read: ten a second in six seconds


def epoch_columns(context: SceneContext, *keys: str) -> tuple[NDArray[np.float64], ...]:
    """Return columns of the history by epoch, of shape (E,), NaN if a row has no such value."""
    rows = context.history.get("epochs", [])
    return tuple(np.array([np.nan if r.get(k) is None else r[k] for r in rows], dtype=float) for k in keys)


def epoch_row(context: SceneContext, snapshot: Snapshot) -> Mapping[str, Any]:
    """Return the row of the history that belongs to a snapshot, empty within an epoch."""
    return next((r for r in context.history.get("epochs", []) if r.get("step") == snapshot.step), {})


def held_out_text(context: SceneContext) -> str:
    """Format the number of held-out images that the history was measured on."""
    count = context.held_out_count
    return format_count(count, "held-out image") if count else "held-out images"


def snapshots_until(context: SceneContext) -> tuple[Snapshot, ...]:
    """Return the snapshots from the first to the selected one."""
    last = context.snapshot()
    return tuple(s for s in context.snapshots if s.step <= last.step)


def shown_snapshots(context: SceneContext) -> tuple[Snapshot, ...]:
    """Return the snapshots that an animation of all weights shows: of many, evenly spaced ones up to the selected."""
    return tuple(evenly_spaced(snapshots_until(context), MAX_SHOWN))


def snapshot_accuracy(
    context: SceneContext, snapshots: Sequence[Snapshot]
) -> tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the recorded accuracy: on what, training steps and values (E,), and values at some snapshots (T,), or NaN.

    It is the held-out accuracy where there is one, else that of training.
    """
    rows = [row for row in context.history.get("epochs", []) if row.get("step") is not None]
    key = "val_accuracy" if any(row.get("val_accuracy") is not None for row in rows) else "train_accuracy"
    rows = [row for row in rows if row.get(key) is not None]
    what = f"accuracy, {held_out_text(context)}" if key == "val_accuracy" else "accuracy, training images"
    steps, values = (np.array([row[k] for row in rows], dtype=float) for k in ("step", key))
    known = dict(zip(steps.tolist(), values.tolist(), strict=True))
    at = np.array([known.get(float(s.step), np.nan) for s in snapshots], dtype=float)
    return what, steps, values, at

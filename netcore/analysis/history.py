"""Read the training history by epoch and snapshot."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.context import SceneContext
from netcore.core.formatting import format_count
from netcore.core.run import Snapshot


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

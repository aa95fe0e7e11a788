"""Captions about what a network learned, as templates with their fields."""

from collections.abc import Sequence
from typing import Any

from netcore.analysis.snapshot_predictions import Mistake, SnapshotPredictions
from netcore.viz.film.captions import shortest_caption

Caption = tuple[str, dict[str, Any]]  # template and fields


def counts_caption(found: SnapshotPredictions, classes: Sequence[str]) -> Caption:
    """Return how the counts of the confusion matrix move, and which class is half right last or never."""
    slow, at = found.slowest_classes()
    text = "Counts move to the diagonal" if found.accuracy[-1] > found.accuracy[0] else "Counts by snapshot"
    values: dict[str, Any] = {"n": len(slow), "c": "".join(classes[k] for k in slow[:1])}
    if at < 0:
        return text + "; {n} never half right", values
    if len(slow) == 1:
        return shortest_caption(text + "; {c} comes last", text, **values), values
    return text, values


def mistake_caption(found: SnapshotPredictions, classes: Sequence[str]) -> Caption:
    """Return the most frequent mistake, or that there is none."""
    mistake = found.main_mistake()
    if mistake is None:
        return "No mistakes on these {n} images", {"n": len(found.images.labels)}
    values = _fields(mistake, classes)
    named = "Still confused: {a} answered {b}, {n} of {m}"
    return shortest_caption(named, "Most frequent mistake: {n} of {m}", **values), values


def change_caption(found: SnapshotPredictions, classes: Sequence[str], low: str, high: str) -> Caption:
    """Return the loss at both ends, and the most frequent mistake."""
    mistake, text = found.main_mistake(), "loss {low} → {high}"
    values: dict[str, Any] = {"low": low, "high": high}
    if mistake is None:
        return text, values
    values |= _fields(mistake, classes)
    named, plain = "; {a} answered {b}: {n} of {m}", "; main mistake: {n} of {m}"
    return shortest_caption(text + named, text + plain, text, **values), values


def _fields(mistake: Mistake, classes: Sequence[str]) -> dict[str, Any]:
    names = {"a": classes[mistake.true], "b": classes[mistake.predicted]}
    return names | {"n": len(mistake.images), "m": mistake.of}

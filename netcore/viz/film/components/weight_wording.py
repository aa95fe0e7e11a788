"""Captions, as templates with fields, and notes about weights through training."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netcore.analysis.first_layer import FirstUnit
from netcore.analysis.layer_resets import LayerReset
from netcore.core.formatting import format_percent
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.captions import shortest_caption
from netcore.viz.film.text import ellipsize_line

Caption = tuple[str, dict[str, Any]]  # template and fields
ENOUGH = 0.98  # of the accuracy: a layer that leaves as much might have stayed untrained
TURNED = 0.9  # cosine of first and last weights above which kernels "turned little"
IDLE_NOTE = (
    "framed: pixel 0 in all training images, weight × 0 = 0:",
    "the weight never counts, so training leaves it",
)


def fastest_caption(who: str, first: str, last: str) -> Caption:
    """Return when a unit's weights changed fastest."""
    values = {"who": who, "a": first, "b": last}
    return shortest_caption("{who} changed fastest from {a} to {b}", "Fastest: {a} to {b}", **values), values


def fastest_note(low: str, high: str, share: float) -> list[str]:
    """Return which share of the change was done in which share of the training."""
    return [f"band: from {low} to {high} of its change,", f"in {format_percent(share)} of the training"]


def units_caption(unit: FirstUnit, count: str, complete: bool, first: str, last: str) -> tuple[Caption, list[str]]:
    """Return that all units are shown at two snapshots, or how little they turned, and what that means."""
    values = {"count": count, "a": first, "b": last, "angle": f"{np.median(unit.angles):.1f}"}
    if np.median(unit.cosines) > TURNED:
        notes = ["angle between first and last weights;", "0°: same pattern, 90°: unrelated"]
        return ("{count}: weights turned by only {angle}° (median)", values), notes
    text = "All {count}: {a}, then {b}" if complete else "{count}: {a}, then {b}"
    return (shortest_caption(text, "{a}, then {b}", **values), values), []


def sums_caption(who: str, name: str, low: str, high: str) -> Caption:
    """Return a unit's sums on the image at both ends."""
    values = {"who": who, "c": name, "a": low, "b": high}
    named, plain = "{who}, sum on this {c}: {a} → {b}", "{who}, sum on this image: {a} → {b}"
    return shortest_caption(named, plain, **values), values


def worst_caption(worst: LayerReset, full: float) -> Caption:
    """Return the accuracy with and without the training of one layer."""
    title = ellipsize_line(worst.title, 3.5, LABEL)
    values = {"layer": title[:1].upper() + title[1:], "p": format_percent(full), "a": format_percent(worst.accuracy)}
    return "{layer} untrained again: {p} → {a}", values


def worst_note(resets: Sequence[LayerReset], full: float, classes: int) -> list[str]:
    """Return what an even guess is worth, and which layer might have stayed untrained."""
    guess, best = f"an even guess would give {format_percent(1 / classes)}", max(resets, key=lambda r: r.accuracy)
    if best.accuracy < ENOUGH * full:
        return [guess]
    title = ellipsize_line(best.title, 3.5, LABEL)
    return [guess + ";", f"{title} untrained: still {format_percent(best.accuracy)}"]


def reset_caption(resets: Sequence[LayerReset], full: float) -> Caption:
    """Return the accuracy, and that with the layer put back whose training matters most."""
    values: dict[str, Any] = {"p": format_percent(full)}
    low = min(resets, key=lambda r: r.accuracy, default=None)
    if low is None or low.accuracy >= full:
        return "Accuracy {p}", values
    values |= {"x": ellipsize_line(low.title, 2.6, LABEL), "q": format_percent(low.accuracy)}
    named, plain = "Accuracy {p}; {x} untrained: {q}", "Accuracy {p}; one layer untrained: {q}"
    return shortest_caption(named, plain, **values), values

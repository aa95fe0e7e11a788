"""Captions, as templates with fields, and notes about weights through training."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netcore.analysis.first_layer import FirstUnit
from netcore.analysis.layer_resets import LayerReset
from netcore.core.formatting import format_percent
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.captions import shortest_caption
from netcore.viz.film.components.cnn_wording import EFFECTS
from netcore.viz.film.text import ellipsize_line

Caption = tuple[str, dict[str, Any]]  # template and fields
ENOUGH = 0.98  # of the accuracy: a layer that leaves as much might have stayed untrained
TURNED = 0.9  # cosine of first and last weights above which kernels "turned little"
IDLE_NOTE = ["framed: pixel 0 in all training images;", "training moves a weight in proportion to its pixel: by 0"]
NOISE, PATTERN = 0.2, 0.5  # correlation of adjacent weights: at most, at least
FUNCTIONS = EFFECTS | {
    "Sigmoid": "Sigmoid(x) = 1 / (1 + e⁻ˣ)",
    "Tanh": "Tanh(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)",
}


def window_note(unit: FirstUnit) -> str:
    """Say which window of the image a kernel is shown on."""
    kind = "largest" if unit.products[-1].sum() > 0 else "smallest"
    return f"framed: the window shown here, that of the {kind} sum at the end"


def fastest_caption(who: str, first: str, last: str) -> Caption:
    """Return when a unit's weights changed fastest."""
    values = {"who": who, "a": first, "b": last}
    return shortest_caption("{who} changed fastest from {a} to {b}", "Fastest: {a} to {b}", **values), values


def fastest_note(low: str, high: str, share: float) -> list[str]:
    """Return what the band is, and from where to where its change went in which share of the training."""
    ends = f"from {low} to {high}, in {format_percent(share)} of the training"
    return ["band: shortest span with at least half of the change,", ends]


def units_caption(unit: FirstUnit, count: str, complete: bool, ends: tuple[str, str]) -> tuple[Caption, list[str]]:
    """Return that all units are shown at two snapshots, or how little they turned, and what that means."""
    layer, (first, last) = unit.block.title, ends
    values = {"count": count, "layer": layer, "a": first, "b": last, "angle": f"{np.median(unit.angles):.1f}"}
    if np.median(unit.cosines) > TURNED:
        notes = ["angle between first and last weights;", "0°: same pattern, 90°: unrelated"]
        return ("{count}: weights turned by only {angle}° (median)", values), notes
    text, every = "{count} of {layer} through training", "All " * complete
    return (
        shortest_caption(every + text, text, every + "{count}: {a}, then {b}", "{a}, then {b}", **values),
        values,
    ), [f"{layer} reads the pixels"]


def conclusion_caption(unit: FirstUnit, who: str, name: str, sums: tuple[str, str], span: tuple[str, str]) -> Caption:
    """Return that noise became a pattern if it did, and when its weights changed fastest; else a unit's sums.

    Parameters
    ----------
    unit : FirstUnit
    who, name : str
        Of the unit, of the image.
    sums : tuple of str
        On the image, at both ends.
    span : tuple of str
        Ends of the fastest change, empty where it was even.
    """
    low, high = unit.neighbour_correlations[[0, -1]]
    values = {"who": who.capitalize(), "c": name, "a": sums[0], "b": sums[1], "x": span[0], "y": span[1]}
    if low <= NOISE and high >= PATTERN:
        fastest = ["Noise to a pattern, fastest from {x} to {y}"] if span[0] else []
        text = "Noise to a pattern; sum on this {c}: {a} → {b}"
        return shortest_caption(*fastest, text, "{who}: noise became a pattern", **values), values
    named, plain = "{who}, sum on this {c}: {a} → {b}", "{who}, sum on this image: {a} → {b}"
    return shortest_caption(named, plain, **values), values


def bar_note(full: float) -> list[str]:
    """Return what the line and the bars of layers put back are."""
    return [f"line: {format_percent(full)}, all layers trained;", "a bar: only its layer untrained, none trained again"]


def worst_caption(worst: LayerReset, full: float) -> Caption:
    """Return the accuracy with and without the training of one layer."""
    title = ellipsize_line(worst.title, 3.5, LABEL)
    values = {"layer": title[:1].upper() + title[1:], "p": format_percent(full), "a": format_percent(worst.accuracy)}
    return "{layer} put back: {p} → {a}", values


def worst_note(resets: Sequence[LayerReset], full: float, classes: int) -> list[str]:
    """Return what an even guess is worth, and why accuracy falls, or which layer might have stayed untrained."""
    guess, best = f"even guess: {format_percent(1 / classes)};", max(resets, key=lambda r: r.accuracy)
    if best.accuracy < ENOUGH * full:
        why = "the others trained with it; training without it: not measured"
        return [guess, why] if len(resets) > 1 else [guess[:-1]]
    title = ellipsize_line(best.title, 3.5, LABEL)
    return [guess, f"{title} put back: still {format_percent(best.accuracy)}"]


def reset_caption(resets: Sequence[LayerReset], total: int, full: float) -> Caption:
    """Return what the accuracy is at most with any of all layers put back, or with the one that matters most."""
    values: dict[str, Any] = {"p": format_percent(full)}
    low = min(resets, key=lambda r: r.accuracy, default=None)
    if low is None or low.accuracy >= full:
        return "Accuracy {p}", values
    best = max(r.accuracy for r in resets)
    if best < ENOUGH * full and 1 < len(resets) == total:
        return "Accuracy {p}; any one layer put back: ≤ {q}", values | {"q": format_percent(best)}
    values |= {"layer": ellipsize_line(low.title, 2.6, LABEL), "q": format_percent(low.accuracy)}
    named, plain = "Accuracy {p}; {layer} put back: {q}", "Accuracy {p}; one layer put back: {q}"
    return shortest_caption(named, plain, **values), values

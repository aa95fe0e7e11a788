"""Class probabilities as labelled bars."""

import numpy as np

from netcore.core.formatting import format_percent
from netcore.core.trace import Trace
from netcore.viz.film.base_mobject import BODY
from netcore.viz.film.mobjects import BarMobject
from netcore.viz.film.text import TextLine, ellipsize_line, text_line
from netcore.viz.theme import Theme


def probability_bars(
    theme: Theme, p: np.ndarray, ys: np.ndarray, left: float, length: float, right: float
) -> tuple[BarMobject, list[TextLine]]:
    """Bars of probabilities (N,) at heights `ys` (N,), still empty, and their percentages, set flush at `right`."""
    pitch = float(np.abs(np.diff(ys)).min()) if len(ys) > 1 else 1.0
    half = min(0.13, 0.3 * pitch)
    low, high = (
        np.column_stack([np.full(len(ys), left), ys - half]),
        np.column_stack([np.full(len(ys), left + length), ys + half]),
    )
    bars = BarMobject(np.stack([low, high], axis=1), 0.0, theme.rgb("muted"), theme.rgb("faint"))
    numbers = [
        text_line(format_percent(v), BODY, theme.rgb("foreground"), at=(right, y), align=(1, 0))
        for v, y in zip(p, ys, strict=True)
    ]
    return bars, numbers


def verdict(trace: Trace, longest: float = 3.0) -> tuple[str, str]:
    """The answer in words (``7, 98.3 % — right``) and the role of its colour; names at most `longest` units long."""
    name, sure = trace.classes[trace.prediction], format_percent(float(trace.probabilities.max()))
    predicted = f"{ellipsize_line(name, longest)}, {sure}"
    if trace.label is None:
        return predicted, "emphasis"
    if trace.label == trace.prediction:
        return f"{predicted} — right", "correct"
    return f"{predicted} — wrong, it is {ellipsize_line(trace.classes[trace.label], longest)}", "incorrect"

"""Class probabilities as labelled bars."""

import numpy as np

from netcore.core.formatting import format_percent
from netcore.core.trace import Trace
from netcore.viz.film.base_mobject import BODY
from netcore.viz.film.mobjects import BarMobject
from netcore.viz.film.text import TextLine, ellipsize_line, text_line
from netcore.viz.theme import Theme
from netcore.viz.wording import format_prediction


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


def prediction_text(trace: Trace, max_width: float = 3.0) -> str:
    """Format the prediction of a trace, class names cut to `max_width` scene units."""
    named = {k for k in (trace.prediction, trace.label) if k is not None}
    classes = {k: ellipsize_line(trace.classes[k], max_width) for k in named}
    return format_prediction(classes, trace.prediction, trace.confidence, trace.label)

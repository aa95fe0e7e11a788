"""Saliency

Pixels that raise the logit of the predicted class, {prediction} ({confidence}), over that of the second most probable
class in {run} ({network}, {snapshot}): gradient of the logit difference, gradient × input (a first-order estimate of
each pixel's contribution), and occlusion (decrease of the difference when a patch is replaced by the background).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.experiments import margin_gradient, occlusion_map
from netcore.core.context import SceneContext
from netcore.core.formatting import format_number
from netcore.core.trace import Trace
from netcore.viz.colors import abs_limit
from netcore.viz.mpl.axes import add_colorbar
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_subtitle, add_text, ellipsize
from netcore.viz.wording import format_prediction

NEEDS = ()
ORDER = 66


def draw(fig: ThemedFigure, context: SceneContext, *, patch: int = 0, stride: int = 2) -> None:
    """Draw the image and three maps of the same size.

    Parameters
    ----------
    patch : int
        Side of the occluding patch in pixels; default: a quarter of the image height.
    stride : int
        Step of the patch in pixels; larger for large images.
    """
    trace = context.trace()
    first, second = np.argsort(-trace.logits, kind="stable")[:2]
    names = trace.classes[first], trace.classes[second]
    network = context.network()
    gradient = margin_gradient(network, context.sample, int(first), int(second))
    side = patch or max(1, trace.pixels.shape[1] // 4)
    covered = occlusion_map(network, trace, int(first), int(second), side, max(stride, trace.pixels.shape[1] // 16))
    margin = format_number(float(trace.logits[first] - trace.logits[second]))
    title = f"Saliency of {names[0]} versus {names[1]} in {context.display_name}"
    prediction = format_prediction(trace.classes, trace.prediction, trace.confidence, trace.label)
    body, _ = add_heading(fig, title, f"{prediction} · difference of logits {margin} · {trace.snapshot}")
    panels = (
        ("Image", "", None, ""),
        ("Gradient", "of the logit difference", gradient.sum(0), "per unit of input"),
        ("Gradient × input", "first-order estimate", (gradient * trace.input).sum(0), "contribution"),
        ("Occlusion", f"patch of {side}×{side} pixels", covered, "decrease"),
    )
    ends = [
        _panel(fig, box, *panel, trace) for box, panel in zip(body.columns(1, 1, 1, 1, gap=22), panels, strict=True)
    ]
    words = f"blue: supports {names[0]}, orange: supports {names[1]}"
    words += f" · values: change of logit {names[0]} − logit {names[1]}"
    add_text(fig, body.x, max(ends) + 22, ellipsize(fig, words, body.w), color=fig.theme.muted)


def _panel(
    fig: ThemedFigure, box: Box, title: str, note: str, values: NDArray[Any] | None, label: str, trace: Trace
) -> float:
    """Draw one map with its scale; give the lower end."""
    add_subtitle(fig, box, title)
    add_text(fig, box.x, box.y + 21, ellipsize(fig, note, box.w), color=fig.theme.muted)
    inner = box.inset(top=48, bottom=80)
    if values is None:
        place = image_grid(fig, inner, to_display(trace.pixels)[None], columns=1, frame=True).image_box(0)
        return place.y + place.h
    limit = abs_limit(values)
    settings: dict[str, Any] = {"cmap": diverging(fig.theme), "vmin": -limit, "vmax": limit, "frame": True}
    place = image_grid(fig, inner, values[None], columns=1, **settings).image_box(0)
    bar = Box(place.x, place.y + place.h + 14, place.w, 44)
    add_colorbar(fig, bar, diverging(fig.theme), -limit, limit, ellipsize(fig, label, place.w))
    return bar.y + bar.h

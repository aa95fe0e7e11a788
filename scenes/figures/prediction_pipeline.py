"""Prediction pipeline

One image through every layer of {run} ({network}, {snapshot}): pixels, feature maps or activations by layer, logits,
and their softmax, the class probabilities: predicted {prediction} ({confidence}).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.context import SceneContext
from netcore.core.formatting import format_number, format_subset
from netcore.core.trace import Trace
from netcore.viz.mpl.activation_columns import FOOT, TOP, ActivationView, draw_activation_columns
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.probability_bars import ProbabilityBars
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_text, ellipsize, text_width
from netcore.viz.wording import format_prediction

NEEDS = ("hidden",)
ORDER = 64
MAX_LAYERS = 6  # layers that fit between image and logits


def draw(fig: ThemedFigure, context: SceneContext) -> None:
    """Draw the layers from left to right."""
    theme, trace = fig.theme, context.trace()
    graph = graph_of_trace(trace)
    every, found = graph.value_blocks(output=False), graph.value_blocks(MAX_LAYERS, output=False)
    prediction = format_prediction(trace.classes, trace.prediction, trace.confidence, trace.label)
    layers = format_subset(len(found), len(every), "layer") + " between image and logits"
    body, _ = add_heading(
        fig,
        f"Prediction pipeline of {context.display_name}",
        f"{prediction} · {layers} · {trace.snapshot}",
    )
    body = body.inset(bottom=26)
    left, middle, scores, right = body.columns(0.85, len(found), 1.5, 1.7, gap=14)
    add_text(fig, left.x, left.y, "image", fontweight="bold")
    add_text(fig, left.x, left.y + 19, "×".join(map(str, trace.pixels.shape[1:])), color=theme.muted)
    image_grid(fig, left.inset(top=TOP), to_display(trace.pixels)[None], columns=1, frame=True)
    views = [ActivationView(block, [trace], graph) for block in found]
    draw_activation_columns(fig, middle, views, 14)
    for view in views:
        view.update(trace)
    chosen = ", ".join(dict.fromkeys(view.units.selection for view in views if view.units.selection))
    if chosen:
        add_text(fig, left.x, body.y + body.h + 22, f"shown: {chosen}", va="bottom", color=theme.muted)
    add_text(fig, left.x, body.y + body.h - 34, "shown →", color=theme.muted)
    add_text(fig, left.x, body.y + body.h - 15, "max →", color=theme.muted)

    order = np.arange(len(trace.classes))
    if len(order) > 10:
        order = np.argsort(-trace.logits, kind="stable")[:10]
    _scores(fig, scores, trace, order)
    add_text(fig, right.x, right.y, "probability", fontweight="bold")
    add_text(fig, right.x, right.y + 19, f"{len(trace.classes):,}", color=theme.muted)
    ProbabilityBars(fig, right.inset(top=TOP - 6, bottom=FOOT), trace.classes).update(trace)
    formula = r"softmax:  $p_k = e^{z_k}\,/\,\sum_j e^{z_j}$"
    add_text(fig, body.x + body.w, body.y + body.h + 22, formula, ha="right", va="bottom", fontsize=16, parse_math=True)


def _scores(fig: ThemedFigure, box: Box, trace: Trace, order: NDArray[Any]) -> None:
    """Draw the logits as bars to both sides of 0."""
    theme = fig.theme
    add_text(fig, box.x, box.y, "logit z", fontweight="bold")
    add_text(fig, box.x, box.y + 19, f"{len(trace.logits):,}", color=theme.muted)
    longest = min(0.42 * box.w, max(text_width(fig, trace.classes[k]) for k in order))
    room = 44.0
    inner = box.inset(left=longest + 8, right=room, top=TOP - 6, bottom=FOOT)
    z = trace.logits[order]
    limit = max(abs(z).max(), 1e-9)
    low = -limit if z.min() < 0 else 0
    ax = add_axes(fig, inner, xlim=(low, limit), ylim=(len(z) - 0.5, -0.5))
    ax.axis("off")
    ax.axvline(0, color=theme.muted, linewidth=1)
    ax.barh(range(len(z)), z, height=0.66, color=[theme.negative if v < 0 else theme.positive for v in z])
    for row, (k, value) in enumerate(zip(order, z, strict=True)):
        y = inner.y + (row + 0.5) * inner.h / len(z)
        name = ellipsize(fig, trace.classes[k], longest)
        add_text(fig, box.x + longest, y, name, ha="right", va="center_baseline", color=theme.muted)
        add_text(fig, box.x + box.w, y, format_number(float(value)), ha="right", va="center_baseline")

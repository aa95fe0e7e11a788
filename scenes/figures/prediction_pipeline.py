"""The complete prediction

One image through every stage of {run} ({network}, {snapshot}): pixels, maps or activations layer by layer, raw scores,
and the probabilities that the softmax makes of them: {prediction}, {confidence}.
"""

import numpy as np

from netcore.core.formatting import format_number, format_subset
from netcore.stage.bars import Bars, verdict
from netcore.stage.mosaic import image_grid, shown
from netcore.stage.plot import Box, add_axes, fit, heading, width, write
from netcore.stage.stages import some_stages, stages
from netcore.stage.views import FOOT, TOP, View, draw_columns

NEEDS = ("hidden",)
ORDER = 64
MOST = 6  # stages that fit between image and scores


def draw(fig, case):
    """Draw the stages from left to right."""
    theme, trace = fig.theme, case.trace()
    every = [s for s in stages(trace, None) if s.kinds != ("Flatten",)][:-1]
    found = some_stages(every, MOST)
    stage_words = format_subset(len(found), len(every), "stage") + " between image and scores"
    body, _ = heading(
        fig, f"How {case.display_name} reads an image", f"It says {verdict(trace)} · {stage_words} · {trace.snapshot}"
    )
    body = body.inset(bottom=26)
    left, middle, scores, right = body.columns(0.85, len(found), 1.5, 1.7, gap=14)
    write(fig, left.x, left.y, "image", fontweight="bold")
    write(fig, left.x, left.y + 19, "×".join(map(str, trace.pixels.shape[1:])), color=theme.muted)
    image_grid(fig, left.inset(top=TOP), shown(trace.pixels)[None], columns=1, frame=True)
    views = [View(stage, [trace]) for stage in found]
    draw_columns(fig, middle, views, 14)
    for view in views:
        view.show(trace)
    write(fig, left.x, body.y + body.h - 34, "shown →", color=theme.muted)
    write(fig, left.x, body.y + body.h - 15, "max →", color=theme.muted)

    order = np.arange(len(trace.classes))
    if len(order) > 10:
        order = np.argsort(-trace.logits, kind="stable")[:10]
    _scores(fig, scores, trace, order)
    write(fig, right.x, right.y, "probability", fontweight="bold")
    write(fig, right.x, right.y + 19, f"{len(trace.classes):,}", color=theme.muted)
    Bars(fig, right.inset(top=TOP - 6, bottom=FOOT), trace.classes).show(trace)
    formula = r"softmax:  $p_k = e^{z_k}\,/\,\sum_j e^{z_j}$"
    write(fig, body.x + body.w, body.y + body.h + 22, formula, ha="right", va="bottom", fontsize=16)


def _scores(fig, box: Box, trace, order: np.ndarray) -> None:
    """The raw scores as bars to both sides of 0."""
    theme = fig.theme
    write(fig, box.x, box.y, "score z", fontweight="bold")
    write(fig, box.x, box.y + 19, f"{len(trace.logits):,}", color=theme.muted)
    longest = min(0.42 * box.w, max(width(fig, trace.classes[k]) for k in order))
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
        name = fit(fig, trace.classes[k], longest)
        write(fig, box.x + longest, y, name, ha="right", va="center_baseline", color=theme.muted)
        write(fig, box.x + box.w, y, format_number(float(value)), ha="right", va="center_baseline")

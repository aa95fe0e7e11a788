"""Feature maps

Feature maps of {run} ({network}, {snapshot}) for one image, from the pixels to the prediction: predicted {prediction}
({confidence}). If a layer has too many maps, those with the highest variance over the image are shown. One color scale
per layer.
"""

from typing import Literal

import numpy as np
from matplotlib.artist import Artist

from netcore.analysis.blocks import Block
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.history import snapshots_until
from netcore.analysis.image_sequence import other_samples
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError, unknown_name
from netcore.core.formatting import format_shape
from netcore.core.trace import Trace
from netcore.viz.mpl.activation_columns import FOOT, TOP, ActivationView, draw_activation_columns
from netcore.viz.mpl.axes import add_colorbar
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging, sequential
from netcore.viz.mpl.image_grid import ImageGrid, image_grid, to_display
from netcore.viz.mpl.probability_bars import ProbabilityBars
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_text, ellipsize
from netcore.viz.mpl.timeline import Timeline, frame_index
from netcore.viz.wording import format_prediction

NEEDS = ("maps",)
ORDER = 60
ANIMATED = True


def draw(
    fig: ThemedFigure,
    context: SceneContext,
    *,
    layer: str = "all",
    over: Literal["layers", "images", "training"] = "layers",
    images: int = 10,
    seconds: float = 8.0,
) -> Update:
    """Draw the maps of all layers from left to right, or all maps of one layer.

    Parameters
    ----------
    layer : str
        Name of the layer whose maps are shown (``conv1``, ``pool2``), or ``all``.
    over : str
        Sequence shown by the animation: layers, example images, or snapshots of training.
    images : int
        Number of images with `over` = images; the chosen one comes last.
    seconds : float
        Duration of the animation.
    """
    traces = _traces(context, over, images)
    found = _found(traces[-1], layer)
    title = f"Feature maps of {context.display_name}"
    if layer != "all":
        title = f"Feature maps of {found[0].title}, {context.display_name}"
    body, note = add_heading(fig, title if over == "training" else f"{title}, {traces[-1].snapshot}")
    bottom = None
    if over == "training":
        body, bottom = body.inset(bottom=54), Box(body.x, body.y + body.h - 40, body.w, 40)
    place = _columns if layer == "all" else _single
    digit, views, bars = place(fig, body, found, traces)
    timeline = Timeline(fig, bottom, context, snapshots_until(context)) if bottom else None

    def update(t: float) -> list[Artist]:
        last = frame_index(t, len(traces))
        steps = len(views) + 2 if over == "layers" else 0  # the image, each layer, the prediction
        at = min(steps * t, steps) if steps else len(views) + 2
        trace = traces[last]
        changed: list[Artist] = [digit.set(to_display(trace.pixels)[None])]
        for i, view in enumerate(views):
            changed += view.update(trace, float(np.clip(at - 1 - i, 0, 1)))
        changed += bars.update(trace if at > len(views) + 1 else None)
        note.set_text(ellipsize(fig, _words(trace, views, at), body.w))
        return [*changed, note, *(timeline.update(last) if timeline else [])]

    update(1.0)
    return update


def _found(trace: Trace, layer: str) -> list[Block]:
    """The stages that are shown: some of all, or the one that has this name (or ends in the node of this name)."""
    graph = graph_of_trace(trace)
    every = graph.map_blocks()
    if not every:
        raise RequirementError("no layer of this network gives feature maps: use prediction-pipeline or model-graph")
    if layer == "all":
        return graph.map_blocks(8)
    names = {name: block for block in every for name in (block.output, block.title, block.short, block.name)}
    if layer not in names:
        raise unknown_name("layer with maps", layer, names)
    return [names[layer]]


def _traces(context: SceneContext, over: str, images: int) -> list[Trace]:
    """The passes that the animation goes through, the last one being the still's."""
    if over == "training":
        return [context.trace(at=s) for s in snapshots_until(context)]
    if over == "images":
        return [*(context.trace(sample=sample) for sample in other_samples(context, images - 1)), context.trace()]
    return [context.trace()]


def _columns(
    fig: ThemedFigure, body: Box, found: list[Block], traces: list[Trace]
) -> tuple[ImageGrid, list[ActivationView], ProbabilityBars]:
    """The digit, a column of maps for every stage, all of them to one scale, and the probabilities."""
    theme, trace, narrow = fig.theme, traces[-1], len(found) > 5
    sides, gap = ((1, 1.75), 11) if narrow else ((0.85, 1.25), 18)
    left, middle, right = body.columns(sides[0], len(found), sides[1], gap=gap)
    graph = graph_of_trace(trace)
    views = [ActivationView(block, traces, graph) for block in found]
    draw_activation_columns(fig, middle, views, gap)
    digit = _digit(fig, left, trace)
    signed = any(view.signed for view in views)
    bar = Box(left.x, left.y + TOP + left.w * trace.pixels.shape[1] / trace.pixels.shape[2] + 30, left.w, 40)
    ends = ("0", "max") if not signed else ("−max", "max") if left.w > 75 else ("−", "max")
    add_colorbar(fig, bar, (diverging if signed else sequential)(theme), -signed, 1, "value", ends=ends)
    add_text(fig, left.x, body.y + body.h - 34, "shown →", color=theme.muted)
    add_text(fig, left.x, body.y + body.h - 15, "max →", color=theme.muted)
    return digit, views, _bars(fig, right, TOP, FOOT, trace)


def _single(
    fig: ThemedFigure, body: Box, found: list[Block], traces: list[Trace]
) -> tuple[ImageGrid, list[ActivationView], ProbabilityBars]:
    """The digit and the probabilities at the left, all maps of the one layer at the right."""
    left, right = body.columns(1, 3.1, gap=36)
    view = ActivationView(found[0], traces, graph_of_trace(traces[-1]))
    view.select(128)
    view.draw(fig, right.inset(bottom=56), None, None)
    cmap = (diverging if view.signed else sequential)(fig.theme)
    bar = Box(right.x, right.y + right.h - 44, 230, 44)
    add_colorbar(fig, bar, cmap, -view.limit * view.signed, view.limit, "activation")
    above, below = left.rows(1, 1.6, gap=16)
    return _digit(fig, above, traces[-1]), [view], _bars(fig, below, 24, 0, traces[-1])


def _digit(fig: ThemedFigure, box: Box, trace: Trace) -> ImageGrid:
    add_text(fig, box.x, box.y, "image", fontweight="bold")
    add_text(fig, box.x, box.y + 19, format_shape(trace.pixels.shape[1:]), color=fig.theme.muted)
    return image_grid(fig, box.inset(top=TOP), to_display(trace.pixels)[None], columns=1, frame=True)


def _bars(fig: ThemedFigure, box: Box, top: float, foot: float, trace: Trace) -> ProbabilityBars:
    add_text(fig, box.x, box.y, "probability", fontweight="bold")
    return ProbabilityBars(fig, box.inset(top=top - 6, bottom=foot), trace.classes)


def _words(trace: Trace, views: list[ActivationView], at: float) -> str:
    """Describe the current step: the image, a layer, or the prediction."""
    if at > len(views) + 1:
        chosen = any(len(view.selected) < view.outputs.shape[1] for view in views)
        words = format_prediction(trace.classes, trace.prediction, trace.confidence, trace.label)
        return words + (" · maps shown: highest variance over the image" if chosen else "")
    if at <= 1:
        return f"image: {format_shape(trace.pixels.shape)} pixels"
    view = views[int(np.ceil(at)) - 2]
    return f"{view.block.title}: {view.block.description}; {view.outputs.shape[1]} maps of {view.shape_text}"

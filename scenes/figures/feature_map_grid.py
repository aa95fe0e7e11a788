"""Feature maps

Feature maps of {run} ({network}, {snapshot}) for one image, layer by layer down to the prediction: predicted
{prediction} ({confidence}). Of more maps than fit, those with the highest variance over the image are shown. Each layer
has its own color scale. Left: the image and one kernel, whose map is framed.
"""

from typing import Literal

from matplotlib.artist import Artist
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.followed_kernel import FollowedKernel, find_kernel
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.history import snapshots_until
from netcore.analysis.image_sequence import other_samples
from netcore.analysis.map_layers import vector_blocks
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError, unknown_name
from netcore.core.formatting import format_shape, format_subset
from netcore.core.trace import Trace
from netcore.viz.mpl.activation_columns import ActivationView
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.kernel_rail import WIDTH, KernelRail
from netcore.viz.mpl.layer_band import BETWEEN, LABEL, LINE, MIN_BAND, LayerBand
from netcore.viz.mpl.pixel_frame import PixelFrame
from netcore.viz.mpl.probability_bars import ProbabilityBars
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_heading, add_text, ellipsize
from netcore.viz.mpl.timeline import Timeline, frame_index
from netcore.viz.wording import format_prediction

NEEDS = ("maps",)
ORDER = 60
ANIMATED = True

GAP = 8.0  # between bands
CLASSES = 3  # most probable ones that are shown
MAX_ANSWER = 66.0  # height of their bars
VECTOR_SHARE = 0.6  # of the height of a band of maps, that neurons take


def draw(
    fig: ThemedFigure,
    context: SceneContext,
    *,
    layer: str = "all",
    over: Literal["layers", "images", "training"] = "layers",
    images: int = 10,
    seconds: float = 8.0,
) -> Update:
    """Draw the image and one kernel beside the outputs of all layers, or of one.

    Parameters
    ----------
    layer : str
        Name of the layer that is shown (``conv1``, ``pool2``, ``hidden1``), or ``all``.
    over : str
        Sequence shown by the animation: layers, example images, or snapshots of training.
    images : int
        Number of images with `over` = images; the chosen one comes last.
    seconds : float
        Duration of the animation.
    """
    traces = _traces(context, over, images)
    graph = graph_of_trace(traces[-1])
    one = None if layer == "all" else _find(graph, layer)
    title = f"Feature maps of {context.run_name}"
    if one is not None:
        title = f"{'Feature maps' if one.has_maps else 'Activations'} of {one.title}, {context.run_name}"
    body, note = add_heading(fig, title if over == "training" else f"{title}, {traces[-1].snapshot}")
    timeline = None
    if over == "training":
        foot = Box(body.x, body.y + body.h - 40, body.w, 40)
        body, timeline = body.inset(bottom=54), Timeline(fig, foot, context, snapshots_until(context))
    right = body.inset(left=WIDTH + 20)
    blocks = [one] if one is not None else _blocks(graph, int((right.h + GAP) / (MIN_BAND + GAP)) - 1)
    kernel = find_kernel(traces, graph, blocks)
    rail = KernelRail(fig, body.inset(right=body.w - WIDTH), traces, kernel)
    views = [ActivationView(block, traces, graph) for block in blocks]
    bands, bars = _bands(fig, right, views, tuple(context.classes), one is None)
    mark = None if kernel is None else _Mark(fig, kernel, bands[blocks.index(kernel.block)])

    def update(t: float) -> list[Artist]:
        at = min(int(t * (len(bands) + 2)), len(bands) + 1) if over == "layers" else len(bands) + 1
        last = frame_index(t, len(traces))
        trace, changed = traces[last], rail.update(traces[last])
        for k, band in enumerate(bands, 1):
            changed += band.update(trace, at >= k, at == k)
        if mark is not None:
            changed += mark.update(trace, at > blocks.index(mark.kernel.block))
        answered = at > len(bands)
        changed += bars.update(trace if answered else None)
        words = _answer(trace, graph, bands) if answered else _step(trace, bands[at - 1].view if at else None)
        note.set_text(ellipsize(fig, words, body.w))
        return [*changed, note, *(timeline.update(last) if timeline else [])]

    update(1.0)
    return update


def _traces(context: SceneContext, over: str, images: int) -> list[Trace]:
    """The passes that the animation goes through, the last one being the still's."""
    if over == "training":
        return [context.trace(at=s) for s in snapshots_until(context)]
    if over == "images":
        return [*(context.trace(sample=sample) for sample in other_samples(context, images - 1)), context.trace()]
    return [context.trace()]


def _find(graph: Graph, layer: str) -> Block:
    """The layer of maps or neurons that has a name, title, short title, or a node of this name."""
    every = [*graph.map_blocks(), *vector_blocks(graph, len(graph.blocks))]
    names = {name: block for block in every for name in (block.output, block.title, block.short, block.name)}
    if layer not in names:
        raise unknown_name("layer", layer, names)
    return names[layer]


def _blocks(graph: Graph, limit: int) -> list[Block]:
    """Layers with maps and with neurons, of more than `limit` some of both."""
    if not graph.map_blocks():
        raise RequirementError("no layer of this network gives feature maps: use prediction-pipeline or model-graph")
    vectors = vector_blocks(graph, 2 if limit > 6 else 1)
    return [*graph.map_blocks(max(1, limit - len(vectors))), *vectors]


def _bands(
    fig: ThemedFigure, box: Box, views: list[ActivationView], classes: tuple[str, ...], named: bool
) -> tuple[list[LayerBand], ProbabilityBars]:
    """One band per layer, and below them the probabilities."""
    high = min((box.h + GAP) / (len(views) + 1) - GAP, MAX_ANSWER) if named else MIN_BAND
    above = box.inset(bottom=high + GAP)
    places = above.rows(*(VECTOR_SHARE if view.vector else 1 for view in views), gap=GAP)
    if min(place.h for place in places) < MIN_BAND:
        places = above.rows(*[1] * len(views), gap=GAP)
    bands = [LayerBand(fig, place, view, named) for place, view in zip(places, views, strict=True)]
    last = Box(box.x, above.y + above.h + GAP, box.w, high)
    add_text(fig, last.x, last.y, "probability", fontweight="bold")
    words = format_subset(min(CLASSES, len(classes)), len(classes)) + " classes"
    add_text(fig, last.x, last.y + LINE, words, color=fig.theme.muted)
    return bands, ProbabilityBars(fig, last.inset(left=LABEL + BETWEEN), classes, CLASSES)


class _Mark:
    """Frames of a kernel's map and of the pixel that its sum becomes."""

    def __init__(self, fig: ThemedFigure, kernel: FollowedKernel, band: LayerBand) -> None:
        self.kernel, self.tile = kernel, band.view.selected.tolist().index(kernel.unit)
        self.map: PatchCollection = band.grid.outline_images([self.tile], fig.theme.emphasis, 2.0)
        own = band.view.outputs.shape[2:] == kernel.map_size
        self.pixel = PixelFrame(band.grid, fig.theme.emphasis) if own else None

    def update(self, trace: Trace, shown: bool) -> list[Artist]:
        self.map.set_visible(shown)
        if self.pixel is None:
            return [self.map]
        row, column = self.kernel.place(trace)
        pixel: Rectangle = self.pixel.move(self.tile, [row], [column])
        pixel.set_visible(shown)
        return [self.map, pixel]


def _step(trace: Trace, view: ActivationView | None) -> str:
    """The image, or a layer."""
    if view is None:
        return f"image: {format_shape(trace.pixels.shape)} pixels"
    count = view.outputs.shape[1]
    size = "" if view.vector else f" of {view.shape_text}"
    return f"{view.block.title}: {view.block.description}; {count:,} {view.block.unit_word}s{size}"


def _answer(trace: Trace, graph: Graph, bands: list[LayerBand]) -> str:
    """The prediction, and what is left out."""
    words = [format_prediction(trace.classes, trace.prediction, trace.confidence, trace.label)]
    every, views = len(graph.map_blocks()), [band.view for band in bands]
    shown = sum(not view.vector for view in views)
    if len(bands) > 1 and shown < every:
        words.append(f"{shown} of {every} layers with maps")
    if any(len(view.selected) < view.outputs.shape[1] for view in views if not view.vector):
        words.append("maps: highest variance over the image")
    if any(len(view.selected) < view.outputs.shape[1] for view in views if view.vector):
        words.append("neurons: most active")
    return " · ".join(words)

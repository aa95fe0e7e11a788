"""Model graph

Layers of {run} ({network}) in order, with output shape and number of parameters; bars: share of all parameters.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.context import SceneContext
from netcore.core.formatting import format_count, format_shape, format_subset
from netcore.core.sample import Sample
from netcore.core.trace import Trace
from netcore.viz.colors import blend
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box, figure_box
from netcore.viz.mpl.style import FIGURE_WIDTH, LABEL, ThemedFigure
from netcore.viz.mpl.text import add_heading, add_text, ellipsize, text_width

NEEDS = ()
ORDER = 50
MAX_CARDS = 24
GAP = 34.0  # units between columns


def draw(fig: ThemedFigure, context: SceneContext) -> None:
    """Draw the layers as cards, column by column, with the edges between them."""
    trace = context.trace(sample=context.sample_or_none or Sample(np.zeros(context.input_shape, np.uint8)))
    layers = graph_of_trace(trace)
    graph = _fitted(layers, MAX_CARDS - 1)
    used = graph.parameters()
    total = max(used, context.parameter_count)
    words = format_count(len(layers), "layer") + (f" in {len(graph)} blocks" if len(graph) < len(layers) else "")
    words += f", {format_subset(used, total)} parameters (bars: share)"
    words += f" · {_bytes(4 * total)} in float32"
    body, _ = add_heading(fig, f"Model graph of {context.display_name}", words)
    rows = max(
        r for r in range(1, 7) if r == 1 or -(-(len(graph) + 1) // (r - 1)) > (4 if (len(graph) + 1) > 12 else 3)
    )
    columns = -(-(len(graph) + 1) // rows)
    body = Box(body.x, body.y, body.w, min(body.h, 16 + 92 * rows))
    across = body.columns(*[1] * columns, gap=GAP)
    places = [place for column in across for place in column.rows(*[1] * rows, gap=16)]
    ax = add_axes(fig, figure_box(fig), xlim=(0, FIGURE_WIDTH), ylim=(figure_box(fig).h, 0))
    ax.axis("off")
    _card(fig, ax, places[0], ("image", "image", "pixels", format_shape(trace.input.shape)), None, total)
    counted: set[str] = set()
    for block, place in zip(graph, places[1:], strict=False):
        sizes = {name: size for op in block.operations for name, size in op.parameters.items()}
        new = sum(size for name, size in sizes.items() if name not in counted)
        texts = block.title, block.short, _words(block, trace), format_shape(block.shape)
        _card(fig, ax, place, texts, "shared" if sizes and not new else new, total)
        counted |= sizes.keys()
    for a, b in graph.edges():
        _edge(fig, ax, places, a + 1, b + 1, rows)


def _fitted(graph: Graph, limit: int) -> Graph:
    """Layers if they fit, else regions or modules, joined if there are still too many."""
    if len(graph) <= limit:
        return graph
    regions = graph.fold("region")
    folded = [regions, *(graph.fold("module", depth) for depth in (3, 2, 1))]
    return next((found for found in folded if len(found) <= limit), regions.fit(limit))


def _words(block: Block, trace: Trace) -> str:
    """Operations of a block, and its dropout."""
    if block.is_reshape:
        return f"{format_shape(block.input_shape)} in a row" if len(block.shape) == 1 else block.description
    dropouts = [trace[op.node].settings.get("p") for op in block.operations if "Dropout" in op.kind]
    shares = dropouts if not block.children else []
    return block.description + "".join(f", dropout {share:g}" for share in shares if share)


def _card(
    fig: ThemedFigure, ax: Axes, box: Box, texts: tuple[str, str, str, str], parameters: int | str | None, total: int
) -> None:
    """One card: title, operations and shape; its number of parameters, or "shared", or None for the image."""
    theme, (title, short_title, words, shape) = fig.theme, texts
    style: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=6", "mutation_aspect": 1}
    ax.add_patch(
        FancyBboxPatch(
            (box.x, box.y),
            box.w,
            box.h,
            facecolor=blend(theme, "background", "faint", 0.45),
            edgecolor=theme.faint,
            **style,
        )
    )
    if isinstance(parameters, int) and parameters:
        share = parameters / total
        ax.add_patch(Rectangle((box.x + 10, box.y + box.h - 5), (box.w - 20) * share, 3, color=theme.positive))
    lines = 3 if box.h >= 62 else 2
    top = box.y + (box.h - 19 * lines) / 2 - 1
    taken = text_width(fig, shape) + 26
    beside = text_width(fig, title, LABEL, "bold") <= box.w - taken or lines < 3  # else below, beside the parameters
    room = box.w - (taken if beside else 20)
    title = title if text_width(fig, title, LABEL, "bold") <= room else short_title
    add_text(fig, box.x + 10, top, ellipsize(fig, title, room, LABEL, "bold", "end"), fontsize=LABEL, fontweight="bold")
    add_text(fig, box.x + box.w - 10, top if beside else top + 38, shape, ha="right")
    if lines == 3:
        add_text(fig, box.x + 10, top + 19, ellipsize(fig, words, box.w - 20), color=theme.muted)
    short = "" if parameters is None else parameters if isinstance(parameters, str) else f"{parameters:,}"
    count = f"{'no' if short == '0' else short} parameters" if short else ""
    room = box.w - (20 if beside else taken)
    millions = f"{parameters / 1e6:.1f} M" if isinstance(parameters, int) else short
    count = next((text for text in (count, short) if text_width(fig, text) <= room), millions)
    add_text(fig, box.x + 10, top + 19 * (lines - 1), count, color=theme.muted)


def _edge(fig: ThemedFigure, ax: Axes, places: list[Box], a: int, b: int, rows: int) -> None:
    """An arrow downwards, or round to the next column; a skip as a curve beside the cards."""
    theme, start, end = fig.theme, places[a], places[b]
    line: dict[str, Any] = {
        "arrowstyle": "-|>",
        "mutation_scale": 9,
        "color": theme.muted,
        "linewidth": 1.5,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    if b == a + 1 and a // rows == b // rows:
        tail, head = (start.x + start.w / 2, start.y + start.h + 1), (end.x + end.w / 2, end.y - 1)
        ax.add_patch(FancyArrowPatch(tail, head, **line))
    elif b == a + 1:
        x = end.x - GAP / 2
        ax.plot(
            [start.x + start.w, x, x],
            [start.y + start.h / 2] * 2 + [end.y + end.h / 2],
            color=theme.muted,
            linewidth=1.5,
        )
        ax.add_patch(FancyArrowPatch((x, end.y + end.h / 2), (end.x - 1, end.y + end.h / 2), **line))
    else:
        tail, head = (start.x + start.w, start.y + start.h / 2), (end.x + end.w, end.y + end.h / 2)
        if a // rows != b // rows:
            head = (end.x, end.y + end.h / 2)
        curve: dict[str, Any] = line | {
            "color": theme.emphasis,
            "zorder": 0.5,
            "connectionstyle": f"arc3,rad={-0.35 if a // rows == b // rows else 0.1}",
        }
        ax.add_patch(FancyArrowPatch(tail, head, **curve))


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000 or unit == "MB":
            return f"{count:,.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return ""

"""Model graph

Layers of {run} ({network}) in order, with output shape and number of parameters; bars: share of all parameters.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from netcore.analysis.stages import Stage, stages
from netcore.core.formatting import format_count, format_shape, format_subset
from netcore.core.sample import Sample
from netcore.core.trace import Trace
from netcore.viz.colors import blend
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box, figure_box
from netcore.viz.mpl.style import FIGURE_WIDTH, LABEL
from netcore.viz.mpl.text import add_heading, add_text, ellipsize, text_width

NEEDS = ()
ORDER = 50
MOST = 24  # cards that fit
GAP = 34.0  # units between columns


@dataclass(frozen=True)
class Card:
    """One box: layers under one name."""

    name: str
    words: str
    shape: tuple[int, ...]
    parameters: int
    shared: bool = False  # has weights that an earlier card counts


def draw(fig, context):
    """Draw the layers as cards, column by column, with the edges between them."""
    trace = context.trace(sample=context.sample_or_none or Sample(np.zeros(context.input_shape, np.uint8)))
    cards, edges, layers = _graph(trace)
    used = sum(card.parameters for card in cards)
    total = max(used, context.parameter_count)
    words = f"{format_subset(*layers, 'layer')}, {format_subset(used, total)} parameters (bars: share)"
    words += f" · {_bytes(4 * total)} in float32"
    body, _ = add_heading(fig, f"Model graph of {context.display_name}", words)
    rows = max(r for r in range(1, 7) if r == 1 or -(-len(cards) // (r - 1)) > (4 if len(cards) > 12 else 3))
    columns = -(-len(cards) // rows)
    body = Box(body.x, body.y, body.w, min(body.h, 16 + 92 * rows))
    across = body.columns(*[1] * columns, gap=GAP)
    places = [place for column in across for place in column.rows(*[1] * rows, gap=16)]
    ax = add_axes(fig, figure_box(fig), xlim=(0, FIGURE_WIDTH), ylim=(figure_box(fig).h, 0))
    ax.axis("off")
    for card, place in zip(cards, places, strict=False):
        _card(fig, ax, card, place, total)
    for a, b in edges:
        _edge(fig, ax, places, a, b, rows)


def _graph(trace: Trace) -> tuple[list[Card], list[tuple[int, int]], tuple[int, int]]:
    """Return cards (the image first), edges between their positions, and the numbers of layers shown and in all.

    Layers of a large network are grouped by module; where the groups are still too many, the first ones have cards.
    """
    found = stages(trace, None)
    for depth in (99, 3, 2, 1):
        names = [".".join(s.name.split(".")[:depth]) for s in found]
        groups: dict[str, list[Stage]] = {}
        for name, stage in zip(names, found, strict=True):
            groups.setdefault(name, []).append(stage)
        if len(groups) < MOST:
            break
    cards = [Card("image", "pixels", trace.input.shape, 0)]
    where = {"input": 0}
    known: set[str] = set()
    shown = list(groups.items())[: MOST - 1]
    layers = sum(len(members) for _, members in shown), len(found)
    for i, (name, members) in enumerate(shown, 1):
        nodes = [node for stage in members for node in stage.nodes]
        where |= dict.fromkeys(nodes, i)
        own = {trace[node].weight_name or node: trace[node].parameters for node in nodes}
        count = sum(size for weight, size in own.items() if weight not in known)
        shared = not known.isdisjoint(own)
        known |= own.keys()
        words = _words(members, trace) if len(members) == 1 else format_count(len(members), "layer")
        cards.append(Card(name, words, trace.value(nodes[-1]).shape, count, shared))
    edges = {
        (where[i], where[layer.name])
        for layer in trace.layers
        if layer.name in where
        for i in layer.inputs
        if i in where
    }
    return cards, sorted((a, b) for a, b in edges if a < b), layers


def _words(members: list[Stage], trace: Trace) -> str:
    """Operations of one stage, the size of its kernel and its dropout."""
    (stage,) = members
    words, first = stage.words.replace("convolution", "conv").replace("dense layer", "dense"), trace[stage.nodes[0]]
    if first.weight is not None and first.weight.ndim == 4:
        words = f"{first.weight.shape[2]}×{first.weight.shape[3]} {words}"
    if "Pool" in first.kind and (size := first.settings.get("kernel_size")):
        words = f"{format_shape(tuple(np.broadcast_to(size, 2).tolist()))} {words}"
    if first.kind == "Flatten":
        words = f"{format_shape(trace.input_of(first).shape)} in a row"
    shares = [trace[node].settings.get("p") for node in stage.nodes if "Dropout" in trace[node].kind]
    return words + "".join(f", dropout {share:g}" for share in shares if share)


def _card(fig, ax: Axes, card: Card, box: Box, total: int) -> None:
    theme = fig.theme
    style = {"boxstyle": "round,pad=0,rounding_size=6", "mutation_aspect": 1}
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
    if card.parameters:
        share = card.parameters / total
        ax.add_patch(Rectangle((box.x + 10, box.y + box.h - 5), (box.w - 20) * share, 3, color=theme.positive))
    lines = 3 if box.h >= 62 else 2
    top = box.y + (box.h - 19 * lines) / 2 - 1
    shape = format_shape(card.shape)
    taken = text_width(fig, shape) + 30
    beside = (
        text_width(fig, card.name, LABEL, "bold") <= box.w - taken or lines < 3
    )  # else below, beside the operations
    room = box.w - (taken if beside else 20)
    add_text(
        fig, box.x + 10, top, ellipsize(fig, card.name, room, LABEL, "bold", "end"), fontsize=LABEL, fontweight="bold"
    )
    add_text(fig, box.x + box.w - 10, top if beside else top + 19, shape, ha="right")
    if lines == 3:
        room = box.w - (20 if beside else taken)
        words = card.words
        for long, short in (("batch norm", "BN"), ("pooling", "pool")):
            words = words if text_width(fig, words) <= room else words.replace(long, short)
        add_text(fig, box.x + 10, top + 19, ellipsize(fig, words, room), color=theme.muted)
    short = f"{card.parameters:,}" if card.parameters or not card.shared else "shared"
    count = f"{'no' if short == '0' else short} parameters" if card.name != "image" else ""
    if text_width(fig, count) > box.w - 20:
        count = short
    add_text(fig, box.x + 10, top + 19 * (lines - 1), count, color=theme.muted)


def _edge(fig, ax: Axes, places: list[Box], a: int, b: int, rows: int) -> None:
    """An arrow downwards, or round to the next column; a skip as a curve beside the cards."""
    theme, start, end = fig.theme, places[a], places[b]
    line = {
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
        curve = line | {
            "color": theme.emphasis,
            "connectionstyle": f"arc3,rad={-0.35 if a // rows == b // rows else 0.1}",
        }
        ax.add_patch(FancyArrowPatch(tail, head, **curve))


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000 or unit == "MB":
            return f"{count:,.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return ""

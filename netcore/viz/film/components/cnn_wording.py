"""Captions and sums of a convolutional network's stages."""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.blocks import Block
from netcore.analysis.cnn_stages import Stage
from netcore.analysis.examples import WindowExample
from netcore.analysis.normalization import ScaleShift
from netcore.analysis.vector_head import VectorHead
from netcore.core.formatting import format_percent
from netcore.core.trace import LayerTrace, Trace
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.sum_line import BREAK, Term
from netcore.viz.film.components.sums import format_fixed, print_affine
from netcore.viz.wording import prediction_role

WORDS = {"BN": "Batch norm", "LN": "Layer norm", "LRN": "Local response norm", "GroupNorm": "Group norm"}
EFFECTS = {
    "ReLU": "ReLU: negatives become 0",
    "Tanh": "Tanh: every value between −1 and 1",
    "Sigmoid": "Sigmoid: every value between 0 and 1",
    "LeakyReLU": "Leaky ReLU: negatives shrink",
}
MAX_CAPTION = 50
EMPTY = 0.2  # share of pixels without ink, from which the map's ground is explained
MAX_NAME = 12  # characters of a class in a caption


def spell(title: str) -> str:
    """Spell a short title as a caption has it: ``"Batch norm"``, ``"Max pooling"``."""
    if "-pool" in title:
        return title.split("-pool")[0] + " pooling"
    return WORDS.get(title, title)


def affine_terms(affine: ScaleShift | None, stage: Stage, at: tuple[int, int, int]) -> list[Term]:
    """Write a normalization of one value as ``x × scale + shift = y`` with numbers that give y's two decimals."""
    if affine is None:
        return []
    texts = print_affine(float(stage.reads[at]), float(stage.values[at]), affine.scale, affine.shift)
    if not texts:
        return []
    learned = ", and 2 learned numbers" if stage.parameters else ""
    source = "training" if affine.learned else "this image"
    note = f"factor and shift: from the map’s mean and spread in {source}{learned}"
    return [*texts[:4], (texts[4], "foreground"), BREAK, (note, "muted")]


def effect_caption(stage: Stage, value: tuple[str, str]) -> str:
    """Caption of an activation function, with what becomes of the value followed; both texts are empty if none is."""
    before, after = value
    known = EFFECTS.get(stage.title)
    if known is None:
        return f"{stage.title}: {before} → {after}" if before else stage.title
    text = f"{known}; {after} stays" if before and before == after else known
    return text if len(text) <= MAX_CAPTION else known


def zero_count(values: np.ndarray) -> list[Term]:
    """Count the values that are 0, empty if there are none."""
    zeros = int((values == 0).sum())
    return [(f"{zeros:,} of {values.size:,} values are 0", "muted")] if zeros else []


def group_stages(stages: Sequence[Stage], queue: Sequence[int]) -> list[list[int]]:
    """Group stages shown in brief, one step each.

    The maps just made, the first residual or parallel block, the rest.
    """
    groups: list[list[int]] = []
    own = {kind: next((i for i in queue if stages[i].block.kind == kind), -1) for kind in ("residual", "parallel")}
    open_ = False  # whether the last group may grow
    for i in queue:
        light = stages[i].kind in ("partial", "norm", "activation") or stages[i].block.kind == "pooling"
        if i in own.values():
            groups.append([i])
            open_ = False
        elif groups and open_ and (not light or _is_light(stages, groups[-1]) == light or len(groups) > 1):
            if _is_light(stages, groups[-1]) and not light:
                groups.append([i])
            else:
                groups[-1].append(i)
        else:
            groups.append([i])
            open_ = True
    return groups


def split_group(stages: Sequence[Stage], group: Sequence[int]) -> list[list[int]]:
    """Divide the maps just made and what happens to them: the convolution, norm and activation, the pooling."""
    if stages[group[0]].kind != "partial":
        return [list(group)]
    same = [i for i in group[1:] if stages[i].kind in ("norm", "activation")]
    return [part for part in ([group[0]], same, [i for i in group[1:] if i not in same]) if part]


def followed_caption(stages: Sequence[Stage], at: Sequence[tuple[int, ...] | None]) -> str:
    """Caption of stages in brief, with what becomes of the value followed; empty if it is not known.

    Parameters
    ----------
    stages : sequence of Stage
        One of the groups of `split_group`.
    at : sequence of (int, int, int) or None
        Map, row and column of the value before the stages, and after each.
    """
    if any(place is None for place in at):
        return ""
    values = [float(stages[0].reads[at[0]]), *(float(s.values[p]) for s, p in zip(stages, at[1:], strict=True))]
    texts = [format_fixed(v, 2) for v in values]
    if stages[0].block.kind == "pooling" and len(stages) == 1 and "Max" in stages[0].block.main.kind:
        return f"{spell(stages[0].title)}: " + (
            f"{texts[0]} is kept" if values[0] == values[1] else f"{texts[0]} gives way to {texts[1]}"
        )
    text = f"{', '.join(spell(s.title) for s in stages)}: {' → '.join(texts)}"
    return text if len(text) <= MAX_CAPTION else ""


def map_terms(stage: Stage, example: WindowExample, layer: LayerTrace) -> list[Term]:
    """What the map is where the window reads only zeros, and what it reads beyond the rim."""
    terms: list[Term] = []
    pads = stage.block.window.padding if stage.block.window else (0, 0)
    if example.has_bias and (np.abs(stage.reads).max(0) == 0).mean() > EMPTY:
        bias = format_fixed(example.terms.bias, example.decimals)
        terms.append((f"{example.terms.weights.size} values of 0 give the bias, {bias}", "muted"))
    if max(pads) > 0 and layer.settings.get("padding_mode") == "zeros" and "Transpose" not in layer.kind:
        terms.append(("beyond the rim counts as 0", "muted"))
    return terms if len(terms) < 2 else [(f"{terms[0][0]};", "muted"), terms[1]]


def _is_light(stages: Sequence[Stage], group: Sequence[int]) -> bool:
    return all(stages[i].kind in ("partial", "norm", "activation") or stages[i].block.kind == "pooling" for i in group)


def brief_caption(stages: Sequence[Stage], seen: Sequence[str]) -> str:
    """Caption of stages shown in brief.

    Parameters
    ----------
    stages : sequence of Stage
    seen : sequence of str
        Titles shown before.
    """
    last, first = stages[-1], stages[0]
    words = [spell(s.title) for s in stages]
    if len(stages) == 1 and first.block.kind == "residual":
        added = "its projected input" if first.block.shortcut else "its input"
        return f"{_numbered(first)}: {added} is added"
    if len(stages) == 1 and first.block.kind == "parallel":
        joined = "sums" if first.block.main.role == "sum" else "side by side"
        text = f"{_numbered(first)}: branches {'added' if joined == 'sums' else joined}, {last.channels:,} maps"
        return text if len(text) <= MAX_CAPTION else f"Branches joined: {last.channels:,} maps"
    if all(s.kind in ("partial", "norm", "activation") or s.block.kind == "pooling" for s in stages):
        rest = words[1:] if first.kind == "partial" else words
        again = " again" if rest and all(s.title in seen for s in stages[1:]) else ""
        lead = f"{first.channels:,} maps" if first.kind == "partial" else ""
        text = "; ".join(filter(None, [lead, ", ".join(rest) + again]))
        return text if len(text) <= MAX_CAPTION else f"{lead or 'The same maps'}; {len(rest)} more steps"
    count = sum(s.block.convolutions for s in stages if s.kind != "partial")
    blocks = len(stages)
    lead = f"{blocks:,} more blocks" if blocks > 1 else spell(first.title)
    noun = "convolution" + "s" * (count != 1)
    if blocks == 1 and first.block.children and "block" not in lead:
        return f"{count:,} {noun}: {last.channels:,} maps of {last.size[0]} × {last.size[1]}"
    if blocks == 1 and count <= 1:
        return f"{lead}: {last.channels:,} maps of {last.size[0]} × {last.size[1]}"
    return f"{lead}: {count:,} {noun}, {last.channels:,} maps"


def _numbered(stage: Stage) -> str:
    return stage.block.title[:1].upper() + stage.block.title[1:]


def residual_terms(parts: Sequence[float] | None, projected: bool) -> list[Term]:
    """Write the sum of a residual block at one value."""
    if parts is None:
        return []
    for d in range(2, 5):
        a, b, total = (round(v, d) for v in (*parts, sum(parts)))
        if abs(round(a + b, d) - total) < 10.0**-d / 2:
            break
    sign = "−" if b < 0 else "+"
    name = "projected input" if projected else "input"
    return [
        ("block", "muted"), format_fixed(a, d), f"{sign} {name} {format_fixed(abs(b), d)}", "=",
        (format_fixed(total, d), "foreground"),
    ]  # fmt: skip


def column_words(vector: Block, head: VectorHead) -> list[str]:
    """What the units of each column are called."""
    if not head.layers:
        return ["classes"]
    first = "values" if vector.is_reshape else "means" if "average" in vector.title else "values"
    return [first, *["neurons"] * (len(head.layers) - 1), "classes"]


def vector_caption(vector: Block, maps: int, shape: tuple[int, int], size: int) -> str:
    """Caption of the step in which maps become one vector."""
    if vector.is_reshape:
        h, w = shape
        product = f"Flatten: {maps:,} × {h} × {w} = {size:,} values"
        return product if maps * h * w == size else f"Flatten: {maps:,} maps become {size:,} values"
    word = "mean" if "average" in vector.title else "maximum" if "maximum" in vector.title else ""
    if word and size == maps:
        return f"Each of {maps:,} maps becomes its {word}"
    return f"{maps:,} maps become {size:,} values"


def way_caption(trace: Trace, head: VectorHead, maps: int, words: Sequence[str]) -> str:
    """What the takeaway says of the way from the image to the scores: how many numbers there are at each stage.

    Parameters
    ----------
    trace : Trace
    head : VectorHead
    maps : int
        Number of the last maps.
    words : sequence of str
        As `column_words` gives them.
    """
    h, w = trace.pixels.shape[1:]
    named = [f"{len(values):,} {word}" for values, word in zip(head.values[:-1], words, strict=False)]
    last = f"{len(trace.classes):,} scores"
    for parts in (
        [f"{h} × {w} pixels", *named, last], [f"{h} × {w}", *named, last],
        [f"{h} × {w} pixels", f"{maps:,} maps", last],
    ):  # fmt: skip
        if len(text := " → ".join(parts)) <= MAX_CAPTION:
            break
    return text


def class_name(trace: Trace, k: int) -> str:
    """Name of a class, cut to what a caption holds."""
    names = [_cut(name) for name in trace.classes]
    return names[k] if names.count(names[k]) == 1 else f"class {k + 1}"


def takeaway_names(trace: Trace, head: VectorHead, count: int, lead: str) -> list[str]:
    """Return the names of the answer and the other class, cut so that the takeaway's second line holds them."""
    room = MAX_CAPTION - len(f"{count:,} parameters;  leads  by {lead}")
    return clip_names([class_name(trace, k) for k in (head.answer, head.other)], room)


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1].rstrip() + "…"


def image_words(trace: Trace) -> str:
    """What the image is, for a caption: ``"A 7"``, ``"An image of “ship”"``, ``"An image"``."""
    if trace.label is None:
        return "An image"
    name = trace.classes[trace.label]
    if name.isdigit():
        return f"An {name}" if name in ("8", "11", "18") else f"A {name}"
    return f"An image of “{class_name(trace, trace.label)}”"


def softmax_terms(trace: Trace) -> list[Term]:
    """Write the share of the answer in the sum line, and whether it is right."""
    role = prediction_role(trace.prediction, trace.label)
    share = format_percent(trace.confidence)
    score = format_fixed(float(trace.logits.max()), 2)
    count = len(trace.classes)
    terms: list[Term] = [(f"e to the power {score} ÷ the sum of all {count:,} such powers:", "muted"), share]
    if trace.label is not None:
        word = "correct" if role == "correct" else f"true class: {class_name(trace, trace.label)}"
        terms.append((word, role))
    return terms

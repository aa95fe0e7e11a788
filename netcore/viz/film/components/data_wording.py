"""Captions and sums of the shapes and counts of blocks."""

import math
from collections import Counter
from collections.abc import Sequence

from netcore.analysis.blocks import Block
from netcore.analysis.data_stages import DataFlow, DataStage, unit_count
from netcore.analysis.operations import Operation
from netcore.core.formatting import format_count, format_percent
from netcore.viz.film.components.parameter_counter import derive_parameters
from netcore.viz.film.components.sum_line import BREAK, Term

MAX_CAPTION = 50
MAX_GROUPS = 4  # kinds of layers of a block that a sum names
PLAIN = {  # operations in plain words
    "convolution": "window sums",
    "dense": "sums of all inputs",
    "norm": "rescaled",
    "ReLU": "negatives → 0",
    "Max": "largest of each window",
    "Avg": "mean of each window",
}
UNITS = {"channel": "map", "feature": "feature", "token": "token", "time": "step", "row": "row", "column": "column"}


def stage_name(block: Block) -> str:
    """Short title of a block, at the beginning of a sentence."""
    return block.short[:1].upper() + block.short[1:]


def in_block(block: Block) -> str:
    """Where something is: ``"in conv 2"``, ``"in the hidden layer"``."""
    numbered = block.title[-1:].isdigit()
    return f"in {block.short if numbered else 'the ' + block.title}"


def shape_text(shape: Sequence[int]) -> str:
    """Write a shape as a product: ``"32 × 14 × 14"``."""
    return " × ".join(f"{n:,}" for n in shape)


def size_text(shape: Sequence[int]) -> str:
    """Write a shape and how many numbers that are: ``"32 × 28 × 28 = 25,088 numbers"``."""
    count = format_count(math.prod(shape), "number")
    return f"{shape_text(shape)} = {count}" if len(shape) > 1 else count


def shape_lines(stage: DataStage) -> list[str]:
    """Write what a block gives in two short lines: ``["32 maps", "28×28"]``."""
    shape = stage.values.shape
    if len(shape) == 1:
        return [f"{shape[0]:,}", "number" if shape[0] == 1 else "numbers"]
    size = "×".join(f"{n:,}" for n in shape[1:])
    if len(shape) == 3:
        return [format_count(shape[0], "map") if stage.block.has_maps else f"{shape[0]:,} ×", size]
    axes = stage.block.axes
    words = [UNITS.get(axis, "") for axis in axes] if len(axes) == 2 else ["", ""]
    return [format_count(n, word) if word else f"{n:,}" for n, word in zip(shape, words, strict=True)]


def short_lines(shape: Sequence[int]) -> list[str]:
    """Write a shape without words: ``["32 ×", "28×28"]``."""
    if len(shape) == 1:
        return [f"{shape[0]:,}", ""]
    return [f"{shape[0]:,} ×", "×".join(f"{n:,}" for n in shape[1:])]


def front_words(stage: DataStage, unit: int, signed: bool, limit: str) -> str:
    """Explain a box at its first appearance: its front, and its shades."""
    shade = f"orange −{limit} to blue {limit}" if signed else f"shade 0 to {limit}"
    if stage.values.ndim == 3:
        count = f"{len(stage.values):,}"
        return f"front: map {unit + 1} of {count}, behind it the others; {shade}"
    return f"each cell one number; {shade}"


def plain_words(stage: DataStage, shape: Sequence[int], before: Sequence[int]) -> str:
    """Say why a block has no parameters.

    Parameters
    ----------
    stage : DataStage
    shape : sequence of int
        Sheets, rows and columns of its box.
    before : sequence of int
        Shape of the values before it.
    """
    block, main = stage.block, stage.block.main
    window = f"{main.window.kernel[0]} × {main.window.kernel[1]}" if main.window else ""
    if block.is_reshape and stage.values.ndim == 1:
        count, columns = stage.values.size, shape[0] * shape[2]
        if columns == 1:
            return f"no weights: the same {count:,} numbers, one below another"
        product = f"{shape_text(before)} = " if len(before) > 1 else ""
        return f"{product}{count:,}: the same numbers, in columns of {shape[1]:,}"
    if block.kind == "pooling" and "Max" in main.kind and window:
        return f"no weights: the largest of each {window} numbers"
    if block.kind == "pooling" and "Avg" in main.kind and window:
        return f"no weights: the mean of each {window} numbers"
    if block.title.startswith("global average"):
        return "no weights: the mean of each map"
    return "no weights"


def about_block(stage: DataStage, signed: bool, unit: int | None = None) -> list[str]:
    """Operations of a block, the map in front, and what all that is in plain words: one or two lines."""
    operations = stage.block.operations
    plain = ", ".join(dict.fromkeys(PLAIN[t] for t in map(_plain_key, operations) if t))
    has_front = unit is not None and stage.values.ndim == 3
    notes = [f"map {unit + 1:,}"] * has_front if unit is not None else []
    notes += ["dropout off"] * any("ropout" in op.kind for op in operations) + ["blue +, orange −"] * signed
    return [" · ".join([stage.block.description, *notes]), *([plain] if plain else [])]


def _plain_key(op: Operation) -> str:
    """Key of an operation in `PLAIN`, or nothing."""
    if op.role in ("convolution", "dense", "norm"):
        return op.role
    return next((key for key in ("Max", "Avg", "ReLU") if key in op.kind), "")


def window_words(stage: DataStage) -> str:
    """Say how one number of a convolution's map comes about, or of a dense layer."""
    main = stage.block.main
    if main.role == "dense":
        return "each number: all inputs × weights, summed"
    if main.role != "convolution" or not main.window:
        return ""
    kernel = f"{main.window.kernel[0]} × {main.window.kernel[1]}"
    bias = ", plus a bias" if stage.product and stage.product.bias else ""
    return f"one number of a map: a {kernel} window (marked) × weights, summed{bias}"


def channel_words(count: int) -> str:
    """Say what channels of an image are."""
    if count == 1:
        return "     channel: one number per pixel, its brightness"
    return "     channels: red, green, blue of each pixel" if count == 3 else "     channels: numbers of each pixel"


def shape_caption(stage: DataStage) -> str:
    """Caption of what a block gives."""
    name, shape = stage_name(stage.block), stage.values.shape
    text = f"{name}: {size_text(shape)}"
    return text if len(text) <= MAX_CAPTION else f"{name}: {shape_text(shape)}"


def plain_caption(blocks: Sequence[Block]) -> str:
    """Caption of blocks without parameters."""
    names = ", ".join([stage_name(blocks[0]), *(block.short for block in blocks[1:])])
    text = f"{names}: no parameters"
    return text if len(text) <= MAX_CAPTION else f"{len(blocks):,} blocks without parameters"


# ---- parameters


def parameter_caption(stage: DataStage) -> str:
    """Caption of a block's parameters, as a sum if they are of several layers."""
    name, product = stage_name(stage.block), stage.product
    texts = [f"{name}: {format_count(stage.parameter_count, 'parameter')}"]
    if product and stage.more:
        others = {op.title for op, _ in stage.parameters} - {stage.block.main.title}
        what = f" ({others.pop()})" if len(others) == 1 else ""
        sum_text = f"{name}: {product.total:,} + {stage.more:,}{what} = {stage.parameter_count:,}"
        texts = [f"{sum_text} parameters", sum_text, *texts]
    elif not stage.parameter_count and any(op.parameters for op in stage.block.operations):
        texts.insert(0, f"{name}: the same weights again, none added")
    elif not stage.parameter_count:
        texts.insert(0, f"{name}: no parameters")
    return next((text for text in texts if len(text) <= MAX_CAPTION), texts[-1])


def parameter_terms(stage: DataStage) -> list[Term]:
    """Write a block's parameters as a sum line; what comes from the block before is yellow."""
    product = stage.product
    if product is None:
        return group_terms(stage)
    unit = "map" if stage.block.main.role == "convolution" else "score" if is_output(stage) else "neuron"
    terms: list[Term] = [f"{format_count(product.units, unit)} ×"]
    weights = format_count(product.taps if product.taps > 1 else product.inputs, "weight")
    if product.taps > 1 and product.inputs > 1:
        terms += [f"({weights} ×" if product.bias else f"{weights} ×", (f"{product.inputs:,} maps in", "emphasis")]
    elif product.bias:
        terms.append(f"({weights}")
    else:
        terms.append(weights)
    if product.bias:
        terms.append("+ 1 bias)")
    terms.append(f"= {product.total:,}")
    others = [(op, count) for op, count in stage.parameters if op.node != stage.block.main.node]
    for op, count in others:
        each = derive_parameters(op, unit_count(op)) if op.parameter_count == count else ""
        terms.append((f"     {op.title}: {each + ' = ' if each else ''}{count:,}", "muted"))
    return terms


def definition_terms(stage: DataStage) -> list[Term]:
    """Say what parameters are, in a row of its own, where they first come up."""
    norm = "; BN (batch norm) has 2 per map" if "BN" in operation_terms(stage.block).values() else ""
    return [BREAK, (f"parameters: the numbers learned in training{norm}", "muted")]


def group_terms(stage: DataStage) -> list[Term]:
    """Write a block's parameters as a sum over kinds of layers."""
    names = _counts(stage)
    if not names:
        return ["the weights of an earlier block: counted there"]
    if len(names) < 2:
        return [f"{name}: {count:,}" for name, count in names.items()]
    found = sorted(names.items(), key=lambda item: -item[1])
    shown = found if len(found) <= MAX_GROUPS else found[: MAX_GROUPS - 1]
    rest = sum(count for _, count in found[len(shown) :])
    texts = [f"{name}: {count:,}" for name, count in shown] + [f"others: {rest:,}"] * bool(rest)
    return [texts[0], *(f"+ {text}" for text in texts[1:]), f"= {stage.parameter_count:,}"]


def is_output(stage: DataStage) -> bool:
    """Whether a block is the output layer."""
    return stage.block.short == "output"


def _counts(stage: DataStage) -> dict[str, int]:
    """Numbers of parameters by title; several layers are counted."""
    found, times, terms = Counter[str](), Counter[str](), operation_terms(stage.block)
    for op, count in stage.parameters:
        found[terms[op.node]] += count
        times[terms[op.node]] += 1
    return {f"{times[t]} {t}" if times[t] > 1 else t: count for t, count in found.items()}


def operation_terms(block: Block) -> dict[str, str]:
    """Standard term of each operation of a block by its node."""
    if block.children:
        return {node: term for child in block.children for node, term in operation_terms(child).items()}
    out, steps = {}, list(block.steps)
    for op in block.operations:
        out[op.node] = steps[0][0] if steps and op.role in ("shape", "elementwise") else op.title
        if len(steps) > 1 and op.node == steps[0][1]:
            steps.pop(0)
    return out


# ---- all


def conclusion(flow: DataFlow) -> tuple[str, str]:
    """Write where most parameters and most multiplications are: two lines."""
    stages, total = flow.stages, flow.multiplications
    counts = [stage.parameter_count for stage in stages]
    most = flow.largest(counts)
    first = f"Parameters: {format_percent(max(counts) / sum(counts))} {in_block(most.block)}"
    if not total:
        return first, f"{flow.parameters:,} parameters in all"
    if flow.is_used_once:
        return first, "Each weight is used once: both bars are alike"
    products = [stage.multiplications or 0 for stage in stages]
    busiest = flow.largest(products)
    return first, f"Multiplications: {format_percent(max(products) / total)} {in_block(busiest.block)}"

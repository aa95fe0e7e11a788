"""Annotation of a layer: name, arrow, parameters, caption."""

import numpy as np

from netcore.analysis.blocks import Block
from netcore.core.formatting import format_count
from netcore.viz.film.base_mobject import BODY, NOTE, ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.theme import Theme

ARROW_LENGTH = 1.5  # half its length
MAX_TEXT_WIDTH = 4.2  # width of the sign, at most
EXPLANATIONS = {
    "BN": "Batch norm: normalise, then scale and shift",
    "ReLU": "ReLU: negative values become 0",
    "Tanh": "Tanh: values are mapped into −1 to 1",
    "Sigmoid": "Sigmoid: values are mapped into 0 to 1",
}


class LayerAnnotation:
    """The sign between what a stage reads and what it makes.

    Parameters
    ----------
    theme : Theme
    name : str
    then : tuple of str
        What follows in the same stage; `words` are its lines, to be lit up one by one.
    note : str
        Set under the arrow; may be empty.
    centre : (2,), middle of the arrow
    """

    def __init__(self, theme: Theme, name: str, then: tuple[str, ...], note: str, center: tuple[float, float]) -> None:
        x, y = center
        ink, muted = theme.rgb("foreground"), theme.rgb("muted")
        self.words = [text_line(word, BODY, ink) for word in then]
        name = ellipsize_line(name, MAX_TEXT_WIDTH / 1.1)  # bold is wider
        self.everything: list[ArrayMobject] = [
            text_line(name, BODY, ink, bold=True, at=(x, y + (0.75 if then else 0.4)))
        ]
        fitting = list(self.words)
        while line_width("".join(f"→ {word.text} " for word in fitting), BODY) > MAX_TEXT_WIDTH - 0.2:
            fitting = fitting[1:]
        self.everything += arrow_row(fitting, (x, y + 0.38), muted)
        self.everything.append(_arrow(x - ARROW_LENGTH, x + ARROW_LENGTH, y, muted))
        if note:
            self.everything.append(text_line(note, NOTE, muted, at=(x, y - 0.38)))


def parameter_text(block: Block) -> str:
    """Number of parameters of a block."""
    return f"{block.parameters:,} parameters" if block.parameters else "no parameters"


def arrow_row(words: list[TextLine], center: tuple[float, float], muted: np.ndarray) -> list[ArrayMobject]:
    """Move words beside one another, the row's middle at `centre`, and set an arrow before each."""
    sign, gap = line_width("→", BODY), 0.13
    widths = [line_width(word.text, BODY) for word in words]
    x, y = center[0] - (sum(widths) + (sign + 2 * gap) * len(words) - gap) / 2, center[1]
    out: list[ArrayMobject] = []
    for word, width in zip(words, widths, strict=True):
        out.append(text_line("→", BODY, muted, at=(x, y), align=(-1, 0)))
        x += sign + gap
        word.shift(np.array([x - word.points[0, 0], y - word.points[:, 1].mean(), 0]))
        out.append(word)
        x += width + gap
    return out


def layer_caption(block: Block, channels: int, first: bool) -> str:
    """Return the caption of a block that reads `channels` maps; the `first` one reads the image."""
    out, h, w = block.map_shape
    if block.kind == "pooling" and not block.children:
        kind = block.main.kind
        if "Pool" not in kind:
            return f"{block.heading[0]}: each map to {h}×{w}"
        window = f"{block.window.kernel[0]}×{block.window.kernel[1]} window" if block.window else "region"
        word = (
            "Max pooling: maximum" if "Max" in kind else "Average pooling: mean" if "Avg" in kind else "Pooling: norm"
        )
        return f"{word} of each {window}"
    if block.kind == "convolution":
        if first:
            return f"Convolution: {out:,} kernels, one feature map each"
        groups = block.window.groups if block.window else 1
        reads = (
            "each from one map" if block.is_depthwise else f"each from {'all ' * (groups == 1)}{channels // groups:,}"
        )
        return f"{block.description}: {out:,} maps, {reads}"
    count = format_count(block.convolutions, "convolution") if block.convolutions else block.heading[0]
    if block.kind == "residual":
        return f"{count}; {'a projection of ' * bool(block.shortcut)}the block's input is added"
    return f"{count}: {out:,} maps of {h}×{w}"


def flatten_caption(vector: Block, maps: int, shown: int) -> str:
    """Return the caption of the step from `maps` maps to a vector, `shown` of whose values are drawn."""
    size = vector.unit_count
    rest = f", {shown} largest shown" if shown < size else ""
    heading = vector.heading[0]
    if vector.is_reshape:
        return f"Flatten: {maps:,} maps → {size:,} values{rest}"
    if size != maps or vector.kind != "vector":
        return f"{heading}: {maps:,} maps → {size:,} values{rest}"
    kind = "its mean" if "average" in heading else "its maximum" if "maximum" in heading else "one value"
    return f"Each map becomes {kind}{rest}"


def short_title(block: Block) -> str:
    """Word for a block over its column in the overview."""
    return {"convolution": "Conv", "pooling": "Pool"}.get(block.kind, "Block")


def _arrow(left: float, right: float, y: float, rgb: np.ndarray) -> ArrayMobject:
    tip, back = [right, y], right - 0.16
    return Edges([[left, y], [back, y + 0.11], [back, y - 0.11]], [tip, tip, tip], [*rgb, 1.0], 2.0)

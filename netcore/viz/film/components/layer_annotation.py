"""Annotation and caption of a layer: its name over an arrow, its parameters, what it does."""

import numpy as np

from netcore.analysis.volumes import Stage
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


def parameter_text(stage: Stage) -> str:
    return f"{stage.parameters:,} parameters" if stage.parameters else "no parameters"


def arrow_row(words: list[TextLine], center: tuple[float, float], muted: np.ndarray) -> list[ArrayMobject]:
    """Move words beside one another, the row's middle at `centre`, and set an arrow before each."""
    sign, gap = line_width("→", BODY), 0.13
    widths = [line_width(word.text, BODY) for word in words]
    x, y = center[0] - (sum(widths) + (sign + 2 * gap) * len(words) - gap) / 2, center[1]
    out: list[ArrayMobject] = []
    for word, width in zip(words, widths, strict=True):
        out.append(text_line("→", BODY, muted, at=(x, y), align=(-1, 0)))
        x += sign + gap
        word.shift([x - word.points[0, 0], y - word.points[:, 1].mean(), 0])
        out.append(word)
        x += width + gap
    return out


def layer_caption(stage: Stage, first: bool) -> str:
    """Return the caption of a stage; the `first` one reads the image."""
    into, h, w = stage.source.shape
    out, h2, w2 = stage.output.shape
    if stage.kind == "pool":
        if stage.name == "Pool":
            return f"Pooling: each map from {h}×{w} to {h2}×{w2}"
        windows = f"{stage.window[0]}×{stage.window[0]} window" if stage.window else "region"
        kind = "Max pooling: maximum" if stage.name.startswith("Max") else "Average pooling: mean"
        return f"{kind} of each {windows}"
    if stage.kind == "conv":
        if first:
            return f"Convolution: {out:,} kernels, one feature map each"
        reads = "each from one map" if stage.keeps_maps else f"each from all {into:,}"
        return f"{stage.title}: {out:,} maps, {reads}"
    count = format_count(stage.convolutions, "convolution")
    if "Residual" in stage.name:
        return f"{count}; the block's input is added"
    return f"{count}: {out:,} maps of {h2}×{w2}"


def flatten_caption(column: Stage, shown: int) -> str:
    """Return the caption of the step from maps to a column, `shown` of whose values are drawn."""
    rest = f", {shown} largest shown" if shown < len(column.output) else ""
    if column.name == "Flatten":
        return f"Flatten: {len(column.source):,} maps → {len(column.output):,} values{rest}"
    kind = "its mean" if "average" in column.name else "its maximum" if "maximum" in column.name else "one value"
    return f"Each map becomes {kind}{rest}"


def short_title(stage: Stage) -> str:
    return {"conv": "Conv", "pool": "Pool"}.get(stage.kind, "Block")


def _arrow(left: float, right: float, y: float, rgb: np.ndarray) -> ArrayMobject:
    tip, back = [right, y], right - 0.16
    return Edges([[left, y], [back, y + 0.11], [back, y - 0.11]], [tip, tip, tip], [*rgb, 1.0], 2.0)

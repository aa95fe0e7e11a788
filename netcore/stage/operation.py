"""What a stage of maps does, in words and as a sign: its name over an arrow, its parameters, its kernels, a caption."""

import numpy as np

from netcore.core.formatting import format_count, format_subset
from netcore.stage.maps import Maps, colours
from netcore.stage.mobjects import BODY, NOTE, Drawn, Edges
from netcore.stage.text import Line, label, shorten, text_width
from netcore.stage.theme import Theme
from netcore.stage.tiles import largest_unit, tiles
from netcore.stage.volumes import Stage

ARROW = 1.5  # half its length
ROOM = 4.2  # width of the sign, at most
KERNELS = (1.4, 1.5)  # how far below the arrow the middle of the kernels lies, and the side of their square
EXPLAINED = {
    "BN": "Batch norm shifts and scales each map, as learned",
    "ReLU": "ReLU keeps what is positive, the rest becomes 0",
    "Tanh": "Tanh squeezes every value between −1 and 1",
    "Sigmoid": "The sigmoid squeezes every value between 0 and 1",
}


class Operation:
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

    def __init__(self, theme: Theme, name: str, then: tuple[str, ...], note: str, centre: tuple[float, float]) -> None:
        x, y = centre
        ink, muted = theme.rgb("ink"), theme.rgb("muted")
        self.words = [label(word, BODY, ink) for word in then]
        name = shorten(name, ROOM / 1.1)  # bold is wider
        self.everything: list[Drawn] = [label(name, BODY, ink, bold=True, at=(x, y + (0.75 if then else 0.4)))]
        fitting = list(self.words)
        while text_width("".join(f"→ {word.text} " for word in fitting), BODY) > ROOM - 0.2:
            fitting = fitting[1:]
        self.everything += in_row(fitting, (x, y + 0.38), muted)
        self.everything.append(_arrow(x - ARROW, x + ARROW, y, muted))
        if note:
            self.everything.append(label(note, NOTE, muted, at=(x, y - 0.38)))


def parameters(stage: Stage) -> str:
    return f"{stage.parameters:,} parameters" if stage.parameters else "no parameters"


def in_row(words: list[Line], centre: tuple[float, float], muted: np.ndarray) -> list[Drawn]:
    """Move words beside one another, the row's middle at `centre`, and set an arrow before each."""
    sign, gap = text_width("→", BODY), 0.13
    widths = [text_width(word.text, BODY) for word in words]
    x, y = centre[0] - (sum(widths) + (sign + 2 * gap) * len(words) - gap) / 2, centre[1]
    out: list[Drawn] = []
    for word, width in zip(words, widths, strict=True):
        out.append(label("→", BODY, muted, at=(x, y), align=(-1, 0)))
        x += sign + gap
        word.shift([x - word.points[0, 0], y - word.points[:, 1].mean(), 0])
        out.append(word)
        x += width + gap
    return out


def kernels(
    theme: Theme, weight: np.ndarray, chosen: np.ndarray, centre: tuple[float, float], foot: float
) -> list[Drawn]:
    """The learned kernels (O, k, k) that make the `chosen` maps, in their order, and at height `foot` their number."""
    rgb, scale, _ = colours(theme, weight[chosen])
    size, gap = weight.shape[1:], 0.12
    place = tiles(
        len(chosen), size, (centre[0], centre[1] - KERNELS[0]), largest_unit(len(chosen), size, KERNELS[1], gap), gap
    )
    text = format_subset(len(chosen), len(weight), "kernel")
    return [
        Maps(rgb, place, weight[chosen], scale, outline=theme.rgb("faint")),
        label(text, NOTE, theme.rgb("muted"), at=(centre[0], foot)),
    ]


def caption(stage: Stage, first: bool) -> str:
    """What a stage does, in one line; the `first` one is told as what happens to the picture."""
    into, h, w = stage.source.shape
    out, h2, w2 = stage.output.shape
    if stage.kind == "pool":
        if stage.name == "Pool":
            return f"Pooling changes the size of each map: {h}×{w} → {h2}×{w2}"
        windows = f"{stage.window[0]}×{stage.window[0]} window" if stage.window else "region"
        does = f"{'keeps the largest' if stage.name.startswith('Max') else 'takes the mean'} of each {windows}"
        return f"{stage.name.split()[0]}ing {does}: {h}×{w} → {h2}×{w2}"
    if stage.kind == "conv":
        if first:
            return f"{out:,} learned kernels sweep the picture; each leaves one map"
        reads = "each made of one" if stage.keeps_maps else f"each reads all {into:,}"
        return f"{stage.title} in one step: {out:,} maps, {reads}"
    count = f"{format_count(stage.convolutions, 'convolution')} in one step"
    if "Residual" in stage.name:
        return f"{count}; what came in is added to what comes out"
    return f"{count}: {out:,} maps of {h2}×{w2}"


def column_caption(column: Stage, shown: int) -> str:
    """How the maps become a column, `shown` of whose values are seen."""
    rest = f"; the {shown} largest are shown" if shown < len(column.output) else ""
    if column.name == "Flatten":
        return f"All {len(column.source):,} maps become one column of {len(column.output):,} values{rest}"
    kind = "mean" if "average" in column.name else "maximum" if "maximum" in column.name else "summary"
    return f"Each of the {len(column.source):,} maps becomes one number, its {kind}{rest}"


def short_name(stage: Stage) -> str:
    return {"conv": "Conv", "pool": "Pool"}.get(stage.kind, "Block")


def _arrow(left: float, right: float, y: float, rgb: np.ndarray) -> Drawn:
    tip, back = [right, y], right - 0.16
    return Edges([[left, y], [back, y + 0.11], [back, y - 0.11]], [tip, tip, tip], [*rgb, 1.0], 2.0)

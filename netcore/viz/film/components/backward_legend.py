"""Legend of neurons and edges whose deltas flow back."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netcore.core.formatting import format_number
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.legend import LEGEND_LINE
from netcore.viz.film.components.pictures import color_ramp
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.text import text_line
from netcore.viz.theme import Theme

MAX_SAMPLE_WIDTH = 5.0  # pixels, of the largest sample


class EdgeSample(NamedTuple):
    """An edge in a legend: number, role of its colour, what it does."""

    value: float
    role: str
    word: str


def edge_extremes(values: NDArray[np.floating], up: str, down: str) -> list[EdgeSample]:
    """Return the largest positive and the largest negative value, with what they do."""
    both = EdgeSample(float(values.max()), "positive", up), EdgeSample(float(values.min()), "negative", down)
    return [s for s in both if s.value and (s.value > 0) == (s.role == "positive")]


def backward_legend(
    theme: Theme,
    corner: tuple[float, float],
    kind: str,
    title: str,
    samples: Sequence[EdgeSample],
    numbers: bool,
    left_out: bool,
) -> list[ArrayMobject]:
    """Explain what fills neurons, what edges stand for, and the dots.

    Parameters
    ----------
    theme : Theme
    corner : (float, float)
        Upper left.
    kind : {"activation", "delta"}
        What neurons are filled with.
    title : str
        What edges stand for.
    samples : sequence of EdgeSample
        Real ones.
    numbers : bool
        Write their values.
    left_out : bool
        Whether there are dots.
    """
    muted, (x, top) = theme.rgb("muted"), corner
    y = top - LEGEND_LINE / 2
    delta = kind == "delta"
    head, low, high = ("delta: neuron should", "+ fall", "− rise") if delta else ("activation", "low", "high")
    found: list[ArrayMobject] = [text_line(head, LABEL, muted, at=(x, y), align=(-1, 0))]
    y -= LEGEND_LINE
    found += color_ramp(theme, (x, y), low, high, delta, 0.8, -1)
    y -= LEGEND_LINE
    found.append(text_line("scale: layer by layer", LABEL, muted, at=(x, y), align=(-1, 0)))
    if samples:
        y -= LEGEND_LINE * 1.3
        found.append(text_line(title, LABEL, muted, at=(x, y), align=(-1, 0)))
    size = max((abs(sample.value) for sample in samples), default=1.0)
    for value, role, word in samples:
        y -= LEGEND_LINE
        width = 1.0 + (MAX_SAMPLE_WIDTH - 1.0) * abs(value) / size
        found.append(Edges([(x, y)], [(x + 0.4, y)], [*theme.rgb(role), 1.0], width))
        text = f"{format_number(value)} {word}" if numbers else word
        found.append(text_line(text, LABEL, muted, at=(x + 0.52, y), align=(-1, 0)))
    if left_out:
        y -= LEGEND_LINE * 1.3
        words = "others, not drawn" if delta else "sum of all others"
        dots = Neurons([(x + 0.1, y + d) for d in (0.1, 0.0, -0.1)], 0.028, muted, muted, width=0)
        found += [dots, text_line(words, LABEL, muted, at=(x + 0.35, y), align=(-1, 0))]
    return found

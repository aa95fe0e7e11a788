"""What films of dense layers have in common: shades of neurons, edges with what they carry, bars, legend."""

from collections.abc import Sequence

import numpy as np

from netcore.core.formatting import format_percent
from netcore.stage.layout import between, column
from netcore.stage.mobjects import BODY, NOTE, PX, Bars, Drawn, Edges, Neurons
from netcore.stage.network import Dense, unit
from netcore.stage.text import Line, label, shorten
from netcore.stage.theme import Theme
from netcore.trace import Trace

WIDEST = 3.5  # pixels, of the strongest edge into a layer


def shade(theme: Theme, values: np.ndarray, functions: tuple[str, ...] = ()) -> np.ndarray:
    """Fill of neurons (N, 3): from ground to ink, or by sign where some activations are negative."""
    t = unit(values, functions)
    return theme.signed(t) if (t < 0).any() else theme.activation(t)


def edge_style(theme: Theme, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours (N, 4) by sign and widths (N,) in pixels by magnitude, as shares of the largest; zero is not seen."""
    strength = np.abs(values) / max(float(np.abs(values).max()), 1e-12)
    colours = np.where(values[:, None] < 0, theme.rgb("negative"), theme.rgb("positive"))
    alpha = np.where(values == 0, 0.0, 0.04 + 0.96 * strength**1.2)
    return np.column_stack([colours, alpha]), 0.5 + (WIDEST - 0.5) * strength


def contribution_edges(
    theme: Theme, stage: Dense, sources: np.ndarray, targets: np.ndarray, columns: tuple[Neurons, Neurons]
) -> Edges:
    """Edges of the shown neurons into a layer: what each carries, weight × activation, as `values` (T·S,), by target.

    Parameters
    ----------
    theme : Theme
    stage : Dense
    sources, targets : (S,), (T,)
        Indices of the neurons that are shown.
    columns : two Neurons
        Where they are drawn.
    """
    values = stage.contributions(targets, sources).ravel()
    rgba, widths = edge_style(theme, values)
    before, after = columns
    starts, ends = between(before.centres, after.centres, before.radius + 2 * PX)
    return Edges(starts, ends, rgba, widths, values=values)


def by_source(sources: int, targets: int) -> np.ndarray:
    """The order in which such edges start when sources send one after the other, in [0, 1]: (T·S,)."""
    return np.tile(np.linspace(0, 1, sources), targets)


def ellipsis(theme: Theme, dots: np.ndarray) -> Neurons:
    """Three dots at (3, 2), for the neurons that are left out."""
    return Neurons(dots, 1.6 * PX, theme.rgb("muted"), theme.rgb("muted"), width=0)


def legend(theme: Theme, left: float, top: float) -> list[Drawn]:
    """What the colours of edges mean, in three lines from (`left`, `top`) downwards, 2.6 wide and 1 high."""
    muted = theme.rgb("muted")
    out: list[Drawn] = [label("weight × activation", NOTE, muted, at=(left, top), align=(-1, 0))]
    for k, (role, word) in enumerate((("positive", "raises the sum"), ("negative", "lowers the sum"))):
        y = top - 0.36 - 0.33 * k
        out.append(Edges([(left, y)], [(left + 0.45, y)], [*theme.rgb(role), 1.0], 3.0))
        out.append(label(word, NOTE, muted, at=(left + 0.6, y), align=(-1, 0)))
    return out


def probability_bars(
    theme: Theme, p: np.ndarray, ys: np.ndarray, left: float, length: float, right: float
) -> tuple[Bars, list[Line]]:
    """Bars of probabilities (N,) at heights `ys` (N,), still empty, and their percentages, set flush at `right`."""
    pitch = float(np.abs(np.diff(ys)).min()) if len(ys) > 1 else 1.0
    half = min(0.13, 0.3 * pitch)
    low, high = (
        np.column_stack([np.full(len(ys), left), ys - half]),
        np.column_stack([np.full(len(ys), left + length), ys + half]),
    )
    bars = Bars(np.stack([low, high], axis=1), 0.0, theme.rgb("muted"), theme.rgb("faint"))
    numbers = [
        label(format_percent(v), BODY, theme.rgb("ink"), at=(right, y), align=(1, 0))
        for v, y in zip(p, ys, strict=True)
    ]
    return bars, numbers


def verdict(trace: Trace, longest: float = 3.0) -> tuple[str, str]:
    """The answer in words (``7, 98.3 % — right``) and the role of its colour; names at most `longest` units long."""
    name, sure = trace.classes[trace.prediction], format_percent(float(trace.probabilities.max()))
    said = f"{shorten(name, longest)}, {sure}"
    if trace.label is None:
        return said, "emphasis"
    if trace.label == trace.prediction:
        return f"{said} — right", "right"
    return f"{said} — wrong, it is {shorten(trace.classes[trace.label], longest)}", "wrong"


def columns_of(
    theme: Theme, counts: Sequence[int], sizes: Sequence[int], xs: np.ndarray, low: float, high: float,
    radius: float = 0.15, pitch: float = 0.5,
) -> tuple[list[Neurons], list[Neurons]]:  # fmt: skip
    """Columns of empty neurons, `counts` of `sizes` shown, and the dots of those that leave some out."""
    rows = [column(c, x, low, high, c < n, pitch) for c, n, x in zip(counts, sizes, xs, strict=True)]
    steps = [float(np.abs(np.diff(centres[:, 1])).min()) for centres, _ in rows if len(centres) > 1]
    radius = min([radius] + [0.42 * step for step in steps])
    ground, faint = theme.rgb("ground"), theme.rgb("faint")
    return [Neurons(c, radius, ground, faint) for c, _ in rows], [ellipsis(theme, d) for _, d in rows if len(d)]

"""Points map

Example images as points, colored by class, in the plane in which the outputs of each layer in {run} ({network}) differ
most (its first two principal components at the last snapshot); rings: images misclassified at the last snapshot.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.history import snapshots_until
from netcore.analysis.projections import class_middles, flatten_features, project_pca, project_tsne
from netcore.core.context import SceneContext
from netcore.core.formatting import format_percent, format_subset
from netcore.core.run import Snapshot
from netcore.viz.colors import class_colors
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.style import LABEL, ThemedFigure
from netcore.viz.mpl.text import add_heading, add_subtitle, add_text, ellipsize, text_width
from netcore.viz.mpl.timeline import Timeline, frame_index

NEEDS = ("examples", "hidden")
ORDER = 68
ANIMATED = True
MAX_LAYERS = 6
MOMENTS = 10  # snapshots, at most
GATHERED = 0.5  # share of a class's points nearest to its own middle, from which on the class is named there
LONGEST_NAME = 90.0  # of a class, in units of the figure


def draw(
    fig: ThemedFigure,
    context: SceneContext,
    *,
    method: Literal["pca", "tsne"] = "pca",
    images: int = 200,
    seconds: float = 8.0,
) -> Update:
    """Draw one plane per layer.

    Parameters
    ----------
    method : str
        Principal components, or t-SNE of the last snapshot (which does not move).
    images : int
        Maximum number of example images.
    seconds : float
        Duration of the animation.
    """
    theme, examples = fig.theme, context.examples()
    pixels, labels = examples.images[:images], examples.labels[:images]
    graph = graph_of_trace(context.trace())
    every, found = graph.value_blocks(), graph.value_blocks(MAX_LAYERS)
    snapshots = snapshots_until(context) if method == "pca" else (context.snapshot(),)
    moments = np.unique(np.linspace(0, len(snapshots) - 1, MOMENTS).round().astype(int))
    snapshots = tuple(snapshots[i] for i in moments)
    words = f"{format_subset(len(labels), len(examples.labels), 'example image')} · "
    words += f"{format_subset(len(found), len(every), 'layer')} · "
    plane = f"the plane in which they spread most at {snapshots[-1].label}"
    words += plane if method == "pca" else f"t-SNE at {snapshots[-1].label}: neighbours stay neighbours"
    title = f"Points map of {context.run_name} ({'PCA' if method == 'pca' else 't-SNE'})"
    body, _ = add_heading(fig, title, words, legend_width=text_width(fig, _mistakes(len(labels), snapshots[-1])) + 16)
    named = _legend(fig, body, context.classes)
    upper = body.inset(bottom=50 + named)
    nodes = tuple(block.output for block in found)
    over_time = [context.predict_batch(pixels, nodes, at=snapshot) for snapshot in snapshots]
    wrong = over_time[-1]["logits"].argmax(1) != labels
    told = _mistakes(int(wrong.sum()), snapshots[-1])
    add_text(fig, body.x + body.w, 22, told, ha="right", color=theme.incorrect)
    images_shown = _Images(labels, context.classes, wrong)
    panels = [
        _Plane(
            fig,
            box,
            block.short,
            [flatten_features(passed[block.output]) for passed in over_time],
            images_shown,
            method,
        )
        for block, box in zip(found, _places(upper, len(found)), strict=True)
    ]
    timeline = Timeline(fig, Box(body.x, body.y + body.h - 38 - named, body.w, 40), context, tuple(snapshots))

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(snapshots))
        moved = [artist for panel in panels for artist in panel.update(i)]
        return [*moved, *timeline.update(i)]

    update(1.0)
    return update


def _mistakes(count: int, last: Snapshot) -> str:
    """What the rings are."""
    return f"{'○ ' if count else ''}{count} misclassified at {last.label}"


@dataclass(frozen=True)
class _Images:
    """labels (N,), names of the classes, and which images are misclassified at the last snapshot (N,)."""

    labels: NDArray[np.integer]
    classes: list[str]
    wrong: NDArray[np.bool_]


class _Plane:
    """One layer's outputs at each moment, (N, features) each, in the plane of the last; each as large as it fits."""

    def __init__(
        self, fig: ThemedFigure, box: Box, name: str, over_time: list[NDArray[Any]], images: _Images, method: str
    ) -> None:
        self.points, self.notes = _project(over_time, method)
        self.images = images
        add_subtitle(fig, box, name)
        inner = box.inset(top=26)
        self.size = np.array([inner.w, inner.h])
        self.ax = ax = add_axes(fig, inner)
        ax.axis("off")
        colors = np.array(class_colors(fig.theme, len(images.classes)))[images.labels]
        self.dots = ax.scatter(
            self.points[-1][:, 0], self.points[-1][:, 1], s=18, c=colors, linewidths=0, zorder=3
        )  # not hidden by the rings
        self.rings = ax.scatter(
            [], [], s=48, facecolors="none", edgecolors=fig.theme.incorrect, linewidths=1.2, zorder=2
        )
        short = [ellipsize(fig, name, LONGEST_NAME) for name in images.classes]
        self.names = [
            ax.text(0, 0, name, color=fig.theme.foreground, fontsize=LABEL, fontweight="bold", ha="center",
                    va="center", zorder=4)
            for name in short
        ]  # fmt: skip
        self.grounds = [
            ax.add_patch(Rectangle((0, 0), 0, 0, facecolor=fig.theme.background, linewidth=0, zorder=3.5))
            for _ in short
        ]
        self.name_sizes = np.array([[text_width(fig, name, LABEL, "bold") + 4, LABEL + 4] for name in short])
        start = text_width(fig, name, LABEL, "bold") + 8
        self.note = add_text(fig, box.x + start, box.y + 0.8, "", color=fig.theme.muted)
        widest = max(self.notes, key=lambda note: text_width(fig, note))
        self.noted = start + text_width(fig, widest) <= box.w

    def update(self, i: int) -> list[Artist]:
        low, high = self.points[i].min(0), self.points[i].max(0)
        unit = max((high - low) / (self.size - 20)) or 1.0  # both directions to the same scale
        ends = (low + high) / 2 + np.outer((-0.5, 0.5), self.size * unit)
        self.ax.set(xlim=ends[:, 0], ylim=ends[:, 1])
        self.dots.set_offsets(self.points[i])
        self.rings.set_offsets(self.points[i][self.images.wrong])
        self.note.set_text(self.notes[i] if self.noted else "")
        return [self.dots, self.rings, *self._place_names(self.points[i], unit, ends), self.note]

    def _place_names(self, points: NDArray[Any], unit: float, ends: NDArray[Any]) -> list[Artist]:
        """Name each class in the middle of its points, if most are nearest to it and no other name is there."""
        middles, shares = class_middles(points, self.images.labels, len(self.names))
        taken: list[int] = []
        for k in np.argsort(-shares, kind="stable"):
            half = self.name_sizes[k] / 2 * unit
            middles[k] = np.clip(middles[k], ends[0] + half, ends[1] - half)
            apart = (np.abs(middles[k] - middles[taken]) >= half + self.name_sizes[taken] / 2 * unit).any(1)
            shown = shares[k] >= GATHERED and bool(apart.all())
            taken += [int(k)] * int(shown)
            for artist in (self.grounds[k], self.names[k]):
                artist.set_visible(shown)
            if shown:
                self.grounds[k].set_bounds(*(middles[k] - half), *(2 * half))
                self.names[k].set_position(middles[k].tolist())
        return [*self.grounds, *self.names]


def _project(over_time: list[NDArray[Any]], method: str) -> tuple[list[NDArray[Any]], list[str]]:
    """Return the points (N, 2) at each moment, and a note for each."""
    if method != "pca":
        return [project_tsne(over_time[-1])], [""]
    points, shares = project_pca(over_time)
    return points, ["all equal" if share is None else f"{format_percent(share, 0)} of the spread" for share in shares]


def _places(box: Box, count: int) -> list[Box]:
    across = count if count <= 3 else -(-count // 2)
    rows = box.rows(*[1] * (-(-count // across)), gap=6)
    return [place for row in rows for place in row.columns(*[1] * across, gap=24)][:count]


def _legend(fig: ThemedFigure, body: Box, classes: list[str]) -> float:
    """The classes' colours in one or two lines at the bottom, where they fit; give the height that they take."""
    lines: list[list[tuple[str, tuple[float, float, float]]]] = [[]]
    room = body.w
    for name, color in zip(classes, class_colors(fig.theme, len(classes)), strict=True):
        name = ellipsize(fig, name, 150)
        room -= text_width(fig, name) + 34
        if room < 0:
            lines.append([])
            room = body.w - text_width(fig, name) - 34
        lines[-1].append((name, color))
    if len(lines) > 2:
        add_text(fig, body.x, body.y + body.h - 12, f"colours: {len(classes)} classes", color=fig.theme.muted)
        return 24.0
    for row, line in enumerate(reversed(lines)):
        x, y = body.x, body.y + body.h - 12 - 20 * row
        for name, color in line:
            add_text(fig, x, y, "●", color=color)
            add_text(fig, x + 16, y, name, color=fig.theme.muted)
            x += text_width(fig, name) + 34
    return 4.0 + 20 * len(lines)

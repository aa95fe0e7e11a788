"""Points map

Example images as points in the plane in which each layer of {run} ({network}) spreads them most, coloured by class;
rings mark mistakes. Layer by layer the classes come apart.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from netcore.stage.colours import categories
from netcore.stage.facts import counted, some_of
from netcore.stage.plot import Box, chart, heading, percent, width, write
from netcore.stage.stages import some_stages, stages
from netcore.stage.timeline import Timeline, frame_of, snapshots_until_now

NEEDS = ("examples", "hidden")
ORDER = 68
ANIMATED = True
MOST = 6  # layers that fit
MOMENTS = 10  # snapshots, at most


def draw(fig, case, *, method: Literal["pca", "tsne"] = "pca", images: int = 200, seconds: float = 8.0):
    """Draw one plane a layer.

    Parameters
    ----------
    method : str
        Principal components, or t-SNE of the last snapshot (which does not move).
    images : int
        At most so many example images.
    seconds : float
        Duration of the animation.
    """
    theme, examples = fig.theme, case.examples()
    pixels, labels = examples.images[:images], examples.labels[:images]
    every = [s for s in stages(case.trace(), None) if s.kinds != ("Flatten",)]
    found = some_stages(every, MOST)
    snapshots = snapshots_until_now(case) if method == "pca" else (case.snapshot(),)
    snapshots = [snapshots[i] for i in np.unique(np.linspace(0, len(snapshots) - 1, MOMENTS).round().astype(int))]
    words = f"{counted(len(labels), 'example image')} · {some_of(len(found), len(every), 'layer')} · "
    words += "each plane: the two directions of most spread after training" if method == "pca" else "t-SNE"
    body, _ = heading(fig, f"How {case.run.title} sorts images", words)
    named = _legend(fig, body, case.classes)
    upper = body.inset(bottom=50 + named)
    nodes = tuple(stage.node for stage in found)
    colours = np.array(categories(theme, len(case.classes)))[labels]
    last = case.passes(pixels, nodes)
    panels = [
        _Plane(fig, box, stage.name, _flat(last[stage.node]), colours, method)
        for stage, box in zip(found, _places(upper, len(found)), strict=True)
    ]
    kept: dict[int, list] = {}

    def placed(i: int) -> list:  # coordinates in each panel, and who is mistaken
        if i not in kept:
            passed = last if i == len(snapshots) - 1 else case.passes(pixels, nodes, at=snapshots[i])
            wrong = passed["logits"].argmax(1) != labels
            kept[i] = [(panel.project(_flat(passed[node])), wrong) for panel, node in zip(panels, nodes, strict=True)]
        return kept[i]

    timeline = Timeline(fig, Box(body.x, body.y + body.h - 38 - named, body.w, 40), case, tuple(snapshots))

    def update(t: float) -> list:
        i = frame_of(t, len(snapshots))
        moved = [artist for panel, place in zip(panels, placed(i), strict=True) for artist in panel.show(*place)]
        return [*moved, *timeline.show(i)]

    update(1.0)
    return update


class _Plane:
    """One layer's outputs (N, features) in the plane of those after training."""

    def __init__(self, fig, box: Box, name: str, last: np.ndarray, colours: np.ndarray, method: str) -> None:
        self.project, note = _pca(last) if method == "pca" else _tsne(last)
        points = self.project(last)
        ax = chart(fig, box, name, note, left=0, grid=None)
        low, high = points.min(0), points.max(0)
        pad = 0.06 * (high - low) + 1e-9
        ax.set(xlim=(low[0] - pad[0], high[0] + pad[0]), ylim=(low[1] - pad[1], high[1] + pad[1]), xticks=[], yticks=[])
        ax.spines["bottom"].set_visible(False)
        self.dots = ax.scatter(*points.T, s=18, c=colours, linewidths=0, zorder=3)  # never hidden by the rings
        self.rings = ax.scatter([], [], s=48, facecolors="none", edgecolors=fig.theme.wrong, linewidths=1.2, zorder=2)

    def show(self, points: np.ndarray, wrong: np.ndarray) -> list:
        self.dots.set_offsets(points)
        self.rings.set_offsets(points[wrong])
        return [self.dots, self.rings]


def _flat(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1)


def _pca(last: np.ndarray) -> tuple[Callable, str]:
    """The projection on the two principal directions, and the share of the spread that they hold."""
    from sklearn.decomposition import PCA

    if min(last.shape) < 2 or not last.std() > 0:
        return lambda outputs: np.zeros((len(outputs), 2)), "all alike"
    fitted = PCA(2, svd_solver="randomized" if last.shape[1] > 200 else "full", random_state=0).fit(last)
    return fitted.transform, f"{percent(float(fitted.explained_variance_ratio_.sum()), 0)} of the spread"


def _tsne(last: np.ndarray) -> tuple[Callable, str]:
    """The t-SNE of these outputs; it has no projection of others, so what is asked for are these."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if min(last.shape) > 50:  # as its authors do: distances hardly change, and it is many times faster
        last = PCA(50, random_state=0).fit_transform(last)
    points = TSNE(2, perplexity=min(30, (len(last) - 1) / 3), init="pca", random_state=0).fit_transform(last)
    return lambda outputs: points, ""


def _places(box: Box, count: int) -> list[Box]:
    across = count if count <= 3 else -(-count // 2)
    rows = box.rows(*[1] * (-(-count // across)), gap=6)
    return [place for row in rows for place in row.columns(*[1] * across, gap=24)][:count]


def _legend(fig, body: Box, classes: list[str]) -> float:
    """What rings mean, and the classes' colours where they fit, in one line at the bottom; give its height."""
    colours = categories(fig.theme, len(classes))
    widths = [width(fig, name) + 34 for name in classes]
    y = body.y + body.h - 12
    write(fig, body.x + body.w, y, "mistake", ha="right", color=fig.theme.wrong)
    ring = body.x + body.w - width(fig, "mistake")
    write(fig, ring - 20, y, "○", color=fig.theme.wrong)
    if sum(widths) > ring - 40 - body.x:
        return 24.0
    x = body.x
    for name, colour, wide in zip(classes, colours, widths, strict=True):
        write(fig, x, y, "●", color=colour)
        write(fig, x + 16, y, name, color=fig.theme.muted)
        x += wide
    return 24.0

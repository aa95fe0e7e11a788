"""Redraw only what changes in a Matplotlib figure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from netcore.viz.colors import drop_alpha
from netcore.viz.mpl.glyph_cache import cache_glyphs
from netcore.viz.mpl.log_labels import use_plain_log_labels
from netcore.viz.mpl.style import ThemedFigure

Update = Callable[[float], Sequence[Artist]]
EDGE = 2.0  # pixels beyond an artist's box that strokes and antialiasing may reach
PROBES = (0.0, 0.5, 1.0)  # times at which the extent of unclipped artists is measured


class Blitter:
    """The frames of an animated figure.

    What never changes is drawn once. For each frame the changed artists are drawn over it, and the artists above them
    in drawing order that they overlap.

    Parameters
    ----------
    fig : Figure
    update : callable
        Sets the artists to time t in [0, 1] and returns those it changed.
    """

    def __init__(self, fig: ThemedFigure, update: Update) -> None:
        self.fig, self.update = fig, update
        freeze_layout(fig, update)
        self._changed: dict[Artist, None] = {}
        self._plan([artist for t in PROBES for artist in update(t)])

    def render(self, t: float) -> NDArray[np.uint8]:
        """Draw the frame at time `t`: uint8 (H, W, 3), or (H, W, 4) if the figure is transparent."""
        self.draw(t)
        return canvas_pixels(self.fig)

    def draw(self, t: float) -> None:
        """Draw the frame at time `t` on the figure's canvas."""
        found = list(self.update(t))
        if not self._changed.keys() >= set(found):
            self._plan(found)
            self.update(t)
        canvas = self.fig.canvas
        canvas.restore_region(self._background)
        renderer = cache_glyphs(canvas.get_renderer())
        for item in self._over:
            same = not item.stale
            kept = self._kept.get(item)
            if same and kept is not None:
                canvas.restore_region(kept)
                continue
            item.draw(renderer)
            if item in self._alone:  # cached from its second equal frame on: most of what changed changes again
                box = item.get_window_extent(renderer).padded(EDGE) if same else None
                self._kept[item] = None if box is None or _meets(box, self._alone[item]) else canvas.copy_from_bbox(box)

    def _plan(self, found: Iterable[Artist]) -> None:
        """Divide the figure into what is drawn once and what is drawn per frame, and draw the former."""
        self._changed |= dict.fromkeys(found)
        items = list(_sequence(self.fig))
        owners = {id(part): item for item, _ in items for part in (item, *item.findobj(include_self=False))}
        whole = {a for a in self._changed if isinstance(a, Axes)}
        changed = {id(owners[id(a)]) for a in self._changed if id(a) in owners}
        changed |= {id(item) for item, axes in items if axes in whole}
        reach: list[tuple[Artist, Bbox]] = []
        self._over = []
        for item, axes in items:
            boxes = self._reach(item, axes) if id(item) in changed else self._box(item, axes)
            if id(item) not in changed and not any(box.overlaps(other) for box in boxes for _, other in reach):
                continue
            self._over.append(item)
            reach += [(item, box) for box in boxes]
        # Text is slow to draw and often unchanged: its pixels are cached if no other changing artist overlaps them.
        texts = [item for item in self._over if type(item) is Text and id(item) in changed]
        extents = np.array([box.extents for _, box in reach]).reshape(-1, 4)
        owner = np.array([id(item) for item, _ in reach])
        self._alone = {text: extents[owner != id(text)] for text in texts}
        self._kept: dict[Artist, Any] = {}  # what copy_from_bbox returns
        for item in self._over:
            item.set_animated(True)  # Matplotlib leaves such artists out of a draw
        self.fig.canvas.draw()
        self._background = self.fig.canvas.copy_from_bbox(self.fig.bbox)
        for item in self._over:
            item.set_animated(False)

    def _reach(self, item: Artist, axes: Axes | None) -> list[Bbox]:
        """Return boxes that cover a changing artist at all times."""
        if axes is not None and item.get_clip_on() and item.get_clip_box() is not None:
            return [axes.bbox.padded(EDGE)]
        boxes = []
        for t in PROBES:
            self.update(t)
            boxes += self._box(item, axes)
        return boxes

    def _box(self, item: Artist, axes: Axes | None) -> list[Bbox]:
        """Return boxes that cover an artist now; those of its axes if its extent is unknown."""
        if not item.get_visible() or (isinstance(item, Text) and not item.get_text()):
            return []
        box = item.get_tightbbox(self.fig.canvas.get_renderer())
        if box is None or not np.isfinite(box.extents).all():
            return [(self.fig if axes is None else axes).bbox.padded(EDGE)]
        return [box.padded(EDGE)]


def _meets(box: Bbox, others: NDArray[np.float64]) -> bool:
    """Whether a box overlaps any of `others` (N, 4): left, bottom, right, top."""
    x0, y0, x1, y1 = box.extents
    across = (others[:, 0] <= x1) & (x0 <= others[:, 2])
    return bool((across & (others[:, 1] <= y1) & (y0 <= others[:, 3])).any())


def freeze_layout(fig: ThemedFigure, update: Update | None) -> None:
    """Compute the layout at the last frame and keep it, so that it does not move."""
    use_plain_log_labels(fig)
    for artist in fig.findobj(lambda a: a.get_animated()):
        artist.set_animated(False)
    if update is not None:
        update(1.0)
    if fig.get_layout_engine() is not None:
        fig.draw_without_rendering()
        fig.set_layout_engine("none")


def canvas_pixels(fig: ThemedFigure) -> NDArray[np.uint8]:
    """Copy the pixels of the canvas: uint8 (H, W, 3), or (H, W, 4) if the figure is transparent."""
    rgba = np.asarray(fig.canvas.buffer_rgba())
    return rgba.copy() if fig.transparent else drop_alpha(rgba)


def _sequence(fig: ThemedFigure) -> Iterator[tuple[Artist, Axes | None]]:
    """Yield artists in drawing order with their axes, by the rules of Figure.draw and Axes.draw."""
    for child in sorted((c for c in fig.get_children() if c is not fig.patch), key=attrgetter("zorder")):
        if not isinstance(child, Axes):
            yield child, None
        elif child.get_visible():
            yield from ((part, child) for part in _parts(child))


def _parts(axes: Axes) -> list[Artist]:
    hidden: set[Artist] = {axes.patch}
    framed = axes.axison and axes.get_frame_on()
    if not framed:
        hidden.update(axes.spines.values())
    if not axes.axison:
        hidden.update((axes.xaxis, axes.yaxis))
    parts = sorted((part for part in axes.get_children() if part not in hidden), key=attrgetter("zorder"))
    return [axes.patch, *parts] if framed else parts

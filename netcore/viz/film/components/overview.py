"""Overview of a network: thumbnails in a strip, columns of maps."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from netcore.analysis.blocks import Block
from netcore.analysis.cnn_blocks import CnnBlocks
from netcore.viz.film.base_mobject import NOTE, ArrayMobject
from netcore.viz.film.components.classifier import HIGH, LOW, ClassifierView
from netcore.viz.film.components.layer_annotation import short_title
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.grid_layout import Size, cascade, stacked_frames
from netcore.viz.theme import Theme

STRIP_Y = 2.93  # vertical position of the piles
STRIP_HEIGHT = (-2.2, 2.05)  # bottom and top of the columns
LEFT_X, DENSE_COLUMN_WIDTH = -6.75, 1.02  # left end; room of one dense column
THUMBNAIL_HEIGHT, CASCADE_OFFSET, MAX_CASCADE_MAPS = (
    0.74,
    0.05,
    4,
)  # height of the picture in the strip, offset and number of the maps seen in a pile
GAP = 0.08  # between maps of a column
MIN_TILE = 0.08  # side that a map is drawn with at least


class NetworkOverview:
    """Positions of all stages, to one scale.

    Parameters
    ----------
    theme : Theme
    cnn : CnnBlocks
    head : Head
    shape : (C, H, W) of the image
    """

    def __init__(self, theme: Theme, cnn: CnnBlocks, head: ClassifierView, shape: tuple[int, int, int]) -> None:
        self.theme, self.cnn, self.head = theme, cnn, head
        self.shapes = [shape, *(block.map_shape for block in cnn.maps)]
        self.dense_xs = head.out_x - DENSE_COLUMN_WIDTH * np.arange(len(head.sizes))[::-1]
        self.room = (self.dense_xs[0] - DENSE_COLUMN_WIDTH / 2 - 0.12 - LEFT_X) / len(self.shapes)
        self.xs = LEFT_X + self.room * (np.arange(len(self.shapes)) + 0.5)
        _, h, w = shape
        wide, tall = 0.86 * self.room / w, STRIP_HEIGHT[1] - STRIP_HEIGHT[0] + GAP
        self.seen = int(np.clip(tall // (wide * h + GAP), 3, 6))
        self.unit = min(wide, (tall / self.seen - GAP) / h)
        self.strip_unit = min(THUMBNAIL_HEIGHT / h, (0.96 * self.room - (MAX_CASCADE_MAPS - 1) * CASCADE_OFFSET) / w)

    @property
    def lift(self) -> np.ndarray:
        """How far the dense columns move up (3,), so that all are centred on one line."""
        return np.array([0, (sum(STRIP_HEIGHT) - HIGH - LOW) / 2, 0])

    def strip(self, i: int, count: int, size: Size) -> np.ndarray:
        """Frames of the `count` maps of stage `i` (0 is the image) in the strip."""
        unit = max(self.strip_unit, MIN_TILE / max(size))
        return cascade(count, size, (self.xs[i], STRIP_Y), unit, MAX_CASCADE_MAPS, CASCADE_OFFSET)

    def columns(self, i: int, count: int, size: Size) -> np.ndarray:
        """Frames of the `count` maps of stage `i` at the end."""
        unit = max(self.unit, MIN_TILE / max(size))
        return stacked_frames(count, size, (self.xs[i], sum(STRIP_HEIGHT) / 2), unit, self.seen, GAP)

    def labels(self) -> list[ArrayMobject]:
        """Over each column what it is; under it how many maps or neurons, and once for all alike their size."""
        ink, muted, faint, y = *(self.theme.rgb(role) for role in ("foreground", "muted", "faint")), LOW - 0.06
        names = ["Input", *(short_title(block) for block in self.cnn.maps)]
        names += [_vector_title(self.cnn.vector), *["Dense"] * len(self.cnn.dense)]
        counts = [shape[0] for shape in self.shapes] + self.head.sizes
        xs = [*self.xs, *self.dense_xs]
        out = _row(names, xs, STRIP_HEIGHT[1] + 0.25, ink, 0.28)
        out += _row([f"{n:,}" for n in counts], xs, y, ink, 0.0)
        sizes = [shape[1:] for shape in self.shapes]
        starts = [i for i, size in enumerate(sizes) if i == 0 or sizes[i - 1] != size]
        ends = [*starts[1:], len(sizes)]
        sides = [
            (self.xs[i] - 0.42 * self.room, self.xs[end - 1] + 0.42 * self.room)
            for i, end in zip(starts, ends, strict=True)
        ]
        out += [Edges([(a, y - 0.19)], [(b, y - 0.19)], [*faint, 1.0], 2.0) for a, b in sides]
        middles = [(a + b) / 2 for a, b in sides]
        return out + _row([f"{sizes[i][0]}×{sizes[i][1]}" for i in starts], middles, y - 0.4, muted, -0.26)


def _vector_title(vector: Block) -> str:
    return "Flatten" if vector.is_reshape else "Pool" if vector.kind == "vector" else "Vector"


def _row(texts: list[str], xs: Sequence[float], y: float, rgb: np.ndarray, step: float) -> list[ArrayMobject]:
    """Labels beside one another; where they would touch, every second one `step` higher, and none over another."""
    widths = [line_width(text, NOTE) for text in texts]
    close = [x2 - x1 < (w1 + w2) / 2 + 0.06 for (x1, w1), (x2, w2) in pairwise(zip(xs, widths, strict=True))]
    out: list[ArrayMobject] = []
    ends = [-np.inf, -np.inf]
    for i, (text, x, width) in enumerate(zip(texts, xs, widths, strict=True)):
        row = i % 2 if any(close) and step else 0
        if x - width / 2 > ends[row] + 0.05:
            out.append(text_line(text, NOTE, rgb, at=(x, y + row * step)))
            ends[row] = x + width / 2
    return out

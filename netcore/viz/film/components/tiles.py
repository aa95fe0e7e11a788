"""Images as the largest tiles that fit; cells with numbers."""

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import format_number
from netcore.viz.film.base_mobject import LABEL, PIXEL
from netcore.viz.film.components.number_cells import NumberCells
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import TextLine, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

TILE_GAP = 4 * PIXEL
NUMBER_GAP = 6 * PIXEL  # from a number to its row
MIN_TILE = 40 * PIXEL  # side of a tile: of more maps, only as many are shown as have this size


class Tiles(PixelImages):
    """Images of one size with the values that they show, drawn down to a share of their rows.

    Parameters
    ----------
    rgb : array_like, shape (N, H, W, 3)
    frames : array_like, shape (N, 3, 2)
    values : array_like, shape (N, H, W)
    vmax : float
        Value of the full colour.
    **keys
        Of `PixelImages`.

    Attributes
    ----------
    progress : float
        Share of the rows that are drawn, in [0, 1].
    """

    def __init__(
        self, rgb: ArrayLike, frames: ArrayLike, values: ArrayLike = (), vmax: float = 1.0, **keys: Any
    ) -> None:
        super().__init__(rgb, frames, **keys)
        self.values, self.vmax, self.progress = np.asarray(values, float), float(vmax), 1.0

    def draw(self, ctx: cairo.Context) -> None:
        """Draw the rows, and the outlines of all tiles."""
        rgb, rows = self.rgb, int(np.floor(self.progress * self.rgb.shape[1] + 1e-6))
        if rows < rgb.shape[1]:
            corners = self.corners()
            down = (corners[:, 2] - corners[:, 0]) * rows / rgb.shape[1]
            part = np.stack([corners[:, 0], corners[:, 1], corners[:, 0] + down], axis=1)
            if rows:
                PixelImages(rgb[:, :rows], part, opacity=self.opacity).draw(ctx)
            if self.outline is not None:
                box = np.stack([corners[:, 2], corners[:, 1]], axis=1)
                Rectangles(box, line=[*self.outline, 1.0], width=self.width_px, opacity=self.opacity).draw(ctx)
            return
        super().draw(ctx)


def tile_frames(
    area: Area, count: int, size: tuple[int, int], gap: float = TILE_GAP, pixel: float = PIXEL, largest: float = 1e9
) -> NDArray[np.float64]:
    """Return frames (N, 3, 2) of the largest tiles of which `count` fit, row by row, in the middle of an area.

    Parameters
    ----------
    area : Area
    count : int
    size : (int, int)
        Rows and columns of an image.
    gap : float
        Between tiles.
    pixel : float
        Side of a pixel of the frame: edges of tiles are on whole pixels.
    largest : float
        Maximum height of a tile.
    """
    h, w = size

    def height(columns: int) -> float:
        rows = ceil(count / columns)
        across = (area.width - (columns - 1) * gap) / columns * h / w
        return min(across, (area.height - (rows - 1) * gap) / rows, largest)

    best = max(map(height, range(1, count + 1)))
    columns = min((c for c in range(1, count + 1) if height(c) >= 0.97 * best), key=lambda c: (-count % c, -height(c)))
    tall = max(floor(height(columns) / pixel + 1e-6), 1) * pixel
    wide = max(round(tall * w / h / pixel), 1) * pixel
    rows = ceil(count / columns)
    total = columns * wide + (columns - 1) * gap, rows * tall + (rows - 1) * gap
    left, top = area.center[0] - total[0] / 2, area.center[1] + total[1] / 2
    left, top = (
        area.left + round((left - area.left) / pixel) * pixel,
        area.top + round((top - area.top) / pixel) * pixel,
    )
    y, x = np.divmod(np.arange(count), columns)
    corner = np.column_stack([left + x * (wide + gap), top - y * (tall + gap)])
    return np.stack([corner, corner + np.array([wide, 0.0]), corner - [0.0, tall]], axis=1)


def row_numbers(theme: Theme, frames: ArrayLike, index: ArrayLike) -> list[TextLine]:
    """Write at the left of each row of tiles, frames (N, 3, 2), the number of its first map.

    Parameters
    ----------
    theme : Theme
    frames : array_like, shape (N, 3, 2)
    index : array_like of int, shape (N,)
        Maps that the tiles show.
    """
    frames, index = np.asarray(frames, float), np.asarray(index)
    left, middle = frames[:, 0, 0], (frames[:, 0, 1] + frames[:, 2, 1]) / 2
    return [
        text_line(str(index[k] + 1), LABEL, theme.rgb("muted"), at=(left[k] - NUMBER_GAP, middle[k]), align=(1, 0))
        for k in np.flatnonzero(left <= left.min() + 1e-6)
    ]


def max_tiles(area: Area, size: tuple[int, int], side: float = MIN_TILE, gap: float = TILE_GAP) -> int:
    """Return how many tiles whose longer side is `side` fit into an area."""
    h, w = side * size[0] / max(size), side * size[1] / max(size)
    return max(1, int((area.width + gap) / (w + gap))) * max(1, int((area.height + gap) / (h + gap)))


def ring(
    theme: Theme, frame: ArrayLike, size: tuple[int, int] = (1, 1), rows: ArrayLike = (0,), columns: ArrayLike = (0,),
    role: str = "emphasis", width: float = 2.5,
) -> Rectangles:  # fmt: skip
    """Outline consecutive rows and columns of an image, as far as they are inside.

    Parameters
    ----------
    theme : Theme
    frame : array_like, shape (3, 2)
    size : (int, int)
        Rows and columns of the image.
    rows, columns : array_like of int
    role : str
        Of the colour.
    width : float
        In pixels.
    """
    return Rectangles(ring_corners(frame, size, rows, columns), line=[*theme.rgb(role), 1.0], width=width, z_index=2)


def ring_corners(frame: ArrayLike, size: tuple[int, int], rows: ArrayLike, columns: ArrayLike) -> NDArray[np.float64]:
    """Return lower left and upper right corner (1, 2, 2) of some rows and columns of an image."""
    origin, right, down = np.asarray(frame, float)
    across, along = (right - origin) / size[1], (down - origin) / size[0]
    x = np.clip([np.min(columns), np.max(columns) + 1], 0, size[1])
    y = np.clip([np.min(rows), np.max(rows) + 1], 0, size[0])
    return np.array([[origin + across * x[0] + along * y[1], origin + across * x[1] + along * y[0]]])


def value_cells(
    theme: Theme, values: ArrayLike, area: Area, limit: float, signed: bool, texts: Sequence[str] = ()
) -> NumberCells:
    """Draw values (H, W) as square cells with their numbers, as large as fit into an area.

    Parameters
    ----------
    theme : Theme
    values : array_like, shape (H, W)
    area : Area
    limit : float
        Value of the full colour.
    signed : bool
        Whether the colours are those of signed values.
    texts : sequence of str
        Numbers in the cells, by rows; default: the values with two digits.
    """
    values = np.asarray(values, dtype=float)
    rgb = (theme.signed_colors if signed else theme.activation_colors)(values / (limit or 1.0))
    texts = list(texts) or [format_number(v) for v in values.ravel()]
    return NumberCells(theme, rgb, texts, area.fit(*values.shape[::-1]), values)


def hatching(theme: Theme, frames: ArrayLike) -> Edges:
    """Draw three slanting lines over each of some frames (N, 3, 2): maps that are 0 everywhere."""
    frames = np.asarray(frames, float)
    starts, ends = [], []
    for origin, right, down in frames:
        across, along = right - origin, down - origin
        for a, b in (((0, 0.5), (0.5, 0)), ((0, 1), (1, 0)), ((0.5, 1), (1, 0.5))):
            starts.append(origin + a[0] * across + a[1] * along)
            ends.append(origin + b[0] * across + b[1] * along)
    return Edges(np.array(starts), np.array(ends), [*theme.rgb("faint"), 1.0], 1.5)

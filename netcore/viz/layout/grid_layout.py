"""Sizes and positions of images in grids and stacks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netcore.viz.layout.area import Area

MAX_CELL = 26.0  # side of a cell, in units
LOSS = 0.92  # of the height of tiles, if one more then fits
Size = tuple[int, int]  # rows and columns of one map, in pixels


def pixel_frames(
    of: NDArray[np.float64], size: Size, which: NDArray[np.int_], pixel: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Return frames (N, 3, 2) of pixel `pixel` (row-major) of map `which`; -1: the whole map."""
    y, x = np.divmod(np.maximum(pixel, 0), size[1])
    parts = np.where(pixel[:, None] < 0, 1, [[size[1], size[0]]])
    across, down = ((of[which, k] - of[which, 0]) / parts[:, k - 1, None] for k in (1, 2))
    corner = of[which, 0] + across * x[:, None] + down * y[:, None]
    return np.stack([corner, corner + across, corner + down], axis=1)


def nearest_index(count: int, size: int) -> NDArray[np.int_]:
    """Return, for each of `size` screen pixels, the nearest of `count` array cells: int (size,)."""
    return ((np.arange(size) + 0.5) * count / size).astype(int)


def best_column_count(n: int, size_in: Callable[[int], float]) -> int:
    """Return the number of columns with the largest images; among nearly equal ones, with the fewest empty cells."""
    largest = max(size_in(c) for c in range(1, n + 1))
    return min((c for c in range(1, n + 1) if size_in(c) >= 0.9 * largest), key=lambda c: (-n % c, -size_in(c)))


def fit_tiles(count: int, shape: float, size: tuple[float, float], gap: float, least: float) -> int:
    """Return how many tiles are shown: all of `count` if they fit, or as many as fit in a size with a least height.

    Parameters
    ----------
    count : int
    shape : float
        Height of a tile, relative to its width.
    size : (float, float)
        Width and height of the whole.
    gap, least : float
        Distance of tiles, and the least height of one.
    """
    wide, tall = size
    for rows in range(1, max(1, int((tall + gap) / (least + gap))) + 1):
        side = LOSS * (tall - (rows - 1) * gap) / rows
        shown = rows * max(1, int((wide + gap) / (side / shape + gap)))
        if shown >= count:
            return count
    return shown


def cells_per_pixel(size: float, gap: float) -> tuple[int, float]:
    """Return array cells per image pixel, none wider than the gap, and their size in screen pixels.

    `size` is rounded to a whole number of screen pixels if this costs less than an eighth of it.
    """
    if size >= 1 and np.floor(size) > 0.88 * size:
        size = float(np.floor(size))
    if not gap:
        return 1, size
    repeat = int(np.ceil(size / gap))
    if size == np.floor(size) and size >= repeat:
        size = float(size // repeat * repeat)
    return repeat, size / repeat


def cell_size(count: int, wide: float, tall: float) -> tuple[float, float]:
    """Return side and gap of cells: the largest at which all fit, 3 to `MAX_CELL` units."""
    gap = 2.0
    size = MAX_CELL
    while size > 3 and int((wide + gap) / (size + gap)) * int((tall + gap) / (size + gap)) < count:
        size -= 0.5
    return size, gap


FOLLOWED_SHARE = 0.5  # of the height of a grid, that the tile followed takes if there are many
TILE_GAP = 0.07  # between tiles, as a share of their pitch


def followed_frames(area: Area, count: int, size: Size, gap: float = TILE_GAP) -> np.ndarray:
    """Return frames (N, 3, 2) of tiles in an area, the first enlarged at the upper left, the others row by row.

    Parameters
    ----------
    area : Area
    count : int
    size : (int, int)
        Rows and columns of a tile, which set its shape.
    gap : float
        Between tiles, as a share of their pitch.
    """
    shape = size[0] / size[1]
    for columns in range(1, count + 1):
        pitch = area.width / columns
        rows = int(area.height / (pitch * shape) + 1e-9)
        if rows == 0:
            columns, rows = 1, 1
            pitch = min(area.width, area.height / shape)
            if count > 1:
                continue
        large = max(1, min(round(FOLLOWED_SHARE * rows), columns))
        if columns * rows - large**2 >= count - 1:
            while columns > large and (columns - 1) * rows - large**2 >= count - 1:
                columns -= 1  # fuller rows
            pitch = min(area.width / columns, area.height / rows / shape)
            return _followed(area, count, pitch, shape, columns, large, gap)
    pitch = min(area.width / count, area.height / shape)
    return _followed(area, count, pitch, shape, count, 1, gap)


def _followed(area: Area, count: int, pitch: float, shape: float, columns: int, large: int, gap: float) -> np.ndarray:
    """Frames on a lattice of `columns`, centred in the area."""
    cells = [(r, c) for r in range(count + large) for c in range(columns) if r >= large or c >= large][: count - 1]
    used_rows = max([large, *(r + 1 for r, _ in cells)])
    used_columns = max([large, *(c + 1 for _, c in cells)])
    step = np.array([pitch, -pitch * shape])
    start = np.add(area.center, -step * [used_columns, used_rows] / 2)
    places = np.array([(0, 0), *((c, r) for r, c in cells)], float)
    sides = np.array([large, *[1] * (count - 1)], float)
    corners = start + (places + gap / 2) * step
    across = np.column_stack([(sides - gap) * pitch, np.zeros(count)])
    down = np.column_stack([np.zeros(count), -(sides - gap) * pitch * shape])
    return np.stack([corners, corners + across, corners + down], axis=1)


def pixel_corners(frame: np.ndarray, size: Size, rows: tuple[float, float], columns: tuple[float, float]) -> np.ndarray:
    """Return lower left and upper right corner (2, 2) of pixels in an upright image.

    Parameters
    ----------
    frame : ndarray, shape (3, 2)
    size : (int, int)
        Rows and columns of the image.
    rows, columns : (float, float)
        First and, not included, last.
    """
    across, down = (frame[1] - frame[0]) / size[1], (frame[2] - frame[0]) / size[0]
    low = frame[0] + across * columns[0] + down * rows[1]
    return np.stack([low, frame[0] + across * columns[1] + down * rows[0]])

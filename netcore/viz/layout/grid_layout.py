"""Sizes and positions of images in grids and stacks."""

from collections.abc import Callable
from math import ceil, sqrt

import numpy as np

from netcore.viz.layout.area import Area

Size = tuple[int, int]  # rows and columns of one map, in pixels


def frames_at(corners: np.ndarray, size: Size, unit: float) -> np.ndarray:
    """Return frames (N, 3, 2) of maps with the given upper left corners (N, 2)."""
    across, down = np.array([size[1] * unit, 0.0]), np.array([0.0, -size[0] * unit])
    return np.stack([corners, corners + across, corners + down], axis=1)


def max_pixel_size(count: int, size: Size, side: float, gap: float) -> float:
    """Return the largest pixel size at which `count` maps fit into a square of `side`."""
    columns = ceil(sqrt(count))
    return (side - (columns - 1) * gap) / columns / max(size)


def grid_frames(count: int, size: Size, center: tuple[float, float], unit: float, gap: float) -> np.ndarray:
    """Return frames (N, 3, 2) in a square grid, row by row, centred at `center`."""
    columns = ceil(sqrt(count))
    rows = ceil(count / columns)
    step = np.array([size[1] * unit + gap, -(size[0] * unit + gap)])
    first = np.array(center) - (step * [columns, rows] - [gap, -gap]) / 2
    y, x = np.divmod(np.arange(count), columns)
    return frames_at(first + np.column_stack([x, y]) * step, size, unit)


def free_cell(count: int, size: Size, center: tuple[float, float], unit: float, gap: float) -> np.ndarray | None:
    """Return the centre (2,) of the cell after the last map, None if the last row is full."""
    columns = ceil(sqrt(count))
    if count % columns == 0:
        return None
    one = grid_frames(count, size, center, unit, gap)[-1]
    return (one[1] + one[2]) / 2 + [size[1] * unit + gap, 0]


def cascade(count: int, size: Size, center: tuple[float, float], unit: float, seen: int, offset: float) -> np.ndarray:
    """Return frames of maps one behind another, each `offset` further to the upper right, up to `seen` of them."""
    depth = np.minimum(np.arange(count), seen - 1)
    middle = (min(count, seen) - 1) / 2
    first = np.add(center, [-size[1] * unit / 2, size[0] * unit / 2])
    return frames_at(first + (depth - middle)[:, None] * offset, size, unit)


def stacked_frames(
    count: int, size: Size, center: tuple[float, float], unit: float, seen: int, gap: float
) -> np.ndarray:
    """Return frames of maps one below another; all after the first `seen` share the last frame."""
    place = np.minimum(np.arange(count), seen - 1)
    step = size[0] * unit + gap
    top = center[1] + (min(count, seen) * step - gap) / 2
    left = center[0] - size[1] * unit / 2
    return frames_at(np.column_stack([np.full(count, left), top - place * step]), size, unit)


def row_bands(of: np.ndarray, rows: int, first: float, count: float) -> np.ndarray:
    """Return lower left and upper right corners (N, 2, 2) of rows `first` to `first + count` of each map."""
    down = (of[:, 2] - of[:, 0]) / rows
    return np.stack([of[:, 0] + down * (first + count), of[:, 1] + down * first], axis=1)


def window_lines(of: np.ndarray, size: Size, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends (M, 2) of lines between windows of `step` pixels."""
    across, down = (of[:, 1] - of[:, 0]) / size[1], (of[:, 2] - of[:, 0]) / size[0]
    starts, ends = [], []
    for x in range(step, size[1], step):
        starts.append(of[:, 0] + across * x)
        ends.append(of[:, 2] + across * x)
    for y in range(step, size[0], step):
        starts.append(of[:, 0] + down * y)
        ends.append(of[:, 1] + down * y)
    none = np.zeros((0, 2))
    return np.concatenate(starts or [none]), np.concatenate(ends or [none])


def pixel_frames(of: np.ndarray, size: Size, which: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """Return frames (N, 3, 2) of pixel `pixel` (row-major) of map `which`; -1: the whole map."""
    y, x = np.divmod(np.maximum(pixel, 0), size[1])
    parts = np.where(pixel[:, None] < 0, 1, [[size[1], size[0]]])
    across, down = ((of[which, k] - of[which, 0]) / parts[:, k - 1, None] for k in (1, 2))
    corner = of[which, 0] + across * x[:, None] + down * y[:, None]
    return np.stack([corner, corner + across, corner + down], axis=1)


def nearest_index(count: int, size: int) -> np.ndarray:
    """Return, for each of `size` screen pixels, the nearest of `count` array cells: int (size,)."""
    return ((np.arange(size) + 0.5) * count / size).astype(int)


def _columns(n: int, size_in: Callable[[int], float]) -> int:
    """Return the number of columns with the largest images; among nearly equal ones, with the fewest empty cells."""
    largest = max(size_in(c) for c in range(1, n + 1))
    return min((c for c in range(1, n + 1) if size_in(c) >= 0.9 * largest), key=lambda c: (-n % c, -size_in(c)))


def _cells(size: float, gap: float) -> tuple[int, float]:
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


CELL = 26.0  # maximum side of a vector's cell, in units


def _cell(count: int, wide: float, tall: float) -> tuple[float, float]:
    """Return side and gap of a vector's cells: the largest at which all fit, 3 to `CELL` units."""
    gap = 2.0
    size = CELL
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

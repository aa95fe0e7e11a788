"""Sizes and positions of images in grids and stacks."""

from collections.abc import Callable
from math import ceil, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_CELL = 26.0  # side of a cell, in units

Size = tuple[int, int]  # rows and columns of one map, in pixels


def frames_at(corners: ArrayLike, size: Size, unit: float) -> NDArray[np.float64]:
    """Return frames (N, 3, 2) of maps with the given upper left corners (N, 2)."""
    corners = np.asarray(corners, dtype=float)
    across, down = np.array([size[1] * unit, 0.0]), np.array([0.0, -size[0] * unit])
    return np.stack([corners, corners + across, corners + down], axis=1)


def max_pixel_size(count: int, size: Size, side: float, gap: float) -> float:
    """Return the largest pixel size at which `count` maps fit into a square of `side`."""
    columns = ceil(sqrt(count))
    return (side - (columns - 1) * gap) / columns / max(size)


def grid_frames(count: int, size: Size, center: tuple[float, float], unit: float, gap: float) -> NDArray[np.float64]:
    """Return frames (N, 3, 2) in a square grid, row by row, centred at `center`."""
    columns = ceil(sqrt(count))
    rows = ceil(count / columns)
    step = np.array([size[1] * unit + gap, -(size[0] * unit + gap)])
    first = np.array(center) - (step * [columns, rows] - [gap, -gap]) / 2
    y, x = np.divmod(np.arange(count), columns)
    return frames_at(first + np.column_stack([x, y]) * step, size, unit)


def free_cell(
    count: int, size: Size, center: tuple[float, float], unit: float, gap: float
) -> NDArray[np.float64] | None:
    """Return the centre (2,) of the cell after the last map, None if the last row is full."""
    columns = ceil(sqrt(count))
    if count % columns == 0:
        return None
    one = grid_frames(count, size, center, unit, gap)[-1]
    return (one[1] + one[2]) / 2 + [size[1] * unit + gap, 0]


def cascade(
    count: int, size: Size, center: tuple[float, float], unit: float, seen: int, offset: float
) -> NDArray[np.float64]:
    """Return frames of maps one behind another, each `offset` further to the upper right, up to `seen` of them."""
    depth = np.minimum(np.arange(count), seen - 1)
    middle = (min(count, seen) - 1) / 2
    first = np.add(center, [-size[1] * unit / 2, size[0] * unit / 2])
    return frames_at(first + (depth - middle)[:, None] * offset, size, unit)


def stacked_frames(
    count: int, size: Size, center: tuple[float, float], unit: float, seen: int, gap: float
) -> NDArray[np.float64]:
    """Return frames of maps one below another; all after the first `seen` share the last frame."""
    place = np.minimum(np.arange(count), seen - 1)
    step = size[0] * unit + gap
    top = center[1] + (min(count, seen) * step - gap) / 2
    left = center[0] - size[1] * unit / 2
    return frames_at(np.column_stack([np.full(count, left), top - place * step]), size, unit)


def row_bands(of: NDArray[np.float64], rows: int, first: float, count: float) -> NDArray[np.float64]:
    """Return lower left and upper right corners (N, 2, 2) of rows `first` to `first + count` of each map."""
    down = (of[:, 2] - of[:, 0]) / rows
    return np.stack([of[:, 0] + down * (first + count), of[:, 1] + down * first], axis=1)


def window_lines(of: NDArray[np.float64], size: Size, step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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

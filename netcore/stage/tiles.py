"""Where feature maps stand: in a square of tiles, in a pile, in a column. Pure geometry, in scene units.

Frames are (N, 3, 2): upper left, upper right and lower left corner of each map; `unit` is the side of its pixels.
"""

from math import ceil, sqrt

import numpy as np

Size = tuple[int, int]  # rows and columns of one map, in pixels


def frames(corners: np.ndarray, size: Size, unit: float) -> np.ndarray:
    """Frames (N, 3, 2) of maps whose upper left corners are given (N, 2)."""
    across, down = np.array([size[1] * unit, 0.0]), np.array([0.0, -size[0] * unit])
    return np.stack([corners, corners + across, corners + down], axis=1)


def largest_unit(count: int, size: Size, side: float, gap: float) -> float:
    """How large a pixel may be for `count` maps to fit into a square of `side`."""
    columns = ceil(sqrt(count))
    return (side - (columns - 1) * gap) / columns / max(size)


def tiles(count: int, size: Size, centre: tuple[float, float], unit: float, gap: float) -> np.ndarray:
    """As many columns as rows, line by line, the whole in the middle of `centre`; the last place may stay free."""
    columns = ceil(sqrt(count))
    rows = ceil(count / columns)
    step = np.array([size[1] * unit + gap, -(size[0] * unit + gap)])
    first = np.array(centre) - (step * [columns, rows] - [gap, -gap]) / 2
    y, x = np.divmod(np.arange(count), columns)
    return frames(first + np.column_stack([x, y]) * step, size, unit)


def free_place(count: int, size: Size, centre: tuple[float, float], unit: float, gap: float) -> np.ndarray | None:
    """The middle (2,) of the place after the last tile, or None where the square is full."""
    columns = ceil(sqrt(count))
    if count % columns == 0:
        return None
    one = tiles(count, size, centre, unit, gap)[-1]
    return (one[1] + one[2]) / 2 + [size[1] * unit + gap, 0]


def pile(count: int, size: Size, centre: tuple[float, float], unit: float, seen: int, offset: float) -> np.ndarray:
    """One behind the other, the first in front, each `offset` further up to the right; those after `seen` together."""
    depth = np.minimum(np.arange(count), seen - 1)
    middle = (min(count, seen) - 1) / 2
    first = np.add(centre, [-size[1] * unit / 2, size[0] * unit / 2])
    return frames(first + (depth - middle)[:, None] * offset, size, unit)


def stack(count: int, size: Size, centre: tuple[float, float], unit: float, seen: int, gap: float) -> np.ndarray:
    """One under the other, the first at the top; all after `seen` lie behind the last."""
    place = np.minimum(np.arange(count), seen - 1)
    step = size[0] * unit + gap
    top = centre[1] + (min(count, seen) * step - gap) / 2
    left = centre[0] - size[1] * unit / 2
    return frames(np.column_stack([np.full(count, left), top - place * step]), size, unit)


def bands(of: np.ndarray, rows: int, first: float, count: float) -> np.ndarray:
    """Corners (N, 2, 2), lower left and upper right, of `count` rows from row `first` on, of maps with `rows` rows."""
    down = (of[:, 2] - of[:, 0]) / rows
    return np.stack([of[:, 0] + down * (first + count), of[:, 1] + down * first], axis=1)


def window_lines(of: np.ndarray, size: Size, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends (M, 2) of the lines that part maps into windows of `step` pixels."""
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


def pixels_in(of: np.ndarray, size: Size, which: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """Frames (N, 3, 2) of single pixels: `which` map, and `pixel` counted along its rows, -1 for the whole map."""
    y, x = np.divmod(np.maximum(pixel, 0), size[1])
    parts = np.where(pixel[:, None] < 0, 1, [[size[1], size[0]]])
    across, down = ((of[which, k] - of[which, 0]) / parts[:, k - 1, None] for k in (1, 2))
    corner = of[which, 0] + across * x[:, None] + down * y[:, None]
    return np.stack([corner, corner + across, corner + down], axis=1)

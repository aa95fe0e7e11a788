"""Boxes whose volume is a count of numbers, in oblique projection."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLANT = (0.38, 0.26)  # right and up, of a cell in depth
MIN_SIDE = 0.05  # that a side is drawn with, however small
MIN_CELL_SHARE = 0.6  # of the cell without depth, that the true depth may cost
DEPTHS = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125)  # factors of all depths
Shape = tuple[int, int, int]  # channels, rows, columns


@dataclass(frozen=True)
class BoxScale:
    """Size of one number.

    Attributes
    ----------
    cell : float
        Side of a cell in front.
    depth : float
        Factor of all depths.
    """

    cell: float
    depth: float = 1.0

    def extent(self, shape: Shape) -> NDArray[np.float64]:
        """Return width and height of the front, and of the slanted sides: (4,)."""
        c, h, w = shape
        front = max(w * self.cell, MIN_SIDE), max(h * self.cell, MIN_SIDE)
        sides = (max(c * self.cell * self.depth * s, MIN_SIDE * s) if self.depth else 0.0 for s in SLANT)
        return np.array([*front, *sides])

    def faces(self, shape: Shape, x: float, bottom: float) -> NDArray[np.float64]:
        """Return front, top and right side of a box on the ground, its middle at `x`: frames (3, 3, 2)."""
        w, h, dx, dy = self.extent(shape)
        left = x - (w + dx) / 2
        back = np.array([dx, dy])
        low, high = np.array([left, bottom]), np.array([left, bottom + h])
        right = np.array([w, 0.0])
        front = [high, high + right, low]
        top = [high + back, high + right + back, high]
        side = [high + right, high + right + back, low + right]
        return np.array([front, top, side])


def fit_cell(shapes: Sequence[Shape], width: float, height: float, depth: float) -> float:
    """Return the largest cell with which all boxes fit into a width and a height."""
    sizes = (min(width / (w + SLANT[0] * c * depth), height / (h + SLANT[1] * c * depth)) for c, h, w in shapes)
    return min(sizes)


def fit_boxes(shapes: Sequence[Shape], width: float, height: float) -> BoxScale:
    """Return the scale at which all boxes fit; depths are shortened where they would make the boxes tiny."""
    flat = fit_cell(shapes, width, height, 0.0)
    for depth in DEPTHS:
        cell = fit_cell(shapes, width, height, depth)
        if cell >= MIN_CELL_SHARE * flat:
            break
    return BoxScale(cell, depth)


def fold_vector(size: int, cell: float, width: float, height: float) -> Shape:
    """Fold a vector into upright columns side by side, and into sheets one behind another where those do not fit."""
    for share_y, share_x in ((1.0, 1.0), (0.8, 0.7)):  # several sheets need room for their depth
        rows = min(size, max(1, int(share_y * height / cell + 1e-6)))
        rows = max((n for n in range(max(1, rows // 2), rows + 1) if size % n == 0), default=rows)  # full columns
        columns = min(math.ceil(size / rows), max(1, int(share_x * width / cell + 1e-6)))
        if rows * columns >= size:
            break
    return math.ceil(size / (rows * columns)), rows, columns


def fold_shapes(
    shapes: Sequence[tuple[int, ...]], width: float, height: float, rounds: int = 3
) -> tuple[list[Shape], BoxScale]:
    """Make a box of each shape, vectors folded so that all fit into a width and a height.

    Parameters
    ----------
    shapes : sequence of tuple of int
        (channels, rows, columns), (rows, columns) or (size,).
    width, height : float
        Room for each.
    rounds : int
        Folds are tried again at the scale that the last ones gave.

    Returns
    -------
    boxes : list of (int, int, int)
    scale : BoxScale
    """
    solid = [as_box(shape) for shape in shapes if len(shape) > 1]
    scale = fit_boxes(solid, width, height)
    for _ in range(rounds):
        boxes = [as_box(s) if len(s) > 1 else fold_vector(s[0], scale.cell, width, height) for s in shapes]
        scale = fit_boxes(boxes, width, height)
    return boxes, scale


def as_box(shape: tuple[int, ...]) -> Shape:
    """Return a shape of two or three axes as channels, rows, columns."""
    return (1, shape[-2], shape[-1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])

"""A frame around pixels of an image."""

import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from netcore.viz.mpl.image_grid import ImageGrid


class PixelFrame:
    """A frame around pixels of an image of a grid.

    Parameters
    ----------
    grid : ImageGrid
    color : str
    """

    def __init__(self, grid: ImageGrid, color: str) -> None:
        self.grid = grid
        self.patch = Rectangle((0, 0), 1, 1, facecolor="none", edgecolor=color, linewidth=1.5, clip_on=False)
        grid.ax.add_patch(self.patch)

    def move(self, image: int, rows: ArrayLike, columns: ArrayLike) -> Rectangle:
        """Frame rows and columns of an image."""
        y, x = self.grid.corner(image)
        (top, bottom), (left, right) = ((np.min(a), np.max(a) + 1) for a in (rows, columns))
        repeat = self.grid.repeat
        self.patch.set_xy((x + left * repeat - 0.5, y + top * repeat - 0.5))
        self.patch.set_width((right - left) * repeat)
        self.patch.set_height((bottom - top) * repeat)
        return self.patch

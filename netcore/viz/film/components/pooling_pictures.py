"""Images and their difference as tiles."""

import numpy as np
from numpy.typing import NDArray

from netcore.viz.colors import image_colors
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import TILE_GAP
from netcore.viz.theme import Theme

FULL = 255  # of a pixel


def picture_grid(
    theme: Theme, pixels: NDArray[np.uint8], area: Area, title: str, scale: bool = False, gap: float = TILE_GAP
) -> MapGrid:
    """Make the tile of an image (C, H, W); a gray one may have a scale."""
    values = pixels.mean(0, keepdims=True)
    ends = (0.0, float(FULL)) if scale and len(pixels) == 1 else None
    rgb = image_colors(theme, pixels)[None]
    return MapGrid(theme, values, area, [0], title, rgb=rgb, signed=False, ends=ends, gap=gap)


def difference_grid(theme: Theme, before: NDArray[np.uint8], after: NDArray[np.uint8], area: Area) -> MapGrid:
    """Make the tile of the difference of two images (C, H, W), the mean over their colors."""
    values = after.mean(0, keepdims=True) - before.mean(0, keepdims=True)
    return MapGrid(theme, values, area, [0], "difference", vmax=float(FULL), signed=True)

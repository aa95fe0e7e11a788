"""A picture or map with the rim that padding adds."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.components.feature_maps import FeatureMaps
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.layout.area import Area
from netcore.viz.layout.grid_layout import pixel_corners
from netcore.viz.theme import Theme

MAX_CELLS = 400  # of a rim that are outlined one by one

Pads = tuple[tuple[int, int], tuple[int, int]]  # rows above and below, columns at the left and right


class PaddedGrid(MapGrid):
    """One tile, with room around it for the rim of padding, which `show_rim` lets appear.

    Parameters
    ----------
    theme : Theme
    values : array_like, shape (1, H, W)
    area : Area
    pads : ((int, int), (int, int))
        Rows above and below, columns at the left and right.
    padded : array_like, shape (rows, columns, 3)
        Colours of the tile with its rim.
    **keys
        Of `MapGrid`.
    """

    def __init__(self, theme: Theme, values: ArrayLike, area: Area, pads: Pads, padded: ArrayLike, **keys: Any) -> None:
        self.pads = pads
        super().__init__(theme, values, area, [0], **keys)
        self.rim = [
            FeatureMaps(np.asarray(padded, float)[None], self.outer_frame(area)[None], z_index=-1),
            Rectangles(self._rim_cells(area), line=[*theme.rgb("muted"), 1.0], width=1.0, z_index=-0.5),
        ]

    def frames(self, area: Area) -> NDArray[np.float64]:
        """Frame (1, 3, 2) of the tile without its rim."""
        (top, _), (left, _) = self.pads
        h, w = self.size
        box = self._outer(area)
        side = box.width / (w + sum(self.pads[1]))
        x, y = box.left + left * side, box.top - top * side
        return np.array([[[x, y], [x + w * side, y], [x, y - h * side]]])

    def outer_frame(self, area: Area) -> NDArray[np.float64]:
        """Frame (3, 2) of the tile with its rim."""
        return self._outer(area).frame[0]

    def show_rim(self, delay: float = 0.0) -> list[Animate]:
        """Let the rim appear."""
        return fade_in(self.rim, delay) if any(map(sum, self.pads)) else []

    def _outer(self, area: Area) -> Area:
        h, w = self.size
        rows, columns = map(sum, self.pads)
        return self.tiles(area).fit(w + columns, h + rows)

    def _box(self, area: Area) -> Area:
        box, outer = super()._box(area), self._outer(area)
        return Area(min(box.left, outer.left), outer.bottom, max(box.right, outer.right), outer.top)

    def _rim_cells(self, area: Area) -> NDArray[np.float64]:
        """Corners (N, 2, 2) of the cells of the rim, or of its four sides if there are many."""
        (top, bottom), (left, right) = self.pads
        h, w = self.size
        rows, columns = range(-top, h + bottom), range(-left, w + right)
        cells = [(r, r + 1, c, c + 1) for r in rows for c in columns if not (0 <= r < h and 0 <= c < w)]
        if len(cells) > MAX_CELLS:
            cells = [(-top, h + bottom, -left, w + right), (0, h, 0, w)]
        frame = self.frames(area)[0]
        corners = [pixel_corners(frame, self.size, (a, b), (c, d)) for a, b, c, d in cells]
        return np.array(corners).reshape(-1, 2, 2) if corners else np.zeros((1, 2, 2))

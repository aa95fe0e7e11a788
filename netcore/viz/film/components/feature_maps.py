"""Feature maps as mobjects, drawn pixel by pixel, and their colours."""

from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.base_mobject import PIXEL
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.layout.grid_layout import pixel_corners
from netcore.viz.theme import Theme

LINE = 0.38  # height of the title above the tiles, and of the scale below
APPEAR, CHANGE, TRAVEL = 0.3, 0.6, 0.8  # seconds


class FeatureMaps(PixelImages):
    """Images of one size, the first in front, drawn pixel by pixel along the rows.

    Parameters
    ----------
    rgb : array_like, shape (N, H, W, 3)
    frames : array_like, shape (N, 3, 2)
    values : array_like, shape (N, H, W)
        What the colours stand for.
    vmax : float
        Value of the full colour.
    **keys
        Of `PixelImages`.

    Attributes
    ----------
    first, last : float
        Pixels from `first` up to `last`, as fractions of all, are drawn.
    """

    def __init__(
        self, rgb: ArrayLike, frames: ArrayLike, values: ArrayLike = (), vmax: float = 1.0, **keys: Any
    ) -> None:
        super().__init__(rgb, frames, **keys)
        self.values, self.vmax = np.asarray(values, dtype=float), float(vmax)
        self.first, self.last = 0.0, 1.0
        self._bytes: tuple[Any, NDArray[Any]] = (None, np.zeros(0))

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        return int(self.rgb.shape[1]), int(self.rgb.shape[2])

    def draw(self, ctx: cairo.Context) -> None:
        """Draw the pixels from `first` to `last` of each, and its outline."""
        n, h, w, _ = self.rgb.shape
        if self._bytes[0] is not self.rgb:
            bytes_ = np.full((n, h, w, 4), 255, dtype=np.uint8)
            bytes_[..., :3] = np.clip(np.rint(self.rgb * 255), 0, 255)
            self._bytes = self.rgb, bytes_
        for image, (origin, right, down) in list(zip(self._bytes[1], self.corners(), strict=True))[::-1]:
            self._image(ctx, image, origin, (right - origin) / w, (down - origin) / h)
            if self.outline is not None:
                for x, y in (origin, right, right + down - origin, down):
                    ctx.line_to(x, y)
                ctx.close_path()
                ctx.set_line_width(self.width_px * PIXEL)
                self.set_source(ctx, self.outline)
                ctx.stroke()

    def _image(
        self,
        ctx: cairo.Context,
        image: NDArray[np.uint8],
        origin: NDArray[np.float64],
        across: NDArray[np.float64],
        down: NDArray[np.float64],
    ) -> None:
        h, w, _ = image.shape
        parts = reveal_boxes(self.first, self.last, h, w)
        if not parts or abs(across[0] * down[1] - across[1] * down[0]) < 1e-12:
            return
        ctx.save()
        ctx.transform(cairo.Matrix(*across, *down, *origin))
        ctx.set_source_surface(cairo.ImageSurface.create_for_data(image.data, cairo.FORMAT_ARGB32, w, h))
        fine = min(abs(across).max(), abs(down).max()) < PIXEL * 0.9
        ctx.get_source().set_filter(cairo.FILTER_GOOD if fine else cairo.FILTER_NEAREST)
        for box in parts:
            ctx.rectangle(*box)
        ctx.clip()
        ctx.paint_with_alpha(self.opacity)
        ctx.restore()

    def pixel(self, row: int, column: int, tile: int = 0) -> NDArray[np.float64]:
        """Lower left and upper right corner (2, 2) of a pixel."""
        return pixel_corners(self.corners()[tile], self.size, (row, row + 1), (column, column + 1))


def reveal_boxes(first: float, last: float, rows: int, columns: int) -> list[tuple[float, float, float, float]]:
    """Rectangles (x, y, width, height) of the pixels between two fractions of an image, along the rows."""
    a, b = (int(np.floor(v * rows * columns + 1e-6)) for v in (first, last))
    out = []
    while a < b:
        row, column = divmod(a, columns)
        if column == 0 and b - a >= columns:
            whole = (b - a) // columns
            out.append((0.0, float(row), float(columns), float(whole)))
            a += whole * columns
        else:
            end = min(b, (row + 1) * columns)
            out.append((float(column), float(row), float(end - a), 1.0))
            a = end
    return out


def map_rgb(theme: Theme, values: ArrayLike, vmax: float, signed: bool) -> NDArray[np.float64]:
    """Colours (…, 3) of values: by sign, or from ground to ink."""
    return (theme.signed_colors if signed else theme.activation_colors)(np.asarray(values, float) / vmax)


def abs_max(values: ArrayLike) -> float:
    """Largest magnitude, 1 if there is none."""
    return float(np.abs(np.asarray(values, float)).max(initial=0.0)) or 1.0

"""Many images drawn as one artist: maps, kernels, digits, weights."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D, IdentityTransform

from netcore.viz.layout.grid_layout import _cells, _columns, nearest_index
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import sequential
from netcore.viz.mpl.style import FIGURE_WIDTH, ThemedFigure

FINE = 2  # pixels of an SVG's or PDF's images for one on the screen


class PixelImage(AxesImage):
    """An image whose pixels are squares of whole screen pixels, several times faster than Matplotlib's resampling.

    What is smaller than a screen pixel is averaged by Matplotlib. SVG and PDF get each pixel as a square of many, since
    what shows them may smooth an image that it enlarges.
    """

    def make_image(self, renderer: Any, magnification: float = 1.0, unsampled: bool = False) -> tuple:
        array = self.get_array()
        place = self.axes.get_window_extent(renderer)
        wide, tall = round(place.width), round(place.height)
        if unsampled:
            rgba, left, bottom, transform = super().make_image(renderer, magnification, unsampled)
            times = -(-FINE * wide // array.shape[1])
            large = rgba.repeat(times, 0).repeat(times, 1)
            return large, left, bottom, Affine2D().scale(1 / times) + transform
        if magnification != 1.0:
            return super().make_image(renderer, magnification, unsampled)
        if wide < array.shape[1] or tall < array.shape[0]:
            self.set_interpolation("antialiased")
            out = super().make_image(renderer, magnification, unsampled)
            self.set_interpolation("none")
            return out
        small = self.to_rgba(array, bytes=True).view(np.uint32)[..., 0]
        rows = nearest_index(array.shape[0], tall)[::-1]  # renderers take the lowest row first
        columns = nearest_index(array.shape[1], wide)
        large = np.take(np.take(small, columns, 1), rows, 0)  # (tall, wide), contiguous
        return large.view(np.uint8).reshape(tall, wide, 4), round(place.x0), round(place.y0), IdentityTransform()


def show_pixels(ax: Axes, array: np.ndarray, cmap: Any = None, low: float = 0.0, high: float = 1.0) -> PixelImage:
    """Fill axes with an image, values (H, W) coloured by `cmap` from `low` to `high` or uint8 (H, W, 3); no frame."""
    height, width = array.shape[:2]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    image = PixelImage(ax, cmap=cmap, norm=Normalize(low, high), extent=extent, interpolation="none")
    image.set_data(array)
    image.set_clip_path(ax.patch)
    ax.add_image(image)
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.axis("off")
    return image


class ImageGrid:
    """Many images of one shape as a single image artist, with gaps in the ground colour.

    Made by `image_grid`. ``image`` is the artist; ``set(images)`` shows others; ``tiles()`` reads them back from it.

    Parameters
    ----------
    ax : Axes
    images : float (N, H, W)
        or uint8 (N, H, W, 3), drawn in their own colours.
    columns : int
    repeat : int
        Array cells an image pixel is wide, so that gaps can be finer than pixels.
    gaps : tuple of int
        Cells between rows and between columns.
    """

    def __init__(
        self,
        ax: Axes,
        images: np.ndarray,
        columns: int,
        repeat: int,
        gaps: tuple[int, int],
        ground: np.ndarray,
        **settings: Any,
    ) -> None:
        self.ax, self.columns, self.repeat, self.gaps = ax, columns, repeat, gaps
        n, h, w = images.shape[:3]
        self.shape = (n, h, w)
        rows = -(-n // columns)
        size = (rows * (h * repeat + gaps[0]) - gaps[0], columns * (w * repeat + gaps[1]) - gaps[1])
        color = images.ndim == 4
        self._array = np.empty((*size, 3), np.uint8) if color else np.full(size, np.nan, np.float32)
        if color:
            self._array[:] = np.round(ground * 255)
        self._fill(images)
        self.image = show_pixels(ax, self._array, **settings)

    def corner(self, i: int) -> tuple[int, int]:
        """Array row and column of image `i`'s upper left cell (also its data coordinates, less 0.5)."""
        _, h, w = self.shape
        row, column = divmod(i, self.columns)
        return row * (h * self.repeat + self.gaps[0]), column * (w * self.repeat + self.gaps[1])

    def place(self, i: int) -> Box:
        """Where image `i` is, in units."""
        row, column = self.corner(i)
        _, h, w = self.shape
        fig = self.ax.figure
        unit = FIGURE_WIDTH / fig.bbox.width
        frame, cell = self.ax.get_window_extent(), 1 / self.cells_a_unit
        left, top = frame.x0 * unit, (fig.bbox.height - frame.y1) * unit
        return Box(left + column * cell, top + row * cell, w * self.repeat * cell, h * self.repeat * cell)

    def outline(self, which: Iterable[int], color: str, linewidth: float = 1.0) -> PatchCollection:
        """Draw a line around some images, as one artist."""
        _, h, w = self.shape
        pad = linewidth / 2 * self.cells_a_unit
        tall, wide = h * self.repeat + 2 * pad, w * self.repeat + 2 * pad
        corners = [self.corner(i) for i in which]
        patches = [Rectangle((x - 0.5 - pad, y - 0.5 - pad), wide, tall) for y, x in corners]
        lines = PatchCollection(patches, facecolor="none", edgecolor=color, linewidth=linewidth, clip_on=False)
        self.ax.add_collection(lines, autolim=False)
        return lines

    @property
    def cells_a_unit(self) -> float:
        """Array cells (the data coordinates of ``ax``) that one unit is wide."""
        return self._array.shape[1] / self.ax.get_window_extent().width * self.ax.figure.bbox.width / FIGURE_WIDTH

    def _fill(self, images: np.ndarray) -> None:
        r = self.repeat
        _, h, w = self.shape
        for i, sample in enumerate(images):
            y, x = self.corner(i)
            self._array[y : y + h * r, x : x + w * r] = sample.repeat(r, 0).repeat(r, 1)

    def set(self, images: np.ndarray) -> Any:
        """Show other images of the same shape; give the artist."""
        self._fill(images)
        self.image.set_data(self._array)
        return self.image

    def tiles(self) -> np.ndarray:
        """The images as the artist holds them, (N, H, W)."""
        array = np.asarray(self.image.get_array())
        n, h, w = self.shape
        corners = [self.corner(i) for i in range(n)]
        r = self.repeat
        return np.stack([array[y : y + h * r : r, x : x + w * r : r] for y, x in corners])


def image_grid(
    fig: ThemedFigure,
    box: Box,
    images: np.ndarray,
    *,
    columns: int | None = None,
    cmap: Colormap | None = None,
    low: float = 0.0,
    high: float = 1.0,
    gap: float = 4.0,
    align: tuple[float, float] = (0.0, 0.0),
    frame: bool = False,
    pixel: float | None = None,
    lead: float | None = None,
) -> ImageGrid:
    """Draw images as one mosaic inside `box`, as large as fits, its pixels whole numbers of screen pixels.

    Parameters
    ----------
    images : (N, H, W)
        Values, coloured by `cmap` from `low` to `high`; or uint8 (N, H, W, 3).
    columns : int, optional
        As many as make the images largest, unless given.
    gap : float
        Units between images, about.
    align : tuple of float
        Where the mosaic sits in what is left of the box: 0 left or top, 0.5 middle, 1 right or bottom.
    pixel : float, optional
        Units an image pixel is wide; as many as fit, unless given.
    frame : bool
        A hairline around each image, where its edge would not be seen otherwise.
    lead : float, optional
        Units between rows, where these differ from `gap`: room for captions.
    """
    theme = fig.theme
    n, h, w = images.shape[:3]
    lead = gap if lead is None else lead
    scale = fig.bbox.width / FIGURE_WIDTH  # screen pixels a unit

    def size_in(c: int) -> float:  # screen pixels that one image pixel gets with c columns
        rows = -(-n // c)
        across = (box.w - (c - 1) * gap) / (c * w)
        down = (box.h - (rows - 1) * lead) / (rows * h)
        return max(min(across, down) * scale, 1e-3)

    columns = columns or _columns(n, size_in)
    repeat, cell = _cells(pixel * scale if pixel else size_in(columns), gap * scale)
    rows = -(-n // columns)
    for whole in (round, int):  # the gap that was asked for, or a narrower one where that leaves the box
        cells = max(1, whole(gap * scale / cell)) if gap else 0
        leading = cells if lead == gap else max(1, round(lead * scale / cell))
        wide = (columns * (w * repeat + cells) - cells) * cell / scale
        tall = (rows * (h * repeat + leading) - leading) * cell / scale
        if wide <= box.w + 1 and tall <= box.h + 1:
            break
    left = round((box.x + (box.w - wide) * align[0]) * scale) / scale
    top = round((box.y + (box.h - tall) * align[1]) * scale) / scale
    ax = add_axes(fig, Box(left, top, wide, tall))
    settings = {"cmap": cmap or sequential(theme), "low": low, "high": high} if images.ndim == 3 else {}
    out = ImageGrid(ax, images, columns, repeat, (leading, cells), theme.rgb("background"), **settings)
    if frame:
        out.outline(range(n), theme.faint)
    return out


def to_display(pixels: np.ndarray) -> np.ndarray:
    """An image uint8 (C, H, W) as `image_grid` takes it: grey as float (H, W) in [0, 1], colour as uint8 (H, W, 3)."""
    return pixels[0] / 255.0 if len(pixels) != 3 else pixels.transpose(1, 2, 0)

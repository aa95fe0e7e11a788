"""Many images drawn as one artist: maps, kernels, digits, weights."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import PatchCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D, IdentityTransform
from numpy.typing import NDArray

from netcore.viz.layout.grid_layout import best_column_count, cells_per_pixel, nearest_index
from netcore.viz.mpl.axes import add_axes
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import sequential
from netcore.viz.mpl.style import FIGURE_WIDTH, ThemedFigure

VECTOR_SCALE = 2  # resolution of images in SVG and PDF, relative to the screen


class PixelImage(AxesImage):
    """An image drawn by nearest-neighbour lookup, several times faster than Matplotlib's resampling.

    Pixels smaller than a screen pixel are averaged by Matplotlib. In SVG and PDF each pixel is repeated, as viewers
    may smooth an image that they enlarge.
    """

    def make_image(
        self, renderer: RendererBase, magnification: float = 1.0, unsampled: bool = False
    ) -> tuple[Any, ...]:
        """Return RGBA pixels, their position and their transform, as Matplotlib's own method."""
        array = np.asarray(self.get_array())
        place = self.axes.get_window_extent(renderer)
        wide, tall = round(place.width), round(place.height)
        if unsampled:
            rgba, left, bottom, transform = super().make_image(renderer, magnification, unsampled)
            times = -(-VECTOR_SCALE * wide // array.shape[1])
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


def show_pixels(
    ax: Axes, array: NDArray[Any], cmap: Colormap | None = None, vmin: float = 0.0, vmax: float = 1.0
) -> PixelImage:
    """Fill axes with an image: values (H, W) coloured by `cmap`, or uint8 (H, W, 3)."""
    height, width = array.shape[:2]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    image = PixelImage(ax, cmap=cmap, norm=Normalize(vmin, vmax), extent=extent, interpolation="none")
    image.set_data(array)
    image.set_clip_path(ax.patch)
    ax.add_image(image)
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.axis("off")
    return image


class ImageGrid:
    """Many images of one shape as a single image artist, made by `image_grid`.

    Parameters
    ----------
    ax : Axes
    images : ndarray, shape (N, H, W) or (N, H, W, 3)
        Values, or uint8 colours.
    columns : int
        Images per row.
    repeat : int
        Array cells per image pixel, so that gaps can be finer than pixels.
    gaps : (int, int)
        Array cells between rows and between columns.
    background : ndarray, shape (3,)
        Colour of the gaps between coloured images, in [0, 1].
    **settings
        Of `show_pixels`.

    Attributes
    ----------
    image : PixelImage
        The artist.
    """

    def __init__(
        self,
        ax: Axes,
        images: NDArray[Any],
        columns: int,
        repeat: int,
        gaps: tuple[int, int],
        background: NDArray[np.float64],
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
            self._array[:] = np.round(background * 255)
        self._fill(images)
        self.image = show_pixels(ax, self._array, **settings)

    def corner(self, i: int) -> tuple[int, int]:
        """Return array row and column of the upper left cell of image `i`."""
        _, h, w = self.shape
        row, column = divmod(i, self.columns)
        return row * (h * self.repeat + self.gaps[0]), column * (w * self.repeat + self.gaps[1])

    def image_box(self, i: int) -> Box:
        """Return the box of image `i`."""
        row, column = self.corner(i)
        _, h, w = self.shape
        fig = self.ax.figure
        unit = FIGURE_WIDTH / fig.bbox.width
        frame, cell = self.ax.get_window_extent(), 1 / self.cells_per_unit
        left, top = frame.x0 * unit, (fig.bbox.height - frame.y1) * unit
        return Box(left + column * cell, top + row * cell, w * self.repeat * cell, h * self.repeat * cell)

    def outline_images(self, which: Iterable[int], color: str, linewidth: float = 1.0) -> PatchCollection:
        """Outline the images of the given indices, as one artist."""
        _, h, w = self.shape
        pad = linewidth / 2 * self.cells_per_unit
        tall, wide = h * self.repeat + 2 * pad, w * self.repeat + 2 * pad
        corners = [self.corner(i) for i in which]
        patches = [Rectangle((x - 0.5 - pad, y - 0.5 - pad), wide, tall) for y, x in corners]
        lines = PatchCollection(patches, facecolor="none", edgecolor=color, linewidth=linewidth, clip_on=False)
        self.ax.add_collection(lines, autolim=False)
        return lines

    @property
    def cells_per_unit(self) -> float:
        """Array cells (data coordinates of ``ax``) per unit."""
        return self._array.shape[1] / self.ax.get_window_extent().width * self.ax.figure.bbox.width / FIGURE_WIDTH

    def _fill(self, images: NDArray[Any]) -> None:
        r = self.repeat
        _, h, w = self.shape
        for i, sample in enumerate(images):
            y, x = self.corner(i)
            self._array[y : y + h * r, x : x + w * r] = sample.repeat(r, 0).repeat(r, 1)

    def set(self, images: NDArray[Any]) -> PixelImage:
        """Set other images of the same shape and return the artist."""
        self._fill(images)
        self.image.set_data(self._array)
        return self.image

    def images(self) -> NDArray[Any]:
        """Read the images back from the artist: (N, H, W)."""
        array = np.asarray(self.image.get_array())
        n, h, w = self.shape
        corners = [self.corner(i) for i in range(n)]
        r = self.repeat
        return np.stack([array[y : y + h * r : r, x : x + w * r : r] for y, x in corners])


def image_grid(
    fig: ThemedFigure,
    box: Box,
    images: NDArray[Any],
    *,
    columns: int | None = None,
    cmap: Colormap | None = None,
    vmin: float = 0.0,
    vmax: float = 1.0,
    gap: float = 4.0,
    align: tuple[float, float] = (0.0, 0.0),
    frame: bool = False,
    pixel: float | None = None,
    lead: float | None = None,
) -> ImageGrid:
    """Draw images as a grid inside `box`, as large as fits, in whole screen pixels.

    Parameters
    ----------
    fig : ThemedFigure
    box : Box
    images : ndarray, shape (N, H, W) or (N, H, W, 3)
        Values, or uint8 colours.
    columns : int, optional
        Images per row; default: the number with the largest images.
    cmap : Colormap, optional
        Colours of values; default: from background to foreground.
    vmin, vmax : float
        Values at the ends of `cmap`.
    gap : float
        Approximate distance of images, in units.
    align : (float, float)
        Horizontal and vertical position in the box: 0 left or top, 0.5 centre, 1 right or bottom.
    frame : bool
        Whether each image has a hairline around it.
    pixel : float, optional
        Width of an image pixel in units; default: as large as fits.
    lead : float, optional
        Distance of rows in units, for captions; default: `gap`.

    Returns
    -------
    ImageGrid
    """
    theme = fig.theme
    scale = fig.bbox.width / FIGURE_WIDTH  # screen pixels per unit
    cells = _fit_cells(box, images.shape[:3], columns, (gap if lead is None else lead, gap), pixel, scale)
    left = round((box.x + (box.w - cells.width) * align[0]) * scale) / scale
    top = round((box.y + (box.h - cells.height) * align[1]) * scale) / scale
    ax = add_axes(fig, Box(left, top, cells.width, cells.height))
    settings = {"cmap": cmap or sequential(theme), "vmin": vmin, "vmax": vmax} if images.ndim == 3 else {}
    out = ImageGrid(ax, images, cells.columns, cells.repeat, cells.gaps, theme.rgb("background"), **settings)
    if frame:
        out.outline_images(range(len(images)), theme.faint)
    return out


class _Cells(NamedTuple):
    """A grid in cells of the drawn array: cells per image pixel and between rows and columns; its size in units."""

    columns: int
    repeat: int
    gaps: tuple[int, int]
    width: float
    height: float


def _fit_cells(
    box: Box,
    shape: Sequence[int],
    columns: int | None,
    gaps: tuple[float, float],
    pixel: float | None,
    scale: float,
) -> _Cells:
    """Fit N images of H × W pixels into a box: `gaps` of rows and columns in units, `scale` screen pixels per unit."""
    (n, h, w), (lead, gap) = shape, gaps

    def size_in(c: int) -> float:  # screen pixels per image pixel with c columns
        rows = -(-n // c)
        across = (box.w - (c - 1) * gap) / (c * w)
        down = (box.h - (rows - 1) * lead) / (rows * h)
        return max(min(across, down) * scale, 1e-3)

    columns = columns or best_column_count(n, size_in)
    repeat, cell = cells_per_pixel(pixel * scale if pixel else size_in(columns), gap * scale)
    rows = -(-n // columns)
    for whole in (round, int):  # the requested gap, or a narrower one if the grid is larger than the box
        between = max(1, whole(gap * scale / cell)) if gap else 0
        leading = between if lead == gap else max(1, round(lead * scale / cell))
        wide = (columns * (w * repeat + between) - between) * cell / scale
        tall = (rows * (h * repeat + leading) - leading) * cell / scale
        if wide <= box.w + 1 and tall <= box.h + 1:
            break
    return _Cells(columns, repeat, (leading, between), wide, tall)


def to_display(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Convert an image uint8 (C, H, W) for `image_grid`: float (H, W) in [0, 1], or uint8 (H, W, 3) if C is 3."""
    return pixels[0] / 255.0 if len(pixels) != 3 else pixels.transpose(1, 2, 0)

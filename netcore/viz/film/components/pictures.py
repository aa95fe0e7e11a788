"""Pictures side by side, pixels in numbers, and color scales."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.trace import Trace
from netcore.viz.colors import image_colors, text_color_on
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import TextLine, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

VECTOR_ASPECT = 4.0  # width to height of an input that is no image
GAP = 0.12  # between the pictures of channels


def is_vector(shape: Sequence[int]) -> bool:
    """Whether an input (C, H, W) is no image, but one row of values."""
    return min(shape[-2:]) == 1


def channel_frames(area: Area, shape: Sequence[int], count: int = 1) -> NDArray[np.float64]:
    """Return the frames (count, 3, 2) of pictures of the size `shape`[-2:], as large as fit side by side or stacked."""
    height, width = shape[-2:]
    ratio = width / height
    if is_vector(shape):
        ratio = VECTOR_ASPECT if height == 1 else 1 / VECTOR_ASPECT
    grids = [area.columns([1] * count, GAP), area.rows([1] * count, GAP)]
    fitted = [[cell.fit(ratio, 1) for cell in cells] for cells in grids]
    best = max(fitted, key=lambda cells: cells[0].height)
    return np.concatenate([cell.frame for cell in best])


def signed_pictures(
    theme: Theme, values: NDArray[np.floating], frames: NDArray[np.float64], scale: float
) -> PixelImages:
    """Draw values (N, H, W) in blue and orange, full colour at ± `scale`."""
    return PixelImages(theme.signed_colors(values / scale), frames, outline=theme.rgb("faint"))


class NumberPatch:
    """A few pixels of the image, enlarged, with their numbers.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    area : Area
    size : int
        Side in pixels; a place with many different values is taken.

    Attributes
    ----------
    row, column : int
        Its first pixel.
    cells : Rectangles
    numbers : list of TextLine
        By row, column and channel.
    """

    def __init__(self, theme: Theme, trace: Trace, area: Area, size: int = 3) -> None:
        gray = trace.input.mean(0)
        windows = np.lib.stride_tricks.sliding_window_view(gray, (size, size))
        levels = np.sort(windows.reshape(*windows.shape[:2], -1).round(2), axis=2)
        distinct = 1 + (np.diff(levels, axis=2) != 0).sum(2)
        best = (windows.std((2, 3)) * distinct).argmax()
        self.row, self.column = (int(v) for v in np.unravel_index(best, windows.shape[:2]))
        self.size = size
        box = area.fit(1, 1)
        part = (slice(self.row, self.row + size), slice(self.column, self.column + size))
        self.values = trace.input[(slice(None), *part)]  # (C, size, size)
        rgb = image_colors(theme, trace.pixels)[part].reshape(-1, 3)
        squares = [cell for row in box.rows([1] * size) for cell in row.columns([1] * size)]
        corners = np.concatenate([square.corners for square in squares])
        fill = np.column_stack([rgb, np.ones(len(rgb))])
        self.cells = Rectangles(corners, fill=fill, line=[*theme.rgb("faint"), 1.0], width=1.5)
        self.frame = Rectangles(box.corners, line=[*theme.rgb("emphasis"), 1.0], width=2.5, z_index=1)
        self.numbers = [line for k, square in enumerate(squares) for line in self._cell(theme, square, rgb[k], k)]

    def _cell(self, theme: Theme, square: Area, rgb: NDArray[np.float64], k: int) -> list[TextLine]:
        values = self.values.reshape(len(self.values), -1)[:, k]
        color = _rgb(text_color_on(theme, rgb))
        lines = [square.center] if len(values) == 1 else [r.center for r in square.inset(0.12).rows([1] * len(values))]
        return [
            text_line(minus(f"{v:.2f}"), LABEL, color, at=at, z_index=1) for v, at in zip(values, lines, strict=True)
        ]

    def everything(self) -> list[ArrayMobject]:
        """Return all of it."""
        return [self.cells, self.frame, *self.numbers]


def pixel_marks(theme: Theme, corners: ArrayLike, width: float = 2.0) -> Rectangles:
    """Outline pixels in yellow: lower left and upper right corners (N, 2, 2)."""
    return Rectangles(corners, line=[*theme.rgb("emphasis"), 1.0], width=width, z_index=2)


def link_boxes(theme: Theme, a: ArrayLike, b: ArrayLike, role: str = "emphasis") -> Edges:
    """Lead two thin lines from a box (lower left and upper right corners) to one right of it, or else below it."""
    (left, bottom), (right, top) = np.asarray(a, dtype=float)
    (x0, y0), (x1, y1) = np.asarray(b, dtype=float)
    if x0 >= right:
        starts, ends = [(right, top), (right, bottom)], [(x0, y1), (x0, y0)]
    else:
        starts, ends = [(left, bottom), (right, bottom)], [(x0, y1), (x1, y1)]
    return Edges(starts, ends, [*theme.rgb(role), 0.6], 1.2, z_index=2)


def color_ramp(
    theme: Theme,
    at: tuple[float, float],
    low: str,
    high: str,
    signed: bool = False,
    width: float = 1.1,
    align: float = 0.0,
) -> list[ArrayMobject]:
    """Return a scale of colours with both of its ends: number, ramp, number.

    Parameters
    ----------
    theme : Theme
    at : tuple of float
        Its middle, or its left end with `align` -1.
    low, high : str
        Values of the ends.
    signed : bool
        From orange to blue; else from ground to ink.
    width : float
        Of the ramp.
    align : float
        -1 left, 0 middle.
    """
    muted, gap, height = theme.rgb("muted"), 0.12, 0.17
    total = line_width(low, LABEL) + width + line_width(high, LABEL) + 2 * gap
    x, y = at[0] - (align + 1) / 2 * total, at[1]
    out: list[ArrayMobject] = [text_line(low, LABEL, muted, at=(x, y), align=(-1, 0))]
    x += line_width(low, LABEL) + gap
    colors = (theme.signed_colors if signed else theme.activation_colors)(np.linspace(-1 if signed else 0, 1, 48))
    frame = Area(x, y - height / 2, x + width, y + height / 2).frame
    out.append(PixelImages(colors[None], frame, outline=theme.rgb("faint")))
    return [*out, text_line(high, LABEL, muted, at=(x + width + gap, y), align=(-1, 0))]


def minus(text: str) -> str:
    """Write a hyphen as a minus sign."""
    return text.replace("-", "−")


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255

"""Weights of several classes or images as signed pictures."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_number
from netcore.core.trace import Trace
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.color_scale import ColorScale
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

NAME_ROOM = 0.45  # under each picture
FOOT = 0.5  # of the area, for the scale


class WeightPictures:
    """A picture a row of weights, in as many columns as give the largest pictures.

    Parameters
    ----------
    theme : Theme
    area : Area
    weights : ndarray, shape (N, I)
    trace : Trace
        Gives the shape of what the weights read.
    layer : DenseLayer
        The layer whose inputs they weigh.
    names : sequence of str
        Under the pictures.
    own_scales : bool
        Whether each picture has a scale of its own, in place of one for all.

    Attributes
    ----------
    images : PixelImages
        Their `values` (N, h, w) are the weights.
    scales_differ : bool
        Whether the scales end at different numbers.
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        weights: NDArray[np.float64],
        trace: Trace,
        layer: DenseLayer,
        names: Sequence[str],
        own_scales: bool = False,
    ) -> None:
        self.values = np.array([vector_image(row, source_shape(trace, layer)) for row in weights])
        count, (h, w) = len(weights), self.values.shape[1:]
        foot, room = (0.0, NAME_ROOM + FOOT) if own_scales else (FOOT, NAME_ROOM)
        body = Area(area.left, area.bottom + foot, area.right, area.top)
        columns = max(range(1, count + 1), key=lambda c: self._side(body, (ceil(count / c), c), (h, w), room))
        rows = body.rows([1] * ceil(count / columns))
        cells = [cell for row in rows for cell in row.columns([1] * columns, gap=0.2)][:count]
        places = [Area(c.left, c.bottom + room, c.right, c.top).fit(w, h) for c in cells]
        limits = np.abs(self.values).max(axis=(1, 2) if own_scales else None, keepdims=True)
        limits = np.where(limits > 0, limits, 1.0)
        self.images = PixelImages(
            theme.signed_colors(self.values / limits),
            np.concatenate([place.frame for place in places]),
            outline=theme.rgb("faint"),
        )
        ink = theme.rgb("foreground")
        self.names = [
            text_line(
                ellipsize_line(name, cell.width, LABEL), LABEL, ink, at=(place.center[0], place.bottom - NAME_ROOM / 2)
            )
            for name, place, cell in zip(names, places, cells, strict=True)
        ]
        scales = [ColorScale(theme, (-v, v), True, (area.right, area.bottom + 0.15)) for v in limits.ravel().tolist()]
        if own_scales:
            for scale, place in zip(scales, places, strict=True):
                scale.place((place.center[0] + scale.width / 2 - 0.1, place.bottom - NAME_ROOM - 0.15))
        self.scales_differ = len({format_number(v) for v in limits.ravel().tolist()}) > 1
        self.scale = [m for scale in scales for m in scale.mobjects]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Pictures, names and scale."""
        return [self.images, *self.names, *self.scale]

    @staticmethod
    def _side(area: Area, grid: tuple[int, int], size: tuple[int, int], room: float) -> float:
        return min((area.width / grid[1] - 0.2) / size[1], (area.height / grid[0] - room) / size[0])


def source_shape(trace: Trace, layer: DenseLayer) -> tuple[int, ...]:
    """Return the shape that the inputs of a layer had before they were flattened: of the image, or of the maps."""
    size = layer.weight.shape[1]
    for node in reversed([trace.input, *(each.output for each in trace.layers)]):
        if node.ndim == 3 and node.size == size:
            return tuple(int(n) for n in node.shape)
    return (size,)


def vector_image(values: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Arrange a vector as a picture: channels of an image added up, maps side by side, else rows of a square."""
    if len(shape) == 3 and shape[0] in (1, 3):
        return np.asarray(values.reshape(shape).sum(axis=0))
    if len(shape) == 3:
        count, h, w = shape
        columns = ceil(sqrt(count))
        tiles = np.zeros((ceil(count / columns) * columns, h, w))
        tiles[:count] = values.reshape(shape)
        return np.asarray(tiles.reshape(-1, columns, h, w).swapaxes(1, 2).reshape(-1, columns * w))
    side = ceil(sqrt(len(values)))
    padded = np.zeros(ceil(len(values) / side) * side)
    padded[: len(values)] = values
    return padded.reshape(-1, side)

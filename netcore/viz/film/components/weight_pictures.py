"""Weights of several classes as signed pictures on one scale."""

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

    Attributes
    ----------
    images : PixelImages
        Their `values` (N, h, w) are the weights.
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        weights: NDArray[np.float64],
        trace: Trace,
        layer: DenseLayer,
        names: Sequence[str],
    ) -> None:
        self.values = np.array([vector_image(row, source_shape(trace, layer)) for row in weights])
        count, (h, w) = len(weights), self.values.shape[1:]
        body = Area(area.left, area.bottom + FOOT, area.right, area.top)
        columns = max(range(1, count + 1), key=lambda c: self._side(body, count, c, h, w))
        rows = body.rows([1] * ceil(count / columns))
        cells = [cell for row in rows for cell in row.columns([1] * columns, gap=0.2)][:count]
        places = [Area(c.left, c.bottom + NAME_ROOM, c.right, c.top).fit(w, h) for c in cells]
        limit = float(np.abs(weights).max()) or 1.0
        self.images = PixelImages(
            theme.signed_colors(self.values / limit),
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
        self.limit = format_number(limit)
        self.scale = ColorScale(theme, (-limit, limit), True, (area.right, area.bottom + 0.15)).mobjects

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Pictures, names and scale."""
        return [self.images, *self.names, *self.scale]

    @staticmethod
    def _side(area: Area, count: int, columns: int, h: int, w: int) -> float:
        rows = ceil(count / columns)
        return min((area.width / columns - 0.2) / w, (area.height / rows - NAME_ROOM) / h)


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

"""A box of values: one number per cell."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.components.feature_maps import abs_max, map_rgb
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.layout.boxes import BoxScale, Shape
from netcore.viz.theme import Theme


class DataBox:
    """A box of values on one colour scale.

    Parameters
    ----------
    theme : Theme
    values : array_like, shape (C, H, W) or (F,)
        A vector fills columns from top to bottom, from left to right, then the next sheet.
    shape : (int, int, int)
        Sheets, rows and columns of the box.
    front : array_like, shape (H, W, 3), optional
        Colours of the front, instead of those of the map with the highest variance; its rims continue on the sides.

    unit : int, optional
        Index of the map in front; default: the one with the highest variance.

    Attributes
    ----------
    unit : int
        Index of the map in front.
    faces : list of PixelImages
        Front, top and right side.
    """

    def __init__(
        self, theme: Theme, values: ArrayLike, shape: Shape, front: ArrayLike | None = None, unit: int | None = None
    ) -> None:
        self.theme, self.shape = theme, shape
        array = np.asarray(values, float)
        self.vmax, self.signed = abs_max(array), bool((array < 0).any())
        sheets = fold_values(array, shape)
        self.unit = front_unit(sheets, unit) if array.ndim > 1 else 0
        order = np.roll(np.arange(len(sheets)), -self.unit) if array.ndim == 1 else np.arange(len(sheets))
        first = self._rgb(sheets[self.unit]) if front is None else np.asarray(front, float)
        if front is None:
            top, side = self._rgb(sheets[order, 0][::-1]), self._rgb(sheets[order, :, -1].T)
        else:
            top, side = np.repeat(first[:1], shape[0], 0), np.repeat(first[:, -1:], shape[0], 1)
        places = BoxScale(0.01).faces(shape, 0.0, 0.0)
        line = theme.rgb("muted")
        self.faces = [
            PixelImages(rgb, place, outline=line, z_index=z)
            for rgb, place, z in zip((first, top, side), places, (1, 0, 0), strict=True)
        ]

    def _rgb(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        rgb = map_rgb(self.theme, np.nan_to_num(values), self.vmax, self.signed)
        return np.where(np.isnan(values)[..., None], self.theme.rgb("background"), rgb)

    def place(self, points: NDArray[np.float64]) -> None:
        """Set the faces (3, 3, 2) at once."""
        for face, frame in zip(self.faces, points, strict=True):
            face.points = np.pad(frame, ((0, 0), (0, 1)))

    def move(self, points: NDArray[np.float64], **keys: Any) -> list[Animate]:
        """Return the animations that move the faces to others (3, 3, 2)."""
        return [Animate(face, points=frame, **keys) for face, frame in zip(self.faces, points, strict=True)]

    def copy(self) -> "DataBox":
        """Return a box that looks the same, where this one is."""
        other = object.__new__(DataBox)
        vars(other).update(vars(self))
        other.faces = [
            PixelImages(f.rgb, f.points[:, :2], outline=f.outline, z_index=f.z_index + 2) for f in self.faces
        ]
        return other

    @property
    def front(self) -> NDArray[np.float64]:
        """Lower left and upper right corner of the front: (2, 2)."""
        corners = self.faces[0].corners()[0]
        return np.array([corners[2], corners[1]])

    @property
    def depth_edge(self) -> NDArray[np.float64]:
        """Start and end of the lower edge that goes back: (2, 2)."""
        side = self.faces[2].corners()[0]
        return np.array([side[2], side[2] + side[1] - side[0]])


def front_unit(maps: NDArray[np.floating], unit: int | None = None) -> int:
    """Return the map in front: one that is given, else the one with the highest variance."""
    return int(np.nan_to_num(maps).std((1, 2)).argmax()) if unit is None else unit


def fold_values(values: NDArray[np.float64], shape: Shape) -> NDArray[np.float64]:
    """Return values as sheets (C, H, W); cells that a vector does not fill are NaN."""
    if values.ndim > 1:
        return values.reshape(shape)
    sheets, rows, columns = shape
    full = np.full(sheets * rows * columns, np.nan)
    full[: len(values)] = values
    return full.reshape(sheets, columns, rows).transpose(0, 2, 1)

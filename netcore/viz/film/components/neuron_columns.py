"""Layers as columns of circles, three dots where neurons are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.viz.film.base_mobject import PIXEL
from netcore.viz.film.mobjects import Neurons
from netcore.viz.layout.area import Area
from netcore.viz.layout.columns import column_positions
from netcore.viz.theme import Theme

DOT_RADIUS = 1.9 * PIXEL
MAX_FILL = 0.42  # radius, of the distance of neighbours


@dataclass(frozen=True)
class CircleStyle:
    """How neurons are drawn.

    Attributes
    ----------
    radius, pitch : float
        Of a circle and between neighbours, at most.
    ring : str
        Role of the outline's color.
    z_index : int
    """

    radius: float = 0.15
    pitch: float = 0.5
    ring: str = "muted"
    z_index: int = 0


class NeuronColumns:
    """Columns of neurons without values.

    Parameters
    ----------
    theme : Theme
    index : sequence of ndarray of int
        Drawn neurons of each column.
    sizes : sequence of int
        How many neurons each has.
    xs : ndarray, shape (columns,)
    area : Area
        Its height is that of the columns.
    style : CircleStyle

    Attributes
    ----------
    columns : list of Neurons
    dots : list of Neurons or None
        Three dots of each column that leaves neurons out.
    radius : float
    """

    def __init__(
        self,
        theme: Theme,
        index: Sequence[NDArray[np.int_]],
        sizes: Sequence[int],
        xs: NDArray[np.float64],
        area: Area,
        style: CircleStyle,
    ) -> None:
        self.theme, self.index, self.sizes, self.xs = theme, list(index), list(sizes), xs
        found = [
            column_positions(len(i), 0.0, area.bottom, area.top, len(i) < n, style.pitch)
            for i, n in zip(index, sizes, strict=True)
        ]
        self._ys, self._dot_ys = [c[:, 1] for c, _ in found], [d[:, 1] for _, d in found]
        self.max_pitch = style.pitch
        self.radius = min([style.radius, *(MAX_FILL * self.pitch(k) for k in range(len(sizes)))])
        ground, muted, ring = (theme.rgb(role) for role in ("background", "muted", style.ring))
        z = style.z_index
        self.columns = [Neurons(self.centers(k), self.radius, ground, ring, z_index=z) for k in range(len(sizes))]
        self.dots = [
            Neurons(self.dot_centers(k), DOT_RADIUS, muted, muted, width=0, z_index=z) if len(ys) else None
            for k, ys in enumerate(self._dot_ys)
        ]

    def centers(self, k: int) -> NDArray[np.float64]:
        """Return the centres (N, 2) of a column's neurons."""
        return np.column_stack([np.full(len(self._ys[k]), self.xs[k]), self._ys[k]])

    def dot_centers(self, k: int) -> NDArray[np.float64]:
        """Return the centres of a column's dots, (3, 2) or (0, 2)."""
        return np.column_stack([np.full(len(self._dot_ys[k]), self.xs[k]), self._dot_ys[k]])

    def sources(self, k: int) -> NDArray[np.float64]:
        """Return where edges leave column `k`: neurons, then the dots: (S, 2)."""
        return np.concatenate([self.centers(k), self.dot_centers(k)[1:2]])

    def row(self, k: int, unit: int) -> int:
        """Return the place of a neuron in its column, by its index in the layer."""
        return int(np.flatnonzero(self.index[k] == unit)[0])

    def point(self, k: int, unit: int) -> tuple[float, float]:
        """Return the centre of a neuron, by its index in the layer."""
        x, y = self.centers(k)[self.row(k, unit)]
        return float(x), float(y)

    def pitch(self, k: int) -> float:
        """Return the distance of neighbours in a column."""
        ys = self._ys[k]
        return float(np.abs(np.diff(ys)).min()) if len(ys) > 1 else self.max_pitch

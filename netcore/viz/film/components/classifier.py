"""Classifier of a CNN in a film: vector, dense layers, classes."""

import numpy as np

from netcore.analysis.cnn_blocks import flattened_sources
from netcore.analysis.dense_layers import DenseLayer
from netcore.analysis.units import top_k
from netcore.core.formatting import format_percent, format_subset
from netcore.core.trace import Trace
from netcore.viz.colors import map_colors, neuron_colors
from netcore.viz.film.base_mobject import BODY, NOTE, ArrayMobject
from netcore.viz.film.components.dense import ellipsis
from netcore.viz.film.components.feature_maps import FeatureMapGroup, FeatureMaps
from netcore.viz.film.components.probabilities import prediction_text, probability_bars
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.text import ellipsize_line, line_width, text_line
from netcore.viz.layout.columns import column_positions
from netcore.viz.layout.edges import connect_all, edge_style
from netcore.viz.layout.grid_layout import frames_at, pixel_frames
from netcore.viz.theme import Theme
from netcore.viz.wording import prediction_role

RADIUS = 0.15  # of a neuron
PITCH = 0.42  # of neurons in a column, at most
LOW, HIGH = -2.45, 1.5  # bottom and top of the columns
EDGE = 6.81  # the right margin
BAR = 1.3  # length of a full bar


class ClassifierView:
    """The column that the maps become, and the dense layers after it.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    vector : (F,), the column
    dense : the dense layers; none where the column already holds the scores
    values, neurons, classes : how many entries of the column, neurons of a hidden layer and classes are shown, at most
    """

    def __init__(
        self,
        theme: Theme,
        trace: Trace,
        vector: np.ndarray,
        dense: tuple[DenseLayer, ...],
        values: int,
        neurons: int,
        classes: int,
    ) -> None:
        self.theme, self.trace, self.dense = theme, trace, dense
        keep = [trace.prediction] + ([trace.label] if trace.label is not None else [])
        output = top_k(trace.probabilities, max(classes, len(keep)), keep)
        self.index = [top_k(vector, values)] if dense else [output]
        self.index += [top_k(layer.output, neurons) for layer in dense[:-1]] + ([output] if dense else [])
        self.sizes = [len(vector), *(len(layer.output) for layer in dense)]
        self.vector = vector
        names = [ellipsize_line(trace.classes[k], 1.7, BODY) for k in output]
        self.name_width = max(line_width(name, BODY) for name in names)
        widest = max(line_width(format_percent(p), BODY) for p in trace.probabilities[output])
        self.bars_left = EDGE - BAR - widest - 0.15
        self.out_x = self.bars_left - 0.45 - self.name_width - RADIUS
        rows = [
            column_positions(len(i), 0.0, LOW, HIGH, len(i) < n, PITCH)
            for i, n in zip(self.index, self.sizes, strict=True)
        ]
        self.ys = [centers[:, 1] for centers, _ in rows]
        self.dot_ys = [dots[:, 1] for _, dots in rows]
        pitches = [abs(np.diff(ys)).min() for ys in self.ys[1:] if len(ys) > 1]
        self.radius = min([RADIUS, *(0.42 * p for p in pitches)])
        self._build(names)

    def _build(self, names: list[str]) -> None:
        ground, ink, faint = (self.theme.rgb(role) for role in ("background", "foreground", "faint"))
        rgb, scale, self.signed = map_colors(self.theme, self.vector[self.index[0]])
        self.cells = FeatureMaps(
            rgb[:, None, None], self.cell_frames(0.0), self.vector[self.index[0]], scale, outline=faint
        )
        self.columns = [Neurons(self.centers(k, 0.0), self.radius, ground, faint) for k in range(1, len(self.sizes))]
        self.ellipses = [ellipsis(self.theme, self.dots(k, 0.0)) for k in self.dotted]
        self.edges = [self._edges(k) for k in range(1, len(self.sizes))]
        ys, left = self.ys[-1], self.bars_left
        self.names = [
            text_line(n, BODY, ink, at=(left - 0.2 - self.name_width, y), align=(-1, 0))
            for n, y in zip(names, ys, strict=True)
        ]
        p = self.trace.probabilities[self.index[-1]]
        self.bars, self.percents = probability_bars(self.theme, p, ys, left, BAR, EDGE)

    # ---- places

    @property
    def dotted(self) -> list[int]:
        """The columns that leave entries out."""
        return [k for k, ys in enumerate(self.dot_ys) if len(ys)]

    def centers(self, k: int, x: float) -> np.ndarray:
        """(N, 2) of column `k` at `x`."""
        return np.column_stack([np.full(len(self.ys[k]), x), self.ys[k]])

    def dots(self, k: int, x: float) -> np.ndarray:
        return np.column_stack([np.full(len(self.dot_ys[k]), x), self.dot_ys[k]])

    def cell_frames(self, x: float) -> np.ndarray:
        """Frames (N, 3, 2) of the column's squares."""
        ys = self.ys[0]
        side = min(2 * RADIUS, 0.8 * (abs(np.diff(ys)).min() if len(ys) > 1 else PITCH))
        return frames_at(np.column_stack([np.full(len(ys), x - side / 2), ys + side / 2]), (1, 1), side)

    def edge_points(self, k: int, xs: np.ndarray) -> np.ndarray:
        """Points (2·E·S, 2) of the edges into column `k`, with the columns at `xs`."""
        starts, ends = connect_all(self.centers(k - 1, xs[k - 1]), self.centers(k, xs[k]), self.radius + 0.03)
        return np.stack([starts, ends], axis=1).reshape(-1, 2)

    def place(self, xs: np.ndarray) -> list[tuple[ArrayMobject, np.ndarray]]:
        """Target points of all mobjects, with the columns at `xs`."""
        out: list[tuple[ArrayMobject, np.ndarray]] = [(self.cells, self.cell_frames(xs[0]))]
        out += [(m, corners(self.centers(k, xs[k]), self.radius)) for k, m in enumerate(self.columns, 1)]
        out += [(m, corners(self.dots(k, xs[k]), m.radius)) for k, m in zip(self.dotted, self.ellipses, strict=True)]
        out += [(m, self.edge_points(k, xs)) for k, m in enumerate(self.edges, 1)]
        return out

    # ---- values

    def _edges(self, k: int) -> Edges:
        """All shown edges into column `k`, with what they really carry."""
        values = self.dense[k - 1].contributions(self.index[k], self.index[k - 1]).ravel()
        rgba, widths = edge_style(self.theme, values)
        points = self.edge_points(k, np.arange(len(self.sizes), dtype=float)).reshape(-1, 2, 2)
        return Edges(points[:, 0], points[:, 1], rgba, widths, values=values)

    def shade(self, k: int) -> np.ndarray:
        """Fill (N, 3) of the neurons of column `k`, whose `values` are set: activations, or the scores at the end."""
        last = k == len(self.dense)
        layer = self.dense[k - 1]
        self.columns[k - 1].values = (layer.z if last else layer.output)[self.index[k]]
        return neuron_colors(self.theme, self.columns[k - 1].values, () if last else layer.functions)

    def parameters(self, k: int) -> int:
        """Weights and biases of the layer into column `k`, its normalisation included."""
        return self.dense[k - 1].block.parameters

    def title(self, k: int) -> str:
        """What the layer into column `k` does: ``Dense → BN → ReLU``."""
        return self.dense[k - 1].block.description

    def leaving(self, volume: FeatureMapGroup) -> np.ndarray:
        """Frames (N, 3, 2) of the pixels, in the maps of `volume`, that the entries shown come from.

        Those of maps that are not shown come out of the place after the last map.
        """
        which, pixel = flattened_sources(volume.shape, len(self.vector), self.index[0])
        row_of = {int(channel): row for row, channel in enumerate(volume.chosen)}
        row = np.array([row_of.get(int(channel), -1) for channel in which])
        of, dots = volume.maps.corners(), volume.dots()
        rest = (of[-1, 1] + of[-1, 2]) / 2 + [0.1, 0] if dots is None else dots[1]
        out = np.broadcast_to(rest, (len(row), 3, 2)).copy()
        out[row >= 0] = pixel_frames(of, volume.size, row[row >= 0], pixel[row >= 0])
        return out

    def count(self, k: int, x: float, of: str = "", step: float = 9.0) -> ArrayMobject:
        """How many of a column are shown, at `x`; columns `step` apart have every second one lower if need be."""
        texts = [format_subset(len(index), size) for index, size in zip(self.index, self.sizes, strict=True)]
        narrow = max(line_width(text + " neurons", NOTE) for text in texts) > step - 0.15
        text, y = (texts[k], LOW - 0.3 - 0.3 * (k % 2)) if narrow else (texts[k] + of, LOW - 0.3)
        return text_line(text, NOTE, self.theme.rgb("muted"), at=(x, y))

    def prediction(self) -> tuple[str, str]:
        """Return the prediction as text, and the role of its color."""
        return prediction_text(self.trace, 2.5), prediction_role(self.trace.prediction, self.trace.label)


def corners(centers: np.ndarray, radius: float) -> np.ndarray:
    """Points (2·N, 2) of neurons of that radius."""
    return np.stack([centers - radius, centers + radius], axis=1).reshape(-1, 2)

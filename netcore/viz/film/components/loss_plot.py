"""The curve −ln p, with images on it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.viz.colors import image_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, ArrayMobject
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.plot import DOT_RADIUS, Plot
from netcore.viz.film.curve import Curve
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons, PixelImages
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

SAMPLES = 150  # of the curve, twice
PICTURE = 0.2  # side of an image, as a share of the plot's height
SLOTS = 0.86, 0.63, 0.4  # middles of the images, as shares of the width: right of the curve's steep part
SLOT_TOP = 0.12  # top of the images, as a share of the height
FIRST_RANGE = 2.0  # of the loss axis, until a larger loss needs more


class LossPlot:
    """Cross-entropy loss over the probability of the true class; its range grows with the losses.

    Parameters
    ----------
    theme : Theme
    area : Area
        Of the axes, with room for labels at the left and below.
    """

    def __init__(self, theme: Theme, area: Area) -> None:
        self.theme = theme
        self.plot = Plot(theme, area, (0.0, 1.0), (0.0, FIRST_RANGE))
        self.curve = Curve(self._curve_points(), theme.rgb("foreground"))
        self.axes = self.plot.axes()
        self.x_labels = [
            *self.plot.x_ticks({0.0: "0", 0.5: "0.5", 1.0: "1"}),
            self.plot.x_title("probability of the true class"),
        ]
        self.y_labels = self._y_labels()
        self.title = self.plot.y_title("loss")
        self.marks: list[ArrayMobject] = []  # all that images add
        self.dots: list[tuple[Neurons, Edges, float, float]] = []  # with its line, probability and loss
        self.images: list[ArrayLike] = []  # their colours

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Axes and their labels."""
        return [self.axes, *self.x_labels, *self.y_labels, self.title]

    @property
    def everything(self) -> list[ArrayMobject]:
        """Axes, labels, curve and images."""
        return [*self.mobjects, self.curve, *self.marks]

    def grow(self, largest: float) -> list[Animate]:
        """Return the animations that make room for a loss: the axis is relabelled, all marks move."""
        if largest <= self.plot.y[1]:
            return []
        old = self.y_labels
        self.plot.y = 0.0, float(np.ceil(largest * 1.1))
        self.y_labels = self._y_labels()
        moves = [Animate(self.curve, points=self._curve_points(), run_time=1.0)]
        for slot, (dot, leader, p, loss) in enumerate(self.dots):
            moves.append(Animate(dot, points=dot.points_at(self.plot.at(p, loss)), run_time=1.0))
            moves.append(Animate(leader, points=np.vstack(self._leader_ends(slot, p, loss)), run_time=1.0))
        return [*fade_out(old), *moves, *fade_in(self.y_labels, 0.7)]

    def mark(self, pixels: NDArray[np.uint8], loss: float) -> list[Animate]:
        """Return the animations that put an image (C, H, W) on the curve, whose axis makes room for its loss."""
        delay = 1.0 if loss > self.plot.y[1] else 0.3
        grown = self.grow(loss)
        return [*grown, *self.place(image_colors(self.theme, pixels), float(np.exp(-loss)), loss, delay=delay)]

    def place(self, rgb: ArrayLike, p: float, loss: float, role: str = "emphasis", delay: float = 0.0) -> list[Animate]:
        """Return the animations that show an image, its loss above it, and its dot on the curve."""
        slot = len(self.dots)
        self.images.append(rgb)
        dot = self.plot.dots(p, loss, self.theme.rgb(role), DOT_RADIUS * 1.4)
        dot.z_index = 1
        area = self._slot(slot)
        image = PixelImages(rgb, area.frame, outline=self.theme.rgb("faint"))
        at = area.center[0], area.top + 0.24
        label = text_line(f"{loss:.2f}", NUMBER, self.theme.rgb("foreground"), at=at)
        leader = Edges(*self._leader_ends(slot, p, loss), [*self.theme.rgb("muted"), 1.0], 1.2)
        self.dots.append((dot, leader, p, loss))
        self.marks += [dot, leader, image, label]
        return fade_in([leader, dot, image, label], delay)

    def copy_to(self, area: Area) -> "LossPlot":
        """Return a plot with the same range and images in another area."""
        other = LossPlot(self.theme, area)
        other.plot.y = self.plot.y
        other.y_labels, other.curve = other._y_labels(), Curve(other._curve_points(), self.theme.rgb("foreground"))
        for rgb, (_, _, p, loss) in zip(self.images, self.dots, strict=True):
            other.place(rgb, p, loss)
        return other

    def cloud(self, p: NDArray[np.float64], losses: NDArray[np.float64]) -> Neurons:
        """Draw many images as dots on the curve."""
        return self.plot.dots(p, losses, self.theme.rgb("muted"), DOT_RADIUS * 0.7)

    def _slot(self, k: int) -> Area:
        """Place of image `k`, from the right."""
        area = self.plot.area
        side = PICTURE * min(area.height, area.width)
        x, top = area.at(SLOTS[k % len(SLOTS)], SLOT_TOP)
        return Area(x - side / 2, top - side, x + side / 2, top)

    def _leader_ends(self, slot: int, p: float, loss: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Start under an image, or beside it where the dot is higher, and end at its dot."""
        area, end = self._slot(slot), self.plot.at(p, loss)
        below = end[0, 1] < area.bottom
        start = (area.center[0], area.bottom - 0.06) if below else (area.left - 0.06, area.center[1])
        return np.array([start]), end

    def _curve_points(self) -> NDArray[np.float64]:
        """Points of the curve within the range, close together where it is steep and where it is flat."""
        high = self.plot.y[1]
        p = np.sort(np.concatenate([np.exp(-np.linspace(0, high, SAMPLES)), np.linspace(np.exp(-high), 1, SAMPLES)]))
        return self.plot.at(p, -np.log(p))

    def mean_line(self, mean: float) -> tuple[Edges, ArrayMobject]:
        """Draw the mean of the losses across the plot, its value above it."""
        ends, emphasis = self.plot.at([0, 1], [mean, mean]), self.theme.rgb("emphasis")
        at = ends[1] + [0.12, 0]
        label = text_line(f"mean {mean:.2f}", LABEL, emphasis, at=at, align=(-1, 0))
        return Edges(ends[:1], ends[1:], [*emphasis, 1.0], 2.0, z_index=1), label

    def _y_labels(self) -> list[ArrayMobject]:
        high = self.plot.y[1]
        step = 0.5 if high <= FIRST_RANGE else 1.0 if high <= 6 else 2.0 if high <= 14 else float(np.ceil(high / 6))
        return self.plot.y_ticks({v: f"{v:g}" for v in np.arange(0, high + 1e-9, step).tolist()})

"""Rectangles that divide a figure."""

from dataclasses import dataclass

import numpy as np

from netcore.viz.mpl.style import FIGURE_WIDTH, ThemedFigure


@dataclass(frozen=True)
class Box:
    """A rectangle: left, top (downwards), width and height in units, of which a figure is 800 wide."""

    x: float
    y: float
    w: float
    h: float

    def inset(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Box":
        """Return the box without these margins."""
        return Box(self.x + left, self.y + top, self.w - left - right, self.h - top - bottom)

    def columns(self, *weights: float, gap: float = 20) -> list["Box"]:
        """Divide into boxes side by side, their widths proportional to `weights`."""
        unit = (self.w - gap * (len(weights) - 1)) / sum(weights)
        starts = np.cumsum([0, *(w * unit + gap for w in weights)])
        return [Box(self.x + float(s), self.y, w * unit, self.h) for s, w in zip(starts, weights, strict=False)]

    def rows(self, *weights: float, gap: float = 20) -> list["Box"]:
        """Divide into boxes one below another, their heights proportional to `weights`."""
        turned = Box(self.y, self.x, self.h, self.w).columns(*weights, gap=gap)
        return [Box(b.y, b.x, b.h, b.w) for b in turned]


def figure_box(fig: ThemedFigure) -> Box:
    """Return the box of the whole figure."""
    return Box(0, 0, FIGURE_WIDTH, FIGURE_WIDTH * fig.bbox.height / fig.bbox.width)

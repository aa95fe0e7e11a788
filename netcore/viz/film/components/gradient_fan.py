"""The gradients of a batch, drawn around their mean."""

import numpy as np

from netcore.analysis.training_effect import BatchGradients
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

DOT, TIP = 0.06, 0.035  # radii
LABEL_ROOM = 0.55


class GradientFan:
    """One line per gradient; lengths and angles to the mean, which points upwards, are true; sides alternate.

    Parameters
    ----------
    theme : Theme
    area : Area
    found : BatchGradients
        The first gradient is that of the image of the film.
    kind : str
        What the images are: ``"training images"``.

    Attributes
    ----------
    lines, own, mean : Edges
    """

    def __init__(self, theme: Theme, area: Area, found: BatchGradients, kind: str) -> None:
        self.theme = theme
        box = Area(area.left, area.bottom + LABEL_ROOM, area.right, area.top - LABEL_ROOM)
        order = np.argsort(-found.across, kind="stable")
        side = np.empty(len(order))
        side[order] = np.where(np.arange(len(order)) % 2, -1.0, 1.0)
        points = np.column_stack([side * found.across, found.along])
        low = np.minimum(points.min(0), 0.0)
        high = np.maximum(points.max(0), [0.0, found.length_of_mean])
        extent = np.maximum(high - low, 1e-9)
        self.unit = float(min(box.width / extent[0], box.height / extent[1]))
        self.start = np.array(box.center) - self.unit * (low + high) / 2
        ends = self.start + self.unit * points
        muted = [*theme.rgb("muted"), 0.8]
        self.lines = Edges(np.tile(self.start, (len(ends), 1)), ends, muted, 1.5, values=found.lengths)
        ink = [*theme.rgb("foreground"), 1.0]
        self.own = Edges([self.start], ends[:1], ink, 3.0, values=found.lengths[:1])
        self.tips = Neurons(ends, TIP, theme.rgb("muted"), theme.rgb("muted"))
        tip = self.start + np.array([0.0, self.unit * found.length_of_mean])
        yellow = [*theme.rgb("emphasis"), 1.0]
        self.mean = Edges([self.start], [tip], yellow, 5.0, values=[found.length_of_mean], z_index=1)
        self.dot = Neurons([self.start], DOT, theme.rgb("foreground"), theme.rgb("foreground"), z_index=1)
        words = f"a line: the gradient of one of {len(ends)} {kind}; thick: of this image"
        at = (area.center[0], area.top - LABEL_ROOM / 2)
        self.title = text_line(ellipsize_line(words, area.width, LABEL), LABEL, theme.rgb("muted"), at=at)
        text = "upright: their mean; a line's angle to it is true, its side means nothing"
        self.label = text_line(
            ellipsize_line(text, area.width, LABEL),
            LABEL,
            theme.rgb("emphasis"),
            at=(at[0], area.bottom + LABEL_ROOM / 2),
        )

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of it."""
        return [self.lines, self.tips, self.own, self.mean, self.dot, self.title, self.label]

    def appear(self) -> list[list[Animate]]:
        """Return the plays in which the gradients appear, then their mean."""
        lines = Animate(self.lines, start={"progress": 0.0}, progress=1.0, lag_ratio=2.0, run_time=1.5)
        mean = Animate(self.mean, start={"progress": 0.0}, progress=1.0, run_time=0.8)
        ends = fade_in([self.tips, self.own], 1.4)
        return [[*fade_in([self.dot, self.title]), lines, *ends], [mean, *fade_in([self.label], 0.4)]]

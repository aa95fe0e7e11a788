"""The shortcut of a residual block: a line from what is read, over the block, to what is made."""

import numpy as np

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

HEAD = 0.14  # length of the arrow's head


class ShortcutArc:
    """A line in three parts with an arrow's head, its label beside it.

    Parameters
    ----------
    theme : Theme
    start, end : Area
        What is read and what is made, from left to right or one below the other.
    label : str
    """

    def __init__(self, theme: Theme, start: Area, end: Area, label: str) -> None:
        if end.left >= start.right:  # side by side: over the gap between them
            y = (start.bottom + start.top) / 2
            points = np.array([[start.right - 0.05, y], [end.left + 0.05, y]])
            head = points[-1] + np.array([[-HEAD, HEAD * 0.7], [-HEAD, -HEAD * 0.7]])
        else:
            x = (start.left + start.right) / 2
            points = np.array([[x, start.bottom + 0.05], [x, end.top - 0.05]])
            head = points[-1] + np.array([[-HEAD * 0.7, HEAD], [HEAD * 0.7, HEAD]])
        ink = [*theme.rgb("foreground"), 1.0]
        starts = np.concatenate([points[:-1], head])
        ends = np.concatenate([points[1:], np.repeat(points[-1:], 2, 0)])
        self.line = Edges(starts, ends, ink, 2.0)
        self.label = text_line(label, LABEL, theme.rgb("foreground"), at=(points.mean(0)[0], points.mean(0)[1] + 0.25))

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Line and label."""
        return [self.line, self.label]

    def appear(self, delay: float = 0.0) -> list[Animate]:
        """Let it appear."""
        return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=delay) for m in self.mobjects]

    def leave(self) -> list[Animate]:
        """Let it leave."""
        return [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in self.mobjects]

"""The shortcut of a residual block as an arrow."""

from collections.abc import Sequence

import numpy as np

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

HEAD = 0.16  # length of the arrow's head
LABEL_GAP = 0.26  # between the line and its label


class ShortcutArc:
    """A straight arrow with a label over its middle.

    Parameters
    ----------
    theme : Theme
    start, end : (float, float)
    label : str
    """

    def __init__(self, theme: Theme, start: Sequence[float], end: Sequence[float], label: str) -> None:
        a, b = np.asarray(start, float), np.asarray(end, float)
        along = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
        across = np.array([-along[1], along[0]])
        sides = np.array([b - HEAD * along + 0.6 * HEAD * across, b - HEAD * along - 0.6 * HEAD * across])
        starts, ends = np.concatenate([a[None], sides]), np.repeat(b[None], 3, 0)
        ink = theme.rgb("foreground")
        self.line = Edges(starts, ends, [*ink, 1.0], 2.0, z_index=2)
        x, y = (a + b) / 2
        side = LABEL_GAP if abs(along[0]) > abs(along[1]) else 0.0
        align = (0, 0) if side else (-1, 0)
        self.label = text_line(label, LABEL, ink, at=(x + (0 if side else LABEL_GAP), y + side), align=align, z_index=2)

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Line, and label if there is one."""
        return [self.line, self.label] if self.label.text else [self.line]

    def appear(self, delay: float = 0.0) -> list[Animate]:
        """Let it appear."""
        return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=delay) for m in self.mobjects]

    def leave(self) -> list[Animate]:
        """Let it leave."""
        return [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in self.mobjects]


def facing_points(first: Area, second: Area, inset: float = 0.1) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the middles of the facing sides of two areas, side by side or one below the other."""
    if second.left >= first.right:
        y = (first.bottom + first.top) / 2
        return (first.right + inset, y), (second.left - inset, y)
    x = (first.left + first.right) / 2
    return (x, first.bottom - inset), (x, second.top + inset)

"""Legends of edges."""

from netcore.core.formatting import format_value
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import text_line
from netcore.viz.theme import Theme

LEGEND_LINE = 0.36  # height of a line


def edge_scale_legend(
    theme: Theme,
    left: float,
    top: float,
    strongest: float | None,
    weakest: float | None,
    title: str = "weight × activation",
    scope: str = "",
) -> list[ArrayMobject]:
    """Explain edges by real ones: the strongest that raises and the strongest that lowers, with their numbers.

    Parameters
    ----------
    theme : Theme
    left, top : float
        Upper left corner; each of the up to four lines is `LEGEND_LINE` high.
    strongest, weakest : float or None
        The largest and the smallest contribution that is drawn; None leaves the line out.
    title : str
        What an edge carries.
    scope : str
        Which edges the numbers are of: the last line.
    """
    muted, y = theme.rgb("muted"), top - LEGEND_LINE / 2
    out: list[ArrayMobject] = [text_line(title, LABEL, muted, at=(left, y), align=(-1, 0))]
    size = max(abs(strongest or 0.0), abs(weakest or 0.0), 1e-12)
    for value, role, word in ((strongest, "positive", "raises"), (weakest, "negative", "lowers")):
        if value is None:
            continue
        y -= LEGEND_LINE
        width = 1.0 + 4.0 * abs(value) / size
        out.append(Edges([(left, y)], [(left + 0.5, y)], [*theme.rgb(role), 1.0], width))
        text = f"{word} by up to {format_value(abs(value))}"
        out.append(text_line(text, LABEL, muted, at=(left + 0.65, y), align=(-1, 0)))
    if scope:
        out.append(text_line(scope, LABEL, muted, at=(left, y - LEGEND_LINE), align=(-1, 0)))
    return out

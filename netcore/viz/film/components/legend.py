"""Legend of edge colours."""

from netcore.viz.film.base_mobject import NOTE, ArrayMobject
from netcore.viz.film.edges import Edges
from netcore.viz.film.text import text_line
from netcore.viz.theme import Theme


def edge_legend(theme: Theme, left: float, top: float) -> list[ArrayMobject]:
    """What the colours of edges mean, in three lines from (`left`, `top`) downwards, 2.6 wide and 1 high."""
    muted = theme.rgb("muted")
    out: list[ArrayMobject] = [text_line("weight × activation", NOTE, muted, at=(left, top), align=(-1, 0))]
    for k, (role, word) in enumerate((("positive", "raises the sum"), ("negative", "lowers the sum"))):
        y = top - 0.36 - 0.33 * k
        out.append(Edges([(left, y)], [(left + 0.45, y)], [*theme.rgb(role), 1.0], 3.0))
        out.append(text_line(word, NOTE, muted, at=(left + 0.6, y), align=(-1, 0)))
    return out

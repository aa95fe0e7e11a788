"""First and last weights of one unit, side by side."""

from netcore.analysis.first_layer import FirstUnit
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.map_screen import centered_scale
from netcore.viz.film.components.tiles import Tiles
from netcore.viz.film.components.weight_view import LINE, picture_frames
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

GAP = 0.6


def weight_ends(theme: Theme, stage: Area, unit: FirstUnit, names: tuple[str, str], limit: float) -> list[ArrayMobject]:
    """Return two pictures of a unit's weights on one scale, each with its name above and the scale below.

    Parameters
    ----------
    theme : Theme
    stage : Area
    unit : FirstUnit
    names : tuple of str
    limit : float
        Value of the full colour.
    """
    out: list[ArrayMobject] = []
    for weights, area, name in zip(unit.own[[0, -1]], stage.columns([1, 1], GAP), names, strict=True):
        inner = Area(area.left, area.bottom + LINE, area.right, area.top - LINE)
        frames = picture_frames(inner, weights.shape[1:], len(weights))
        low, high = float(frames[..., 1].min()), float(frames[..., 1].max())
        text, x = ellipsize_line(name, area.width, LABEL), area.center[0]
        out += [
            Tiles(theme.signed_colors(weights / limit), frames, weights, limit, outline=theme.rgb("faint")),
            text_line(text, LABEL, theme.rgb("muted"), at=(x, high + LINE / 2)),
            *centered_scale(theme, limit, True, (x, low - LINE / 2)),
        ]
    return out

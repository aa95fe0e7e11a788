"""Matplotlib colour maps of a theme."""

from functools import cache

from matplotlib.colors import Colormap, LinearSegmentedColormap

from netcore.viz.theme import Theme

TRANSPARENT = (0.0, 0.0, 0.0, 0.0)  # no value: gaps show what lies below


@cache
def sequential(theme: Theme) -> Colormap:
    """Colour map of magnitudes: ground at 0, ink at the top."""
    cmap = LinearSegmentedColormap.from_list(f"{theme.name}-sequential", [theme.background, theme.foreground], N=512)
    return cmap.with_extremes(bad=TRANSPARENT)


@cache
def diverging(theme: Theme) -> Colormap:
    """Colour map of signed values: negative, ground at 0, positive."""
    colors = [theme.negative, theme.background, theme.positive]
    cmap = LinearSegmentedColormap.from_list(f"{theme.name}-diverging", colors, N=511)  # odd: 0 is the ground itself
    return cmap.with_extremes(bad=TRANSPARENT)

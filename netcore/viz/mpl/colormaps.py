"""Matplotlib colour maps of a theme."""

from functools import cache

from matplotlib.colors import Colormap, LinearSegmentedColormap

from netcore.viz.theme import Theme

TRANSPARENT = (0.0, 0.0, 0.0, 0.0)  # NaN


@cache
def sequential(theme: Theme) -> Colormap:
    """Return the colour map of magnitudes: background to foreground."""
    cmap = LinearSegmentedColormap.from_list(f"{theme.name}-sequential", [theme.background, theme.foreground], N=512)
    return cmap.with_extremes(bad=TRANSPARENT)


@cache
def diverging(theme: Theme) -> Colormap:
    """Return the colour map of signed values: negative, background at 0, positive."""
    colors = [theme.negative, theme.background, theme.positive]
    cmap = LinearSegmentedColormap.from_list(
        f"{theme.name}-diverging", colors, N=511
    )  # odd: 0 is exactly the background
    return cmap.with_extremes(bad=TRANSPARENT)

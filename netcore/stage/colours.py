"""Colours of figures, all made from the theme: maps of values, classes, what is read on what."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb

from netcore.stage.theme import Theme

CLEAR = (0.0, 0.0, 0.0, 0.0)  # no value: gaps show what lies below
# OKLab to cone responses, and these to linear sRGB (Björn Ottosson, "A perceptual color space for image processing")
CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@cache
def sequential(theme: Theme) -> Colormap:
    """Colour map of magnitudes: ground at 0, ink at the top."""
    cmap = LinearSegmentedColormap.from_list(f"{theme.name}-sequential", [theme.ground, theme.ink], N=512)
    return cmap.with_extremes(bad=CLEAR)


@cache
def diverging(theme: Theme) -> Colormap:
    """Colour map of signed values: negative, ground at 0, positive."""
    colours = [theme.negative, theme.ground, theme.positive]
    cmap = LinearSegmentedColormap.from_list(f"{theme.name}-diverging", colours, N=511)  # odd: 0 is the ground itself
    return cmap.with_extremes(bad=CLEAR)


def mix(theme: Theme, a: str, b: str, share: float) -> tuple[float, ...]:
    """Colour between the roles `a` and `b`: `share` of b."""
    return tuple(theme.rgb(a) * (1 - share) + theme.rgb(b) * share)


def spread(values: np.ndarray, quantile: float = 1.0) -> float:
    """Half-width of a symmetric colour range: that quantile of the magnitudes, never 0."""
    values = np.abs(values[np.isfinite(values)])
    return float(np.quantile(values, quantile)) or 1.0 if values.size else 1.0


def readable(theme: Theme, ground: Sequence[float]) -> str:
    """Ink or ground, whichever is read best on a cell of colour `ground` (r, g, b); white or black on middle tones."""
    best = max(theme.ink, theme.ground, key=lambda colour: contrast(to_rgb(colour), ground))
    if contrast(to_rgb(best), ground) >= 4.6:
        return best
    return max("#ffffff", "#000000", key=lambda colour: contrast(to_rgb(colour), ground))


def contrast(a: Sequence[float], b: Sequence[float]) -> float:
    """Contrast of two colours (r, g, b), from 1 to 21, by WCAG 2.2."""

    def luminance(colour: Sequence[float]) -> float:
        c = np.asarray(colour[:3], dtype=float)
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@cache
def categories(theme: Theme, count: int) -> list[tuple[float, float, float]]:
    """Colours of `count` classes: hues evenly around the circle, neighbours told apart by lightness too."""
    dark = contrast(theme.rgb("ground"), (1, 1, 1)) > 4
    levels = (0.82, 0.68) if dark else (0.5, 0.64)
    found = []
    for k in range(count):
        hue, light = 2 * np.pi * (k / count + 0.07), levels[k % 2]
        a, b = 0.13 * np.cos(hue), 0.13 * np.sin(hue)
        linear = np.clip(LINEAR @ (CONES @ [light, a, b]) ** 3, 0, 1)
        shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        found.append((float(shown[0]), float(shown[1]), float(shown[2])))
    return found


def confusion_colours(theme: Theme, share: np.ndarray) -> np.ndarray:
    """Colours (K, K, 3) of shares of the true class; wrong ones are scaled up so that they are seen."""
    diagonal = np.eye(len(share), dtype=bool)
    worst = share[~diagonal].max(initial=0) or 1.0
    strength = np.where(diagonal, 0.12 + 0.78 * share, 0.9 * np.minimum(share / worst, 1) ** 0.7)[..., None]
    ends = np.where(diagonal[..., None], theme.rgb("right"), theme.rgb("wrong"))
    panel = np.array(mix(theme, "ground", "faint", 0.35))
    return panel * (1 - strength) + ends * strength

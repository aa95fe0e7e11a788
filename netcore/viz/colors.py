"""Colours computed from theme and values."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.colors import to_rgb

from netcore.viz.theme import Theme

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


def blend(theme: Theme, a: str, b: str, share: float) -> tuple[float, ...]:
    """Colour between the roles `a` and `b`: `share` of b."""
    return tuple(theme.rgb(a) * (1 - share) + theme.rgb(b) * share)


def abs_limit(values: np.ndarray, quantile: float = 1.0) -> float:
    """Half-width of a symmetric colour range: that quantile of the magnitudes, never 0."""
    values = np.abs(values[np.isfinite(values)])
    return float(np.quantile(values, quantile)) or 1.0 if values.size else 1.0


def text_color_on(theme: Theme, ground: Sequence[float]) -> str:
    """Ink or ground, whichever is read best on a cell of colour `ground` (r, g, b); white or black on middle tones."""
    best = max(theme.foreground, theme.background, key=lambda color: contrast_ratio(to_rgb(color), ground))
    if contrast_ratio(to_rgb(best), ground) >= 4.6:
        return best
    return max("#ffffff", "#000000", key=lambda color: contrast_ratio(to_rgb(color), ground))


def contrast_ratio(a: Sequence[float], b: Sequence[float]) -> float:
    """Contrast of two colours (r, g, b), from 1 to 21, by WCAG 2.2."""

    def luminance(color: Sequence[float]) -> float:
        c = np.asarray(color[:3], dtype=float)
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@cache
def class_colors(theme: Theme, count: int) -> list[tuple[float, float, float]]:
    """Colours of `count` classes: hues evenly around the circle, neighbours told apart by lightness too."""
    dark = contrast_ratio(theme.rgb("background"), (1, 1, 1)) > 4
    levels = (0.82, 0.68) if dark else (0.5, 0.64)
    found = []
    for k in range(count):
        hue, light = 2 * np.pi * (k / count + 0.07), levels[k % 2]
        a, b = 0.13 * np.cos(hue), 0.13 * np.sin(hue)
        linear = np.clip(LINEAR @ (CONES @ [light, a, b]) ** 3, 0, 1)
        shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        found.append((float(shown[0]), float(shown[1]), float(shown[2])))
    return found


def confusion_colors(theme: Theme, share: np.ndarray) -> np.ndarray:
    """Colours (K, K, 3) of shares of the true class; wrong ones are scaled up so that they are seen."""
    diagonal = np.eye(len(share), dtype=bool)
    worst = share[~diagonal].max(initial=0) or 1.0
    strength = np.where(diagonal, 0.12 + 0.78 * share, 0.9 * np.minimum(share / worst, 1) ** 0.7)[..., None]
    ends = np.where(diagonal[..., None], theme.rgb("correct"), theme.rgb("incorrect"))
    panel = np.array(blend(theme, "background", "faint", 0.35))
    return panel * (1 - strength) + ends * strength


def drop_alpha(rgba: np.ndarray) -> np.ndarray:
    """Leave out the last of four channels: (H, W, 4) to a new (H, W, 3)."""
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    for channel in range(3):  # twice as fast as one copy of a slice
        rgb[..., channel] = rgba[..., channel]
    return rgb


def neuron_colors(theme: Theme, values: np.ndarray, functions: tuple[str, ...] = ()) -> np.ndarray:
    """Fill of neurons (N, 3): from ground to ink, or by sign where some activations are negative."""
    t = normalize_activation(values, functions)
    return theme.signed_colors(t) if (t < 0).any() else theme.activation_colors(t)


def map_colors(theme: Theme, values: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """Colours (…, 3) of maps on one scale, the value of the full colour, and whether the palette is the signed one."""
    values = np.asarray(values, dtype=float)
    scale = float(np.abs(values).max()) or 1.0
    signed = bool((values < 0).any())
    return (theme.signed_colors if signed else theme.activation_colors)(values / scale), scale, signed


def normalize_activation(values: np.ndarray, functions: tuple[str, ...] = ()) -> np.ndarray:
    """Activations as shades in [-1, 1]: a sigmoid's as they are, others as shares of the layer's largest magnitude."""
    if functions and functions[-1] in ("Sigmoid", "Softmax"):
        return np.asarray(values, float)
    return np.asarray(values, float) / max(float(np.abs(values).max()), 1e-12)

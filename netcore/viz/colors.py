"""Colours computed from theme and values."""

from functools import cache

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike, NDArray

from netcore.viz.theme import Color, Theme

# OKLab to cone responses and on to linear sRGB (Björn Ottosson, "A perceptual color space for image processing")
OKLAB_TO_CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def blend(theme: Theme, a: str, b: str, share: float) -> tuple[float, float, float]:
    """Mix the roles `a` and `b`, with weight `share` in [0, 1] on `b`."""
    red, green, blue = (theme.rgb(a) * (1 - share) + theme.rgb(b) * share).tolist()
    return red, green, blue


def abs_limit(values: ArrayLike, quantile: float = 1.0) -> float:
    """Return the half-width of a symmetric colour range: a quantile of the magnitudes, never 0."""
    array = np.asarray(values)
    sizes = np.abs(array[np.isfinite(array)])
    return float(np.quantile(sizes, quantile)) or 1.0 if sizes.size else 1.0


def text_color_on(theme: Theme, background: Color) -> str:
    """Return the theme's text colour of higher contrast on `background`; white or black on middle tones."""
    best = max(theme.foreground, theme.background, key=lambda color: contrast_ratio(to_rgb(color), background))
    if contrast_ratio(to_rgb(best), background) >= 4.6:
        return best
    return max("#ffffff", "#000000", key=lambda color: contrast_ratio(to_rgb(color), background))


def contrast_ratio(a: Color, b: Color) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it."""

    def luminance(color: Color) -> float:
        c = np.asarray(color[:3], dtype=float)
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@cache
def class_colors(theme: Theme, count: int) -> list[tuple[float, float, float]]:
    """Return `count` colours of evenly spaced hue and alternating lightness."""
    dark = contrast_ratio(theme.rgb("background"), (1, 1, 1)) > 4
    levels = (0.82, 0.68) if dark else (0.5, 0.64)
    found = []
    for k in range(count):
        hue, light = 2 * np.pi * (k / count + 0.07), levels[k % 2]
        a, b = 0.13 * np.cos(hue), 0.13 * np.sin(hue)
        linear = np.clip(CONES_TO_RGB @ (OKLAB_TO_CONES @ [light, a, b]) ** 3, 0, 1)
        shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        found.append((float(shown[0]), float(shown[1]), float(shown[2])))
    return found


def confusion_colors(theme: Theme, share: ArrayLike) -> NDArray[np.float64]:
    """Return cell colours (K, K, 3) for shares (K, K) of the true class; errors are scaled to the largest."""
    share = np.asarray(share, dtype=float)
    diagonal = np.eye(len(share), dtype=bool)
    worst = share[~diagonal].max(initial=0) or 1.0
    strength = np.where(diagonal, 0.12 + 0.78 * share, 0.9 * np.minimum(share / worst, 1) ** 0.7)[..., None]
    ends = np.where(diagonal[..., None], theme.rgb("correct"), theme.rgb("incorrect"))
    panel = np.array(blend(theme, "background", "faint", 0.35))
    return panel * (1 - strength) + ends * strength


def drop_alpha(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copy uint8 (H, W, 4) without its alpha channel: (H, W, 3)."""
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    for channel in range(3):  # twice as fast as one copy of a slice
        rgb[..., channel] = rgba[..., channel]
    return rgb


def straight_alpha(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copy uint8 (H, W, 4) whose colours are multiplied by alpha, as Cairo has them, with the colours themselves."""
    alpha = rgba[..., 3:].astype(np.uint16)
    out = rgba.copy()
    out[..., :3] = np.minimum(255, (rgba[..., :3].astype(np.uint16) * 255 + alpha // 2) // np.maximum(alpha, 1))
    return out


def image_colors(theme: Theme, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return colours (H, W, 3) of an image, uint8 (C, H, W): its own if it has three channels, else by brightness."""
    if len(pixels) == 3:
        return np.asarray(pixels.transpose(1, 2, 0) / 255)
    return theme.activation_colors(pixels.mean(axis=0) / 255)


def neuron_colors(theme: Theme, values: ArrayLike, functions: tuple[str, ...] = ()) -> NDArray[np.float64]:
    """Return fills (N, 3) of neurons: by magnitude, or by sign if any activation is negative."""
    t = normalize_activation(values, functions)
    return theme.signed_colors(t) if (t < 0).any() else theme.activation_colors(t)


def map_colors(theme: Theme, values: ArrayLike) -> tuple[NDArray[np.float64], float, bool]:
    """Return colours (…, 3) of maps on one scale, the value of the full colour, and whether values are signed."""
    values = np.asarray(values, dtype=float)
    scale = float(np.abs(values).max()) or 1.0
    signed = bool((values < 0).any())
    return (theme.signed_colors if signed else theme.activation_colors)(values / scale), scale, signed


def normalize_activation(values: ArrayLike, functions: tuple[str, ...] = ()) -> NDArray[np.float64]:
    """Scale activations to [-1, 1]: divide by the largest magnitude, except sigmoid and softmax outputs."""
    values = np.asarray(values, dtype=float)
    if functions and functions[-1] in ("Sigmoid", "Softmax"):
        return values
    return values / max(float(np.abs(values).max()), 1e-12)

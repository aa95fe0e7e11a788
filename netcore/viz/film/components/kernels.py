"""Convolution kernels as images."""

import numpy as np

from netcore.core.formatting import format_subset
from netcore.viz.colors import map_colors
from netcore.viz.film.base_mobject import NOTE, ArrayMobject
from netcore.viz.film.components.feature_maps import FeatureMaps
from netcore.viz.film.text import text_line
from netcore.viz.layout.grid_layout import grid_frames, max_pixel_size
from netcore.viz.theme import Theme

MAX_KERNELS = (1.4, 1.5)  # how far below the arrow the middle of the kernels lies, and the side of their square


def kernel_images(
    theme: Theme, weight: np.ndarray, chosen: np.ndarray, center: tuple[float, float], foot: float
) -> list[ArrayMobject]:
    """The learned kernels (O, k, k) that make the `chosen` maps, in their order, and at height `foot` their number."""
    rgb, scale, _ = map_colors(theme, weight[chosen])
    size, gap = weight.shape[1:], 0.12
    place = grid_frames(
        len(chosen),
        size,
        (center[0], center[1] - MAX_KERNELS[0]),
        max_pixel_size(len(chosen), size, MAX_KERNELS[1], gap),
        gap,
    )
    text = format_subset(len(chosen), len(weight), "kernel")
    return [
        FeatureMaps(rgb, place, weight[chosen], scale, outline=theme.rgb("faint")),
        text_line(text, NOTE, theme.rgb("muted"), at=(center[0], foot)),
    ]

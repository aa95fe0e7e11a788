"""Learned kernels

The kernels of a convolution of {run} ({network}) at {snapshot}; blue weights are positive, orange ones negative.
"""

import numpy as np

from netcore.core.formatting import format_shape, format_subset
from netcore.errors import unknown
from netcore.stage.colours import diverging, spread
from netcore.stage.facts import layer_words, shape_words, some_of
from netcore.stage.mosaic import image_grid
from netcore.stage.plot import Box, colour_bar, heading
from netcore.stage.timeline import Timeline, frame_of, snapshots_until_now

NEEDS = ("convolution",)
ORDER = 54
ANIMATED = True


def draw(fig, case, *, layer: str = "", kernels: int = 64, seconds: float = 6.0):
    """Draw the kernels as one mosaic.

    Parameters
    ----------
    layer : str
        Name of the convolution; the first one unless given.
    kernels : int
        At most so many kernels of a first layer; the strongest, where it has more.
    seconds : float
        Duration of the animation.
    """
    theme = fig.theme
    snapshots = snapshots_until_now(case)
    final = case.layer_weights(snapshots[-1], 4)
    layer = layer or next(iter(final), "")
    if layer not in final:
        raise unknown("convolution", layer, final)
    choose, columns, words = _choice(final[layer], kernels)
    over_time = [choose(case.layer_weights(s, 4)[layer]) for s in snapshots]
    limit = spread(np.stack(over_time))

    body, _ = heading(fig, f"Kernels of {layer_words(layer)} in {case.display_name}", words)
    upper, lower = body.inset(bottom=62), Box(body.x, body.y + body.h - 46, body.w, 46)
    gap = 10 if final[layer].shape[1] == 1 else 12
    settings = {"cmap": diverging(theme), "low": -limit, "high": limit, "frame": True, "gap": gap}
    mosaic = image_grid(fig, upper, over_time[-1], columns=columns, align=(0.5, 0.5), **settings)
    scale, time = lower.columns(0.9, 2, gap=40)
    colour_bar(fig, scale, diverging(theme), -limit, limit, "weight")
    timeline = Timeline(fig, time, case, snapshots)

    def update(t: float) -> list:
        i = frame_of(t, len(snapshots))
        return [mosaic.set(over_time[i]), *timeline.show(i)]

    update(1.0)
    return update


def _choice(weight: np.ndarray, most: int):
    """Which kernels of (out, in, h, w) are shown: how to pick them, in how many columns, and words for it.

    A layer of one input map shows a kernel an output map; one of a few (colours) joins them into a strip; for one of
    many, output maps stand across and input maps down.
    """
    outputs, inputs, h, w = weight.shape
    norm = np.linalg.norm(weight.reshape(outputs, inputs, -1), axis=2)
    if inputs <= 4:
        order = np.sort(np.argsort(-norm.sum(1))[:most])
        words = f"{format_subset(len(order), outputs, 'kernel')} of {h}×{w}"
        if inputs == 1:
            words += ": ink under blue adds to the map, ink under orange takes away"
        else:
            words += f", for each of the {inputs} input maps one below the other"
        return lambda k: k[order].reshape(len(order), inputs * h, w), None, words
    across = np.sort(np.argsort(-norm.sum(1))[:28])
    down = np.sort(np.argsort(-norm.sum(0))[:12])
    words = f"kernels of {format_shape((h, w))}: {format_subset(len(across), outputs, 'output map')} across, "
    words += f"{format_subset(len(down), inputs, 'input map')} down, those of the largest weights"
    return lambda k: k[np.ix_(across, down)].transpose(1, 0, 2, 3).reshape(-1, h, w), len(across), words

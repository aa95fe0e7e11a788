"""First-layer weights

First-layer weights of {run} ({network}) at {snapshot}, each neuron's as an image: ink on blue excites it, ink on orange
inhibits it.
"""

import numpy as np

from netcore.core.formatting import format_subset
from netcore.errors import Refused
from netcore.stage.colours import diverging, spread
from netcore.stage.facts import layer_words, some_of
from netcore.stage.mosaic import image_grid
from netcore.stage.plot import Box, colour_bar, heading
from netcore.stage.timeline import Timeline, frame_of, snapshots_until_now

NEEDS = ("linear-first",)
ORDER = 52
ANIMATED = True


def draw(fig, case, *, neurons: int = 24, seconds: float = 6.0):
    """Draw the weights of first-layer neurons as one mosaic.

    Parameters
    ----------
    neurons : int
        At most so many neurons; those with the largest outgoing weights, where there are more.
    seconds : float
        Duration of the animation.
    """
    theme = fig.theme
    snapshots = snapshots_until_now(case)
    matrices = case.layer_weights(snapshots[-1], 2)
    layer, shape = next(iter(matrices)), case.input_shape
    if matrices[layer].shape[1] != np.prod(shape):
        raise Refused(f"run '{case.run_name}': its first dense layer does not look at the image's pixels")
    order = _most_used(list(matrices.values()), neurons)

    def images(snapshot) -> np.ndarray:  # (neurons, H, W), the mean over colours
        weight = case.layer_weights(snapshot, 2)[layer][order]
        return weight.reshape(-1, *shape).mean(1)

    over_time = [images(s) for s in snapshots]
    limit = spread(over_time[-1], 0.998)
    ink = (
        "blue excites, orange inhibits, mean of 3 colours"
        if shape[0] == 3
        else "ink on blue excites, on orange inhibits"
    )
    words = f"{ink} · {format_subset(len(order), len(matrices[layer]), 'neuron')}"
    words += ", those of the largest outgoing weights" if len(order) < len(matrices[layer]) else ""
    body, _ = heading(fig, f"Weights of {layer_words(layer)} in {case.display_name}", words)
    upper, lower = body.inset(bottom=62), Box(body.x, body.y + body.h - 46, body.w, 46)
    settings = {"cmap": diverging(theme), "low": -limit, "high": limit, "frame": True}
    mosaic = image_grid(fig, upper, over_time[-1], align=(0.5, 0.5), **settings)
    scale, time = lower.columns(0.9, 2, gap=40)
    colour_bar(fig, scale, diverging(theme), -limit, limit, "weight", clipped=True)
    timeline = Timeline(fig, time, case, snapshots)

    def update(t: float) -> list:
        i = frame_of(t, len(snapshots))
        return [mosaic.set(over_time[i]), *timeline.show(i)]

    update(1.0)
    return update


def _most_used(matrices: list[np.ndarray], most: int) -> np.ndarray:
    """Neurons of the first layer with the largest norm of outgoing weights (of weights where it is the last layer)."""
    used = np.linalg.norm(matrices[1], axis=0) if len(matrices) > 1 else np.linalg.norm(matrices[0], axis=1)
    return np.sort(np.argsort(-used, kind="stable")[:most])

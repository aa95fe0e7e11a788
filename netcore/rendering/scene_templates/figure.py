"""New figure.

The classes that {network} finds most probable for one image. Predicted {prediction} ({confidence}).
"""

import numpy as np

from netcore.core.context import SceneContext
from netcore.core.formatting import format_percent
from netcore.viz.mpl.style import ThemedFigure

NEEDS = ()  # what a run must have, such as ("mlp",), ("maps",) or ("evaluation",)


def draw(fig: ThemedFigure, context: SceneContext, *, most: int = 5) -> None:
    """Draw the most probable classes.

    Parameters
    ----------
    most : int
        Number of classes shown; becomes the option --most.
    """
    trace = context.trace()  # every value comes from the trace
    order = np.argsort(-trace.probabilities)[:most]
    picture, bars = fig.subplots(1, 2, width_ratios=[1, 2])
    picture.imshow(np.moveaxis(trace.pixels, 0, -1), cmap="gray", vmin=0, vmax=255)
    picture.set_axis_off()
    found = bars.barh([trace.classes[k] for k in order], trace.probabilities[order], color=fig.theme.foreground)
    bars.bar_label(found, [format_percent(p) for p in trace.probabilities[order]], padding=8)
    bars.invert_yaxis()
    bars.set_xlim(0, 1.2)  # room for the numbers
    bars.set_xticks([0, 0.5, 1])
    bars.set_xlabel("probability")
    bars.set_title(f"Most probable classes of {context.run_name}")

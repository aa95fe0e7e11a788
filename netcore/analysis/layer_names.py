"""Layers and networks as people name them."""

import numpy as np

from netcore.core.run import Run


def architecture_summary(run: Run) -> str:
    """A few words for a run's network: ``784-16-16-10``, or what a convolutional one is made of."""
    kinds = [layer for layer in run.layers if layer["kind"].startswith(("Linear", "Conv"))]
    dense = [layer for layer in kinds if layer["kind"] == "Linear"]
    if kinds and kinds == dense:
        widths = [int(np.prod(dense[0]["input"]))] + [int(layer["output"][-1]) for layer in dense]
        return "-".join(map(str, widths))
    return f"a network of {len(kinds) - len(dense)} convolutions and {len(dense)} dense layers"


def layer_title(name: str) -> str:
    """What a title calls a layer: its name, or ``layer 3`` where that is only its number in a sequence."""
    return f"layer {name}" if name.isdigit() else name

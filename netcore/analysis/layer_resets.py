"""Accuracy of a network with one layer put back to untrained weights.

The experiment is re-initialisation robustness: Zhang, Bengio and Singer, "Are all layers created equal?", 2019.
"""

from dataclasses import dataclass

import numpy as np

from netcore.analysis.blocks import Block
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.regions import evenly_spaced
from netcore.core.context import SceneContext
from netcore.core.run import LabeledImages, Snapshot
from netcore.core.trace import Trace


@dataclass(frozen=True)
class LayerReset:
    """title : str, of the layer. accuracy : float, in [0, 1], with its weights and bias put back."""

    title: str
    accuracy: float


def weighted_blocks(trace: Trace) -> list[Block]:
    """Return the layers with weights, without normalizations."""
    return [b for b in graph_of_trace(trace) if b.main.parameters and b.kind != "norm"]


def reset_layers(
    context: SceneContext, first: Snapshot, last: Snapshot, images: LabeledImages, limit: int = 12
) -> tuple[list[LayerReset], int]:
    """Put one layer after another back to its weights at `first` and measure the accuracy of the rest of `last`.

    Normalization layers keep their trained parameters.

    Returns
    -------
    resets : list of LayerReset
        At most `limit` of them, evenly spaced layers.
    total : int
        Number of layers with weights.
    """
    untrained, network = context.weights(first), context.network(last)
    blocks = weighted_blocks(context.trace(at=last))
    out = []
    for block in evenly_spaced(blocks, limit):
        replaced = {name: untrained[name] for name in block.main.parameters if name in untrained}
        predicted = network.predict(images.images, weights=replaced)["logits"].argmax(1)
        out.append(LayerReset(block.title, float(np.mean(predicted == images.labels))))
    return out, len(blocks)

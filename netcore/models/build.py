"""Build an `nn.Sequential` from an architecture."""

from collections import OrderedDict

from torch import nn

from netcore.models.architecture import ACTIVATIONS, Architecture


def build_model(
    architecture: Architecture, shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10
) -> nn.Sequential:
    """Build a network that maps images (B, C, H, W) in [0, 1] to logits (B, K).

    Parameters
    ----------
    architecture : Architecture
    shape : tuple of int
        (C, H, W) of one image.
    classes : int
        Number of classes K.

    Examples
    --------
    >>> [name for name, _ in build_model(Architecture(hidden=(16,))).named_children()]
    ['flatten', 'hidden1', 'hidden1_act', 'output']
    """
    activation = getattr(nn, ACTIVATIONS[architecture.activation])
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, height, width = shape
    number = 0
    for b, block in enumerate(architecture.conv, 1):
        for out in block:
            number += 1
            layers[f"conv{number}"] = nn.Conv2d(channels, out, architecture.kernel, padding=architecture.kernel // 2)
            if architecture.batch_norm:
                layers[f"norm{number}"] = nn.BatchNorm2d(out)
            layers[f"act{number}"] = activation()
            channels = out
        layers[f"pool{b}"] = nn.MaxPool2d(2)
        height, width = height // 2, width // 2
        if architecture.block_dropout:
            layers[f"drop{b}"] = nn.Dropout(architecture.block_dropout)
    layers["flatten"] = nn.Flatten()
    features = channels * height * width
    for h, out in enumerate(architecture.hidden, 1):
        layers[f"hidden{h}"] = nn.Linear(features, out)
        if architecture.dense_norm:
            layers[f"hidden{h}_norm"] = nn.BatchNorm1d(out)
        layers[f"hidden{h}_act"] = activation()
        if architecture.dropout:
            layers[f"hidden{h}_drop"] = nn.Dropout(architecture.dropout)
        features = out
    layers["output"] = nn.Linear(features, classes)
    return nn.Sequential(layers)

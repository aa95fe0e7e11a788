"""The stages that an image goes through: a convolution with its normalisation and activation, a pooling, a sum."""

from dataclasses import dataclass

from netcore.core.trace import LayerTrace, Trace

PASSING = ("Norm", "Dropout", "Identity")  # kinds that go with the layer before them
ACTIVATIONS = (
    "ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus",
    "Hardswish", "Hardsigmoid", "Hardtanh",
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One stage: `name` of its layer, `kinds` of what changes the values, `nodes` of the trace that belong to it."""

    name: str
    kinds: tuple[str, ...]
    nodes: tuple[str, ...]

    @property
    def node(self) -> str:
        """The last node, whose output is shown."""
        return self.nodes[-1]

    @property
    def words(self) -> str:
        """Its operations: ``3×3 convolution, batch norm, ReLU``."""
        return ", ".join(dict.fromkeys(_WORDS.get(kind, kind) for kind in self.kinds))


_WORDS = {
    "Conv2d": "convolution", "BatchNorm2d": "batch norm", "BatchNorm1d": "batch norm", "LayerNorm": "layer norm",
    "MaxPool2d": "max-pooling", "AvgPool2d": "mean-pooling", "AdaptiveAvgPool2d": "mean over the map", "add": "sum",
    "Linear": "dense layer", "Sigmoid": "sigmoid", "Tanh": "tanh", "Flatten": "flattening", "cat": "joining",
}  # fmt: skip


def stages(trace: Trace, dimensions: int | None = 3) -> list[Stage]:
    """Stages whose outputs have that many dimensions: 3 for maps (C, H, W), 1 for vectors (features,), None for all."""
    found: list[Stage] = []
    for layer in trace.layers:
        if dimensions not in (None, layer.output.ndim) or layer.output.size == 0:
            continue
        last = found[-1] if found else None
        if last and _goes_with(layer, last, trace):
            silent = "Dropout" in layer.kind or layer.kind == "Identity"  # changes nothing when the network is used
            kinds = last.kinds if silent else (*last.kinds, layer.kind)
            found[-1] = Stage(last.name, kinds, (*last.nodes, layer.name))
        else:
            found.append(Stage(layer.name, (layer.kind,), (layer.name,)))
    return found


def _goes_with(layer: LayerTrace, last: Stage, trace: Trace) -> bool:
    """Whether a node only passes on what the stage before it gave."""
    follows = last.node in layer.inputs and trace.value(last.node).shape == layer.output.shape
    return follows and (layer.kind in ACTIVATIONS or any(word in layer.kind for word in PASSING))


def evenly_spaced(found: list[Stage], most: int) -> list[Stage]:
    """At most so many stages, evenly spread, the first and the last among them."""
    if len(found) <= most:
        return found
    return [found[round(i * (len(found) - 1) / (most - 1))] for i in range(most)]

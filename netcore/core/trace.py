"""Values of one forward pass as NumPy arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.probabilities import class_probabilities


@dataclass(frozen=True)
class LayerTrace:
    """One node of the network's graph, with its values.

    Attributes
    ----------
    name : str
        Unique in the trace (``"hidden1"``, ``"layer1.0.relu"``, ``"add_1"``).
    kind : str
        Class of the module or name of the function in PyTorch: ``"Linear"``, ``"Conv2d"``, ``"ReLU"``, ``"MaxPool2d"``,
        ``"BatchNorm2d"``, ``"Flatten"``, ``"Dropout"``, ``"add"``, … A functional call has the kind of the equivalent
        module (``F.relu`` is ``"ReLU"``).
    inputs : tuple of str
        Names of the nodes that it takes as inputs; the image is ``"input"``.
    output : ndarray of float32, shape (C, H, W) or (F,)
        Without the batch dimension.
    weight, bias : ndarray or None
        Parameters.
    grad_output, grad_weight, grad_bias : ndarray or None
        Gradients of the loss with respect to output, weight and bias.
    settings : mapping of str to object
        ``kernel_size``, ``stride``, ``padding`` (pairs if two-dimensional), ``p``, …
    module : str
        Dotted path of its module, ``""`` for a function in the outermost forward.
    weight_name : str
        Name of `weight` in the snapshot, ``""`` if there is none or it was computed.
    parameter_sizes : mapping of str to int
        Number of values of each parameter that the node uses, by its name in the snapshot.
    outputs : mapping of str to ndarray
        Further outputs by node name (an LSTM's last states), each as `output`; empty for most kinds.
    module_class : str
        Class of the module at `module`, ``""`` if not known.
    batch_axis : int or None
        Batch axis in the tensor that PyTorch computed, None if it has none (a parameter, for example). `output` has
        this axis removed if it is not None.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: NDArray[np.floating]
    weight: NDArray[np.floating] | None = None
    bias: NDArray[np.floating] | None = None
    grad_output: NDArray[np.floating] | None = None
    grad_weight: NDArray[np.floating] | None = None
    grad_bias: NDArray[np.floating] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    module: str = ""
    weight_name: str = ""
    parameter_sizes: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    module_class: str = ""
    batch_axis: int | None = 0

    @property
    def parameters(self) -> int:
        """Number of parameters of the node."""
        if self.parameter_sizes:
            return sum(self.parameter_sizes.values())
        return sum(a.size for a in (self.weight, self.bias) if a is not None)


@dataclass(frozen=True)
class Trace:
    """One forward pass of one image: input, nodes in order of execution, output.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (C, H, W)
        The image before preprocessing.
    input : ndarray of float32, shape (C, H, W)
        The input of the network.
    layers : tuple of LayerTrace
        In order of execution.
    logits : ndarray of float32, shape (K,)
        Output of the network; its logarithm if the network returns probabilities (see `output_kind`).
    classes : tuple of str
        Names of the K classes.
    label : int or None
        True class, if known.
    loss : float or None
        Cross-entropy of this image in nats, None without a label.
    grad_input : ndarray or None
        Gradient of the loss with respect to `input`.
    snapshot : str
        Label of the snapshot (``"epoch 20"``).
    step : int
        Training step of the snapshot.
    modules : mapping of str to str
        Class of every module of the network by its dotted path; the network itself is ``""``.
    output_kind : {"logits", "log-probabilities", "probabilities"}
        Output of the network itself: the last two if it ends in a (log-)softmax. In all cases the softmax of `logits`
        is the network's probabilities.
    """

    pixels: NDArray[np.uint8]
    input: NDArray[np.floating]
    layers: tuple[LayerTrace, ...]
    logits: NDArray[np.floating]
    classes: tuple[str, ...]
    label: int | None = None
    loss: float | None = None
    grad_input: NDArray[np.floating] | None = None
    snapshot: str = ""
    step: int = 0
    modules: Mapping[str, str] = field(default_factory=dict)
    output_kind: str = "logits"

    def __post_init__(self) -> None:
        if self.logits.shape != (len(self.classes),):
            raise ValueError(f"{len(self.classes)} classes need as many logits, got shape {self.logits.shape}")

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax of the logits, float64 (K,)."""
        return class_probabilities(self.logits)

    @property
    def prediction(self) -> int:
        """Class with the highest logit."""
        return int(self.logits.argmax())

    @property
    def confidence(self) -> float:
        """Probability of the predicted class."""
        return float(self.probabilities.max())

    def __getitem__(self, name: str) -> LayerTrace:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def value(self, name: str) -> NDArray[np.floating]:
        """Return the output of the node `name`; ``"input"`` and further outputs are names too."""
        if name == "input":
            return self.input
        for layer in self.layers:
            if layer.name == name:
                return layer.output
            if name in layer.outputs:
                return layer.outputs[name]
        raise KeyError(name)

    def input_of(self, layer: LayerTrace) -> NDArray[np.floating]:
        """Return the first input of `layer`."""
        return self.value(layer.inputs[0])

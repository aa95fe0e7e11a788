"""The values of one pass of one image through one snapshot, as plain NumPy arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class LayerTrace:
    """One node of the network's graph, with the values that went through it.

    name : str, unique in the trace (``"hidden1"``, ``"layer1.0.relu"``, ``"add_1"``).
    kind : str, the module's class or the function's name as PyTorch has it: ``"Linear"``, ``"Conv2d"``, ``"ReLU"``,
        ``"Sigmoid"``, ``"Tanh"``, ``"MaxPool2d"``, ``"BatchNorm2d"``, ``"Flatten"``, ``"Dropout"``, ``"add"``, …
        A functional call has the kind of the module that does the same (``F.relu`` is ``"ReLU"``).
    inputs : names of the nodes whose outputs it took; the image's name is ``"input"``.
    output : float32, without the batch dimension: (C, H, W) or (features,).
    weight, bias : its parameters, or None.
    grad_output, grad_weight, grad_bias : derivatives of the loss by output, weight and bias, or None.
    settings : kernel_size, stride, padding (pairs where the kind is two-dimensional), p, … where the kind has them.
    module : dotted path of the module it belongs to; ``""`` for a function in the outermost forward.
    weight_name : what the snapshot calls `weight`; ``""`` where there is none, or it was computed on the way.
    parameter_sizes : number of values of every parameter that the node uses, by its name in the snapshot.
    outputs : further outputs by node name (an LSTM's last states), each as `output`; empty for most kinds.
    module_class : class name of the module at `module`; ``""`` if not known.
    batch_axis : axis of the batch in the tensor that PyTorch computed, None if it has no such axis (a parameter, say).
        `output` has this axis removed if it is not None.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: np.ndarray
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    grad_output: np.ndarray | None = None
    grad_weight: np.ndarray | None = None
    grad_bias: np.ndarray | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    module: str = ""
    weight_name: str = ""
    parameter_sizes: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    module_class: str = ""
    batch_axis: int | None = 0

    @property
    def parameters(self) -> int:
        """Number of parameters: weights, biases and whatever else the node uses."""
        if self.parameter_sizes:
            return sum(self.parameter_sizes.values())
        return sum(a.size for a in (self.weight, self.bias) if a is not None)


@dataclass(frozen=True)
class Trace:
    """One pass: what went in, each node in order of execution, and what came out.

    pixels : uint8 (C, H, W), the image as it is shown.
    input : float32 (C, H, W), the image as the network received it.
    layers : in order of execution.
    logits : float32 (K,), the network's output; logarithms of it if it gives probabilities (see `output_kind`).
    classes : K names.
    label : the true class, or None where it is not known.
    loss : cross-entropy of this image in nats, or None without a label.
    snapshot : what the caption calls it (``"epoch 20"``), with `step`.
    modules : class name of every module of the network by its dotted path; the network itself is ``""``.
    output_kind : {"logits", "log-probabilities", "probabilities"}, what the network itself gives: the last two if it
        ends in a (log-)softmax. In all cases the softmax of `logits` is the network's probabilities.
    """

    pixels: np.ndarray
    input: np.ndarray
    layers: tuple[LayerTrace, ...]
    logits: np.ndarray
    classes: tuple[str, ...]
    label: int | None = None
    loss: float | None = None
    grad_input: np.ndarray | None = None
    snapshot: str = ""
    step: int = 0
    modules: Mapping[str, str] = field(default_factory=dict)
    output_kind: str = "logits"

    def __post_init__(self) -> None:
        if self.logits.shape != (len(self.classes),):
            raise ValueError(f"{len(self.classes)} classes need as many logits, not {self.logits.shape}")

    @property
    def probabilities(self) -> np.ndarray:
        """Softmax of the logits, float64 (K,), adding up to 1."""
        from scipy.special import softmax

        return np.asarray(softmax(self.logits.astype(np.float64)))

    @property
    def prediction(self) -> int:
        """The class with the highest score."""
        return int(self.logits.argmax())

    def __getitem__(self, name: str) -> LayerTrace:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def value(self, name: str) -> np.ndarray:
        """Output of the node `name`, ``"input"`` and further outputs included."""
        if name == "input":
            return self.input
        for layer in self.layers:
            if layer.name == name:
                return layer.output
            if name in layer.outputs:
                return layer.outputs[name]
        raise KeyError(name)

    def input_of(self, layer: LayerTrace) -> np.ndarray:
        """What `layer` received (its first input)."""
        return self.value(layer.inputs[0])

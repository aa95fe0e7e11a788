"""Operations of a network: inputs, outputs, parameters and windows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

ACTIVATIONS = frozenset(
    [
        "ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "GLU", "SiLU", "Mish", "Sigmoid",
        "LogSigmoid", "Tanh", "Softplus", "Softsign", "Softmax", "Softmax2d", "LogSoftmax", "Hardswish", "Hardsigmoid",
        "Hardtanh", "Hardshrink", "Softshrink", "Threshold", "clamp", "relu6",
    ]
)  # fmt: skip
RECURRENT = ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell")
ATTENTION = ("MultiheadAttention", "scaled_dot_product_attention")
PRODUCTS = ("matmul", "mm", "bmm", "baddbmm", "addmm", "einsum", "linear_", "dot")
JOINS = ("cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack")
REDUCTIONS = ("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "std_mean", "logsumexp", "norm")
SHAPES = (
    "Flatten", "Unflatten", "view", "reshape", "ravel", "squeeze", "unsqueeze", "view_as", "reshape_as", "unflatten",
    "flatten", "permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "T", "mT", "t", "expand",
    "expand_as", "repeat", "getitem", "select", "narrow", "slice", "index_select", "chunk", "split", "tensor_split",
    "unbind", "roll", "flip", "ChannelShuffle", "PixelShuffle", "PixelUnshuffle", "Identity", "Dropout", "Dropout1d",
    "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "stochastic_depth", "StochasticDepth",
)  # fmt: skip
PADS = ("pad", "ZeroPad2d", "ConstantPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d")
SUMS = ("add", "sub", "rsub", "radd")
# What an operation is when layers are found: those in LIGHT belong to the layer that they follow or precede.
LIGHT = frozenset(["norm", "activation", "shape", "elementwise", "reduce"])
WEIGHTED = frozenset(["convolution", "dense", "recurrent", "attention"])


@dataclass(frozen=True)
class Window:
    """Window of a convolution or pooling, as (rows, columns).

    kernel, stride, padding, dilation : two int each.
    groups : int, parts that the channels are divided into.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns that it covers, gaps of the dilation included."""
        rows, columns = (d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return rows, columns


@dataclass(frozen=True)
class Operation:
    """One call, one node of a trace.

    node : name of the node, ``"hidden2"``.
    kind : as in `netcore.core.trace.LayerTrace`.
    title : standard term, ``"Conv 3×3"``, ``"BN"``.
    inputs : names of the outputs that it reads; the image is ``"input"``.
    outputs : names of its outputs, the node's own first.
    shape : of the first output, without the batch.
    axes : name of each axis: ``("channel", "row", "column")``, ``("token", "feature")``, ``("time", "feature")``.
    parameters : sizes of its parameters by their name in the snapshot.
    window : of convolutions and poolings, else None.
    input_shape, input_axes : of its first input, without the batch.
    module, module_class : path and class of the module that it belongs to.
    """

    node: str
    kind: str
    title: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    parameters: Mapping[str, int] = field(default_factory=dict)
    window: Window | None = None
    input_shape: tuple[int, ...] = ()
    input_axes: tuple[str, ...] = ()
    module: str = ""
    module_class: str = ""

    @property
    def role(self) -> str:
        """Part that it plays in a network: see `find_role`."""
        return find_role(self)

    @property
    def parameter_count(self) -> int:
        """Number of its parameters."""
        return sum(self.parameters.values())


def find_role(operation: Operation) -> str:
    """Classify an operation.

    Returns
    -------
    str
        One of convolution, dense, recurrent, attention, pooling, vector, sum, product, concatenation, norm,
        activation, shape, elementwise, reduce. "vector" makes one vector of maps or of a sequence.
    """
    kind, several = operation.kind, len(operation.inputs) > 1
    if kind.startswith("Conv"):
        return "dense" if operation.input_axes[:1] == ("feature",) else "convolution"  # after a global pooling
    if kind in ("Linear", "Bilinear", "NonDynamicallyQuantizableLinear"):
        return "dense"
    if kind in RECURRENT:
        return "recurrent"
    if kind in ATTENTION:
        return "attention"
    if kind in PRODUCTS:
        return "dense" if operation.parameters and not several else "product"
    if _makes_vector(operation):
        return "vector"
    if "Pool" in kind or kind in ("Upsample", "interpolate"):
        return "pooling"
    if "Norm" in kind:
        return "norm"
    if kind in ACTIVATIONS:
        return "activation"
    if kind in JOINS and several:
        return "concatenation"
    if kind in SHAPES or kind in PADS or kind in JOINS:
        return "shape"
    if kind in REDUCTIONS:
        return "reduce"
    if several:
        return "sum" if kind in SUMS else "product"
    return "elementwise" if operation.shape == operation.input_shape else "shape"


def _makes_vector(operation: Operation) -> bool:
    """Whether maps or a sequence become one vector; selecting the only pixel, or a layer's state, does not count."""
    before, after = operation.input_shape, operation.shape
    if operation.input_axes[:1] == ("layer",) or len(operation.inputs) > 1:
        return False
    if "Pool" in operation.kind and len(before) == 3 and after[1:] == (1, 1):
        return "Adaptive" in operation.kind or before[1:] != (1, 1)
    changes = "Pool" in operation.kind or operation.kind in SHAPES or operation.kind in REDUCTIONS
    return changes and len(after) == 1 and len(before) > 1 and int(np.prod(before[1:])) > 1

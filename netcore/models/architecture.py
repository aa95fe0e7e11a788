"""Layers of a recipe's network, without torch."""

from dataclasses import asdict, dataclass
from typing import Any

ACTIVATIONS = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"}  # name: class of torch.nn


@dataclass(frozen=True)
class Architecture:
    """What a network is made of, in the order in which the image goes through it.

    Convolutions keep the size; each block of them ends with 2×2 max-pooling. Then come the hidden layers
    and the layer of the K raw scores (logits).
    """

    conv: tuple[tuple[int, ...], ...] = ()  # channels of each convolution, by block: ((32, 32), (64, 64), (128,))
    hidden: tuple[int, ...] = ()  # width of each hidden dense layer
    activation: str = "relu"  # of `ACTIVATIONS`
    batch_norm: bool = False  # after each convolution
    dense_norm: bool = False  # after each hidden dense layer
    block_dropout: float = 0.0  # after each block's pooling
    dropout: float = 0.0  # after each hidden dense layer
    kernel: int = 3  # height and width of each convolution's kernel in pixels, odd

    @property
    def settings(self) -> dict[str, Any]:
        """All fields as plain values; `kernel` only where it is not 3: runs written before it existed have none."""
        out = asdict(self)
        return {name: value for name, value in out.items() if name != "kernel" or value != 3}

    @property
    def title(self) -> str:
        """The network in short: ``784-16-16-10, sigmoid`` for MNIST's images and classes."""
        if not self.conv:
            return "-".join(map(str, (784, *self.hidden, 10))) + f", {self.activation}"
        blocks = " / ".join("-".join(map(str, block)) for block in self.conv)
        size = "" if self.kernel == 3 else f"{self.kernel}×{self.kernel} "
        return f"conv {size}{blocks}, dense {'-'.join(map(str, (*self.hidden, 10)))}, {self.activation}"

    def parameters(self, shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10) -> int:
        """Number of trainable parameters for images of `shape` (C, H, W)."""
        channels, height, width = shape
        total = 0
        for block in self.conv:
            for out in block:
                total += channels * out * self.kernel**2 + out + 2 * out * self.batch_norm
                channels = out
            height, width = height // 2, width // 2
        features = channels * height * width
        for out in self.hidden:
            total += features * out + out + 2 * out * self.dense_norm
            features = out
        return total + features * classes + classes

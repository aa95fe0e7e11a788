"""Layers of a recipe's network, without torch."""

from dataclasses import asdict, dataclass
from typing import Any

MAX_PARAMETERS = 2**30  # of a network, buffers included
ACTIVATIONS = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"}  # name: class of torch.nn


@dataclass(frozen=True)
class Architecture:
    """Layers of a network: blocks of convolutions, hidden dense layers, and the layer of the K logits.

    Convolutions keep the image's size; each block ends with 2×2 max-pooling.

    Attributes
    ----------
    conv : tuple of tuple of int
        Channels of each convolution, by block: ((32, 32), (64, 64), (128,)).
    hidden : tuple of int
        Width of each hidden dense layer.
    activation : str
        One of `ACTIVATIONS`.
    batch_norm : bool
        Batch normalisation after each convolution.
    dense_norm : bool
        Batch normalisation after each hidden dense layer.
    block_dropout : float
        Dropout after each block's pooling.
    dropout : float
        Dropout after each hidden dense layer.
    kernel : int
        Height and width of each convolution's kernel in pixels, odd.
    """

    conv: tuple[tuple[int, ...], ...] = ()
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    batch_norm: bool = False
    dense_norm: bool = False
    block_dropout: float = 0.0
    dropout: float = 0.0
    kernel: int = 3

    @property
    def settings(self) -> dict[str, Any]:
        """All fields as plain values; `kernel` only if it is not 3, since older runs do not have it."""
        out = asdict(self)
        return {name: value for name, value in out.items() if name != "kernel" or value != 3}

    @property
    def title(self) -> str:
        """Short description, for MNIST's images and classes.

        Examples
        --------
        >>> Architecture(hidden=(16, 16), activation="sigmoid").title
        '784-16-16-10, sigmoid'
        """
        if not self.conv:
            return "-".join(map(str, (784, *self.hidden, 10))) + f", {self.activation}"
        blocks = " / ".join("-".join(map(str, block)) for block in self.conv)
        size = "" if self.kernel == 3 else f"{self.kernel}×{self.kernel} "
        return f"conv {size}{blocks}, dense {'-'.join(map(str, (*self.hidden, 10)))}, {self.activation}"

    def parameters(self, shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10) -> int:
        """Return the number of trainable parameters.

        Parameters
        ----------
        shape : tuple of int
            (C, H, W) of one image.
        classes : int
            Number of classes K.

        Examples
        --------
        >>> Architecture(hidden=(16, 16)).parameters()
        13002
        """
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

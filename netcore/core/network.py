"""Protocol of a network whose weights and units can be altered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.run import Run, Snapshot
from netcore.core.run_files import Arrays
from netcore.core.sample import Sample
from netcore.core.trace import Trace

Weights = Mapping[str, ArrayLike]  # replaced parameters and buffers, by their names in the snapshot
Mask = Mapping[str, ArrayLike]  # indices of the units set to 0, by name of the node


@dataclass(frozen=True)
class OptimizerStep:
    """Weights after one training step.

    Attributes
    ----------
    weights : dict
        All parameters and buffers by their names in the snapshot.
    loss : float
        Mean cross-entropy of the images before the step, in nats.
    optimizer : str
        Class of torch.optim, ``"Adam"``.
    learning_rate : float
    recorded : bool
        Whether optimiser and learning rate are the run's own; where it has none they are SGD's with a fixed rate.
    """

    weights: Arrays
    loss: float
    optimizer: str
    learning_rate: float
    recorded: bool


class Network(Protocol):
    """A run's network with the weights of one snapshot, in evaluation mode.

    `weights` replaces arrays for one call; `mask` sets units of a node's output to 0, so that later nodes receive
    zeros. Units are counted along the first axis of the output as a trace has it: feature maps of (C, H, W), neurons
    of (features,).
    """

    def trace(
        self, image: Sample, backward: bool = False, weights: Weights | None = None, mask: Mask | None = None
    ) -> Trace:
        """Compute all values of one pass, with `backward` the derivatives of the loss too."""

    def predict(
        self,
        images: NDArray[np.uint8],
        nodes: Sequence[str] = (),
        weights: Weights | None = None,
        mask: Mask | None = None,
    ) -> Arrays:
        """Compute ``logits`` (N, K) and outputs of the named nodes (N, …) for images (N, C, H, W), float32."""

    def step(self, images: NDArray[np.uint8], labels: ArrayLike) -> OptimizerStep:
        """Take one step of the run's optimiser on a copy; the network itself is not changed."""

    def gradient_products(self, images: NDArray[np.uint8], labels: ArrayLike) -> NDArray[np.float64]:
        """Compute the inner products (N, N) of the gradients of each image's loss by all parameters."""


# Opens the network of a run's snapshot; the last argument notes the keys of `run.json` that are read.
OpenNetwork = Callable[[Run, Snapshot, Callable[[str], None]], Network]

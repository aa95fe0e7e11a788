"""A run's network in PyTorch, behind the protocol `netcore.core.network.Network`."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from netcore.core.errors import NetcoreError
from netcore.core.network import Mask, OptimizerStep, Weights
from netcore.core.run import Run, Snapshot
from netcore.core.run_files import Arrays
from netcore.core.sample import Sample
from netcore.core.trace import Trace
from netcore.models.loading import load_model
from netcore.models.optimizers import OPTIMIZERS, make_optimizer
from netcore.tracing.batch_inference import predict_batch
from netcore.tracing.inputs import normalize, single_thread
from netcore.tracing.output_kind import as_logits, find_output_kind
from netcore.tracing.tracer import trace

DEFAULT_OPTIMIZER = ("sgd", 0.01)  # name and learning rate where the run has none recorded


@dataclass(frozen=True)
class TorchNetwork:
    """The network of a run with the weights of a snapshot."""

    run: Run
    snapshot: Snapshot
    record: Callable[[str], None] = lambda key: None  # notes the keys of `run.json` that are read

    def trace(
        self, image: Sample, backward: bool = False, weights: Weights | None = None, mask: Mask | None = None
    ) -> Trace:
        """Compute all values of one pass."""
        return trace(self.run, self.snapshot, image.pixels, image.label, backward, weights, mask)

    def predict(
        self,
        images: NDArray[np.uint8],
        nodes: Sequence[str] = (),
        weights: Weights | None = None,
        mask: Mask | None = None,
    ) -> Arrays:
        """Compute outputs of many images at once."""
        return predict_batch(self.run, self.snapshot, images, nodes, weights, mask)

    def step(self, images: NDArray[np.uint8], labels: ArrayLike) -> OptimizerStep:
        """Take one step of the run's optimiser on a copy of the network.

        Dropout is off and batch norm uses its running statistics, so that the step follows the gradients of `trace`.
        A run does not store the optimiser's state: moments begin at 0, the learning rate is that of the settings,
        not that of the schedule.

        Parameters
        ----------
        images : uint8 (N, C, H, W)
        labels : int (N,)
        """
        self.record("settings")
        truth = torch.from_numpy(np.array(labels, np.int64))
        if truth.shape != (len(images),) or not len(images):
            raise NetcoreError(f"a training step needs one label an image, not {len(truth)} for {len(images)}")
        name, rate, recorded = self._optimizer()
        module = copy.deepcopy(load_model(self.run, self.snapshot)).eval()
        like = next(module.parameters())
        given = self.run.info["input"]
        pixels = torch.from_numpy(np.ascontiguousarray(images))
        x = normalize(pixels, given.get("mean", (0.0,)), given.get("std", (1.0,))).to(like)
        kind = find_output_kind(module, x[:1])
        optimizer = make_optimizer(name, module.parameters(), rate, like.device)
        with single_thread(), torch.enable_grad():
            loss = torch.nn.functional.cross_entropy(as_logits(module(x), kind), truth)
            loss.backward()
            optimizer.step()
        weights = {key: np.array(value.detach().cpu().numpy()) for key, value in module.state_dict().items()}
        return OptimizerStep(weights, loss.item(), type(optimizer).__name__, rate, recorded)

    def _optimizer(self) -> tuple[str, float, bool]:
        """Name of `OPTIMIZERS`, learning rate, and whether the run has them recorded."""
        settings = self.run.info.get("settings") or {}
        if settings.get("optimizer") in OPTIMIZERS and settings.get("learning_rate"):
            return settings["optimizer"], float(settings["learning_rate"]), True
        return *DEFAULT_OPTIMIZER, False

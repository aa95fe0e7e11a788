"""A run's network in PyTorch, behind the protocol `netcore.core.network.Network`."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

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
        name, rate, recorded = self._optimizer()
        module = copy.deepcopy(load_model(self.run, self.snapshot)).eval()
        x, truth = self._batch(module, images, labels)
        kind = find_output_kind(module, x[:1])
        optimizer = make_optimizer(name, module.parameters(), rate, x.device)
        with single_thread(), torch.enable_grad():
            loss = torch.nn.functional.cross_entropy(as_logits(module(x), kind), truth)
            loss.backward()
            optimizer.step()
        weights = {key: np.array(value.detach().cpu().numpy()) for key, value in module.state_dict().items()}
        return OptimizerStep(weights, loss.item(), type(optimizer).__name__, rate, recorded)

    def gradient_products(self, images: NDArray[np.uint8], labels: ArrayLike) -> NDArray[np.float64]:
        """Compute the inner products of the gradients of each image's loss, without dropout and batch statistics.

        Parameters
        ----------
        images : uint8 (N, C, H, W)
        labels : int (N,)

        Returns
        -------
        float64 (N, N)
            Squared lengths are on the diagonal; the mean of all is the squared length of the mean gradient.
        """
        module = copy.deepcopy(load_model(self.run, self.snapshot)).eval()
        x, truth = self._batch(module, images, labels)
        kind = find_output_kind(module, x[:1])
        parameters = [p for p in module.parameters() if p.requires_grad]
        rows = []
        with single_thread(), torch.enable_grad():
            for k in range(len(x)):
                loss = torch.nn.functional.cross_entropy(as_logits(module(x[k : k + 1]), kind), truth[k : k + 1])
                found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
                rows.append(torch.cat([g.flatten() for g in found]).cpu())
        gradients = torch.stack(rows)
        return np.asarray((gradients @ gradients.T).double().numpy())

    def _batch(self, module: torch.nn.Module, images: NDArray[np.uint8], labels: ArrayLike) -> tuple[Tensor, Tensor]:
        """Input of the network (N, C, H, W), and classes (N,)."""
        like = next(module.parameters())
        truth = torch.from_numpy(np.array(labels, np.int64)).to(like.device)
        if truth.shape != (len(images),) or not len(images):
            raise NetcoreError(f"a training step needs one label an image, not {len(truth)} for {len(images)}")
        given = self.run.info["input"]
        pixels = torch.from_numpy(np.ascontiguousarray(images))
        return normalize(pixels, given.get("mean", (0.0,)), given.get("std", (1.0,))).to(like), truth

    def _optimizer(self) -> tuple[str, float, bool]:
        """Name of `OPTIMIZERS`, learning rate, and whether the run has them recorded."""
        settings = self.run.info.get("settings") or {}
        if settings.get("optimizer") in OPTIMIZERS and settings.get("learning_rate"):
            return settings["optimizer"], float(settings["learning_rate"]), True
        return *DEFAULT_OPTIMIZER, False

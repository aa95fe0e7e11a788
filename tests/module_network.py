"""Any module as a context's network: passes, altered passes and training steps, without a run of its own."""

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.func import functional_call

from netcore.core.context import SceneContext
from netcore.core.network import OptimizerStep
from netcore.core.run import Examples, Run
from netcore.core.sample import Sample
from netcore.core.trace import Trace
from netcore.tracing.inputs import normalize
from netcore.tracing.tracer import trace_module

RATE = 0.01


class ModuleNetwork:
    """A module behind the protocol `netcore.core.network.Network`; its optimiser is plain SGD, not recorded."""

    def __init__(self, module: nn.Module, classes: list[str], **keys: Any) -> None:
        self.module, self.classes, self.keys = module.eval(), classes, keys
        self.traces: dict[Any, Trace] = {}

    def trace(self, image: Sample, backward: bool = False, weights: Any = None, mask: Any = None) -> Trace:
        key = image.digest, backward
        if weights is None and key in self.traces:
            return self.traces[key]
        given = {"classes": self.classes, "label": image.label, "backward": backward, "weights": weights}
        found = trace_module(self.module, image.pixels, **given, **self.keys)
        if weights is None:
            self.traces[key] = found
        return found

    def predict(
        self, images: NDArray[np.uint8], nodes: Any = (), weights: Any = None, mask: Any = None
    ) -> dict[str, NDArray[np.floating]]:
        replaced = {k: torch.from_numpy(np.array(v)) for k, v in (weights or {}).items()}
        with torch.no_grad():
            found = {"logits": functional_call(self.module, replaced, (self._input(images),)).numpy()}
        if nodes:
            traces = [self.trace(Sample(image, None, "an image"), weights=weights) for image in images]
            found |= {name: np.stack([trace.value(name) for trace in traces]) for name in nodes}
        return found

    def step(self, images: NDArray[np.uint8], labels: ArrayLike) -> OptimizerStep:
        module = copy.deepcopy(self.module)
        loss = nn.functional.cross_entropy(module(self._input(images)), torch.tensor(np.asarray(labels)))
        loss.backward()
        torch.optim.SGD(module.parameters(), RATE).step()
        weights = {k: v.detach().numpy() for k, v in module.state_dict().items()}
        return OptimizerStep(weights, loss.item(), "SGD", RATE, recorded=False)

    def gradient_products(self, images: NDArray[np.uint8], labels: ArrayLike) -> NDArray[np.float64]:
        rows = []
        for x, y in zip(self._input(images), torch.tensor(np.asarray(labels)), strict=True):
            loss = nn.functional.cross_entropy(self.module(x[None]), y[None])
            found = torch.autograd.grad(loss, list(self.module.parameters()), allow_unused=True, materialize_grads=True)
            rows.append(torch.cat([g.flatten() for g in found]))
        gradients = torch.stack(rows).double()
        return (gradients @ gradients.T).numpy()

    def _input(self, images: NDArray[np.uint8]) -> Tensor:
        channels = images.shape[1]
        mean, std = self.keys.get("mean", (0.0,) * channels), self.keys.get("std", (1.0,) * channels)
        return normalize(torch.from_numpy(np.ascontiguousarray(images)), mean, std)


def learning_context(
    run: Run, module: nn.Module, pixels: NDArray[np.uint8], classes: list[str], label: int | None, **keys: Any
) -> SceneContext:
    """The context of any module, with a few images like the given one as examples; the run only lends its name."""
    network = ModuleNetwork(module, classes, **keys)
    context = SceneContext(run, Sample(pixels, label, "test"), "last", lambda *_: network)
    rng = np.random.default_rng(0)
    count = 2 * min(len(classes), 6)
    noise = rng.integers(-40, 40, (count, *pixels.shape))
    images = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    examples = Examples(images, np.arange(count) % len(classes), np.arange(count))
    context.examples = lambda: examples  # type: ignore[method-assign]
    weights = {name: value.detach().numpy() for name, value in module.state_dict().items()}
    context.weights = lambda *_: weights  # type: ignore[method-assign]
    return context

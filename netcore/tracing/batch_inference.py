"""Many images through a snapshot at once: what statistics over images need, much faster than a trace of each."""

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from netcore.core.errors import NetcoreError
from netcore.core.network import Mask, Weights
from netcore.core.run import Run, Snapshot
from netcore.models.device import has_convolution
from netcore.models.loading import load_model
from netcore.tracing.batch_axes import batch_axes
from netcore.tracing.inputs import eval_mode, normalize
from netcore.tracing.interventions import mask_tensors, replacement_tensors
from netcore.tracing.op_tracer import OpTracer
from netcore.tracing.tracer import as_logits, output_kind_of

BATCH_SIZE = 128  # images at a time


def predict_batch(
    run: Run,
    snapshot: Snapshot,
    images: np.ndarray,
    nodes: Sequence[str] = (),
    weights: Weights | None = None,
    mask: Mask | None = None,
) -> dict[str, np.ndarray]:
    """Compute ``logits`` (N, K) and the outputs of the named nodes (N, …), float32.

    Parameters
    ----------
    run : Run
    snapshot : Snapshot
    images : uint8 (N, C, H, W)
    nodes : sequence of str
        Names of nodes, as `netcore.tracing.tracer.trace` has them.
    weights, mask : mapping, optional
        Replaced parameters, and units set to 0: see `netcore.core.network.Network`.
    """
    module = load_model(run, snapshot)
    given = run.info["input"]
    parts: list[dict[str, np.ndarray]] = []
    like = next(module.parameters(), torch.zeros(()))
    alone: dict[str, tuple[int | None, tuple[int, ...]]] = {}
    replaced, places = replacement_tensors(module, weights), {}
    for start in range(0, len(images), BATCH_SIZE):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH_SIZE]))
        x = normalize(pixels, given.get("mean", (0.0,)), given.get("std", (1.0,))).to(like)
        kind = output_kind_of(module, x[:1])
        alone = alone or (_alone(module, x[:1]) if nodes else {})
        places = places or mask_tensors(module, x, mask)
        watcher = OpTracer(module, x, shapes_only=not nodes, mask=places)
        with eval_mode(module), torch.no_grad(), watcher.watching() if nodes or places else nullcontext():
            output = functional_call(module, replaced, (x,)) if replaced else module(x)
        found = {name: value for node in watcher.nodes for name, value in node.values()}
        kept = {name: _batch_first(name, found[name], len(x), *alone[name]) for name in nodes}
        parts.append(kept | {"logits": as_logits(output, kind).cpu().numpy()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _alone(module: nn.Module, x: Tensor) -> dict[str, tuple[int | None, tuple[int, ...]]]:
    """Batch axis and shape of every output for one image."""
    watcher = OpTracer(module, x)
    with eval_mode(module), torch.no_grad(), watcher.watching():
        module(x)
    axes = batch_axes(module, x, watcher.nodes)
    return {name: (axes[name], value.shape) for node in watcher.nodes for name, value in node.values()}


def _batch_first(name: str, values: np.ndarray, count: int, axis: int | None, shape: tuple[int, ...]) -> np.ndarray:
    """Give the values of `count` images (N, …), each as a trace has it."""
    if axis is not None:
        return np.moveaxis(values, axis, 0)
    if values.shape == (count * shape[0], *shape[1:]):  # folded into the first axis, images outermost
        return values.reshape(count, *shape)
    raise NetcoreError(f"the values of '{name}' cannot be computed for many images at once")


INFERENCE_BATCH = 250  # images; more no longer fit the processor's caches


@torch.inference_mode()
def batch_logits(module: nn.Module, images: torch.Tensor, run: Run | None = None) -> torch.Tensor:
    """Raw scores float32 (N, K) of uint8 images (N, C, H, W), in the mode (`train` or `eval`) that the module is in.

    Of a run's network that gives probabilities, they are the logarithms of these.
    They go in as values in [0, 1], or as the run has them, with its mean and standard deviation.
    """
    given = run.info["input"] if run else {}
    mean = torch.tensor(given.get("mean", [0.0]), device=images.device).view(1, -1, 1, 1)
    std = torch.tensor(given.get("std", [1.0]), device=images.device).view(1, -1, 1, 1)
    plain = not mean.any() and bool((std == 1).all())
    layout = torch.channels_last if has_convolution(module) else torch.contiguous_format
    parts = []
    for part in images.split(INFERENCE_BATCH):
        values = part.float().div_(255)
        values = values if plain else (values - mean) / std
        parts.append(module(values.contiguous(memory_format=layout)))
    output = torch.cat(parts)
    return as_logits(output, output_kind_of(module, values[:1])) if run else output.float()

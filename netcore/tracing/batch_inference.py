"""Compute logits and activations of many images at once."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
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
from netcore.tracing.output_kind import as_logits, find_output_kind

BATCH_SIZE = 128
INFERENCE_BATCH = 250  # without recording; larger batches do not fit the processor's caches

_Layout = dict[str, tuple[int | None, tuple[int, ...]]]  # batch axis and shape of an output for one image


def predict_batch(
    run: Run,
    snapshot: Snapshot,
    images: NDArray[np.uint8],
    nodes: Sequence[str] = (),
    weights: Weights | None = None,
    mask: Mask | None = None,
) -> dict[str, NDArray[np.floating]]:
    """Compute the logits, and the outputs of the named nodes.

    Parameters
    ----------
    run : Run
    snapshot : Snapshot
    images : ndarray of uint8, shape (N, C, H, W)
    nodes : sequence of str
        Names of nodes, as in `netcore.tracing.tracer.trace`.
    weights, mask : mapping, optional
        Replaced parameters, and units set to 0: see `netcore.core.network.Network`.

    Returns
    -------
    dict of ndarray
        Float32: "logits" of shape (N, K), and one array of shape (N, ...) per node.
    """
    module = load_model(run, snapshot)
    layout: _Layout = {}
    replaced, places = replacement_tensors(module, weights), dict[str, Tensor]()
    parts: list[dict[str, NDArray[np.floating]]] = []
    for x in _normalized_batches(run, module, images):
        kind = find_output_kind(module, x[:1])
        layout = layout or (_single_layout(module, x[:1]) if nodes else {})
        places = places or mask_tensors(module, x, mask)
        tracer = OpTracer(module, x, shapes_only=not nodes, mask=places)
        with eval_mode(module), torch.no_grad(), tracer.recording() if nodes or places else nullcontext():
            output = functional_call(module, replaced, (x,)) if replaced else module(x)
        found = {name: value for op in tracer.ops for name, value in op.named_outputs()}
        selected = {name: _batch_first(name, found[name], len(x), *layout[name]) for name in nodes}
        parts.append(selected | {"logits": as_logits(output, kind).cpu().numpy()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _normalized_batches(run: Run, module: nn.Module, images: NDArray[np.uint8]) -> Iterator[Tensor]:
    settings = run.info["input"]
    like = next(module.parameters(), torch.zeros(()))
    for start in range(0, len(images), BATCH_SIZE):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH_SIZE]))
        yield normalize(pixels, settings.get("mean", (0.0,)), settings.get("std", (1.0,))).to(like)


def _single_layout(module: nn.Module, x: Tensor) -> _Layout:
    """Batch axis and shape of every output for one image."""
    tracer = OpTracer(module, x)
    with eval_mode(module), torch.no_grad(), tracer.recording():
        module(x)
    axes = batch_axes(module, x, tracer.ops)
    return {name: (axes[name], value.shape) for op in tracer.ops for name, value in op.named_outputs()}


def _batch_first(
    name: str, values: NDArray[np.floating], count: int, axis: int | None, shape: tuple[int, ...]
) -> NDArray[np.floating]:
    """Values of `count` images (N, ...), each as in a trace."""
    if axis is not None:
        return np.moveaxis(values, axis, 0)
    if values.shape == (count * shape[0], *shape[1:]):  # folded into the first axis, images outermost
        return values.reshape(count, *shape)
    raise NetcoreError(f"the output of '{name}' cannot be computed for several images at once")


@torch.inference_mode()
def batch_logits(module: nn.Module, images: Tensor, run: Run | None = None) -> Tensor:
    """Compute the logits of images in the mode, training or evaluation, that the module is in.

    Parameters
    ----------
    module : nn.Module
    images : Tensor of uint8, shape (N, C, H, W)
    run : Run, optional
        Its mean and standard deviation normalise the images, and if its network returns probabilities, the logits are
        their logarithms. Default: values in [0, 1], and the module's output as it is.

    Returns
    -------
    Tensor of float32, shape (N, K)
    """
    settings = run.info["input"] if run else {}
    mean = torch.tensor(settings.get("mean", [0.0]), device=images.device).view(1, -1, 1, 1)
    std = torch.tensor(settings.get("std", [1.0]), device=images.device).view(1, -1, 1, 1)
    is_identity = not mean.any() and bool((std == 1).all())
    memory_format = torch.channels_last if has_convolution(module) else torch.contiguous_format
    parts = []
    for part in images.split(INFERENCE_BATCH):
        values = part.float().div_(255)
        values = values if is_identity else (values - mean) / std
        parts.append(module(values.contiguous(memory_format=memory_format)))
    output = torch.cat(parts)
    return as_logits(output, find_output_kind(module, values[:1])) if run else output.float()

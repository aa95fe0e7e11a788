"""Trace one image through a network, operation by operation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_shape
from netcore.core.network import Mask, Weights
from netcore.core.run import Run, Snapshot
from netcore.core.trace import Trace
from netcore.models.loading import load_model
from netcore.tracing.batch_axes import batch_axes
from netcore.tracing.inputs import check_single_input, eval_mode, normalize, single_thread
from netcore.tracing.interventions import mask_tensors, replacement_tensors
from netcore.tracing.op_tracer import OpTracer
from netcore.tracing.output_kind import as_logits, traced_output_kind
from netcore.tracing.traced_op import float32_array


def trace(
    run: Run,
    snapshot: Snapshot,
    pixels: NDArray[np.uint8],
    label: int | None = None,
    backward: bool = False,
    weights: Weights | None = None,
    mask: Mask | None = None,
) -> Trace:
    """Trace one image through a snapshot of a run.

    Parameters
    ----------
    run : Run
    snapshot : Snapshot
    pixels : ndarray of uint8, shape (C, H, W)
    label : int, optional
        The true class; needed for the loss and for `backward`.
    backward : bool
        Also compute the gradients of the cross-entropy loss.
    weights, mask : mapping, optional
        Replaced parameters, and units set to 0: see `netcore.core.network.Network`.

    Raises
    ------
    NetcoreError
        If the image has another shape than the run's, the label is not a class, or the weights do not fit the model.
    """
    if pixels.shape != run.input_shape:
        raise NetcoreError(
            f"run '{run.name}' takes images of {format_shape(run.input_shape)}, got {format_shape(pixels.shape)}"
        )
    given = run.info["input"]
    with single_thread():
        out = trace_module(
            load_model(run, snapshot),
            pixels,
            classes=run.classes,
            label=label,
            backward=backward,
            mean=given.get("mean", (0.0,)),
            std=given.get("std", (1.0,)),
            weights=weights,
            mask=mask,
        )
    return replace(out, snapshot=snapshot.label, step=snapshot.step)


def trace_module(
    module: nn.Module,
    pixels: NDArray[np.uint8],
    *,
    classes: Sequence[str],
    label: int | None = None,
    backward: bool = False,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    weights: Weights | None = None,
    mask: Mask | None = None,
    shapes_only: bool = False,
) -> Trace:
    """Trace one image through any classifier, in evaluation mode; the module is not changed.

    Parameters
    ----------
    module : nn.Module
        Maps (1, C, H, W) to (1, K).
    pixels : ndarray of uint8, shape (C, H, W)
    classes : sequence of str
        K names.
    label : int, optional
        The true class; needed for the loss and for `backward`.
    backward : bool
        Also compute the gradients of the loss with respect to the input and every output, weight and bias.
    mean, std : sequence of float
        One value per channel; the network receives ``(pixels / 255 - mean) / std``.
    weights, mask : mapping, optional
        Replaced parameters, and units set to 0: see `netcore.core.network.Network`.
    shapes_only : bool
        Describe the layers alone: outputs are zeros that take no memory, weights are left out.

    Returns
    -------
    Trace

    Raises
    ------
    NetcoreError
        If the module takes several inputs, cannot take this image, or does not return K scores.
    """
    check_single_input(module)
    _check_label(label, len(classes), backward)
    parameters, replaced = _leaf_parameters(module, weights, backward)
    like = next(iter(parameters.values()), torch.zeros(()))
    x = normalize(torch.from_numpy(pixels.copy())[None], mean, std).to(like).requires_grad_(backward)
    names = {id(v): k for k, v in parameters.items()}
    masks = mask_tensors(module, x.detach(), mask)
    tracer = OpTracer(module, x, names, shapes_only=shapes_only, attention=True, mask=masks)
    with eval_mode(module), torch.set_grad_enabled(backward), tracer.recording():
        output = _forward(module, parameters | replaced, x, len(classes))
    output_kind = _output_kind(module, tracer, output)
    logits = as_logits(output, output_kind)
    loss = None if label is None else nn.functional.cross_entropy(logits, torch.tensor([label], device=output.device))
    gradients = _gradients(module, loss, [x, *parameters.values()]) if loss is not None and backward else {}
    axes = batch_axes(module, x.detach(), tracer.ops)
    return Trace(
        pixels=pixels,
        input=float32_array(x[0]),
        layers=tuple(op.to_layer_trace(names, gradients, axes, shapes_only) for op in tracer.ops),
        logits=float32_array(logits[0]),
        classes=tuple(classes),
        label=label,
        loss=None if loss is None else loss.item(),
        grad_input=float32_array(gradients[id(x)][0]) if id(x) in gradients else None,
        modules=tracer.classes,
        output_kind=output_kind,
    )


def _leaf_parameters(
    module: nn.Module, weights: Weights | None, backward: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters that the pass uses, by name, and the replaced tensors that are no parameters."""
    replaced = replacement_tensors(module, weights)
    named = [(k, v) for k, v in module.named_parameters() if v.is_floating_point()]
    return {k: replaced.pop(k, v).detach().requires_grad_(backward) for k, v in named}, replaced


def _output_kind(module: nn.Module, tracer: OpTracer, output: Tensor) -> str:
    """Return what the output holds (logits, probabilities, …); NetcoreError if it does not depend on the input."""
    if not tracer.has_traced(output):
        raise NetcoreError(
            f"the output of {type(module).__name__} does not depend on its input through PyTorch operations"
        )
    return traced_output_kind(tracer, output)


def _check_label(label: int | None, classes: int, backward: bool) -> None:
    if label is not None and not 0 <= label < classes:
        raise NetcoreError(f"the label must be from 0 to {classes - 1}, got {label}")
    if backward and label is None:
        raise NetcoreError("gradients of the loss need the true class of the image: pass a label")


def _gradients(module: nn.Module, loss: Tensor, wanted: Sequence[Tensor]) -> dict[int, Tensor]:
    """Gradients of the loss by the ids of the tensors; the hooks on the outputs run on the way."""
    try:
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise NetcoreError(f"PyTorch cannot compute the gradients of {type(module).__name__}: {reason}") from error
    return {id(t): g for t, g in zip(wanted, found, strict=True) if g is not None}


def _forward(module: nn.Module, weights: Mapping[str, Tensor], x: Tensor, classes: int) -> Tensor:
    """Compute the scores (1, K), or raise an error of one line."""
    try:
        out = functional_call(module, dict(weights), (x,))
    except Exception as error:  # user code: any exception is possible
        reason = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
        raise NetcoreError(
            f"{type(module).__name__} cannot take an image of {format_shape(x.shape[1:])} ({reason})"
        ) from error
    if not isinstance(out, Tensor):
        raise NetcoreError(output_type_error(module, out))
    if out.shape != (1, classes):
        raise NetcoreError(
            f"{type(module).__name__} must return logits of shape (1, {classes}), got {tuple(out.shape)}"
        )
    return out


def output_type_error(module: nn.Module, out: object) -> str:
    """Return the error message about a module whose output is not a tensor."""
    name = type(module).__name__
    if not isinstance(out, (tuple, list, Mapping)):
        return f"{name} must give a tensor of one score per class, not a {type(out).__name__}"
    words = ", ".join(map(str, out)) if isinstance(out, Mapping) else str(len(out))
    return (
        f"{name} must give one tensor of scores, not a {type(out).__name__} ({words}): wrap it in a module whose "
        "forward returns the one that classifies"
    )

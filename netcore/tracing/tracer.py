"""From a module and an image to the values of one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
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
from netcore.tracing.op_tracer import OpTracer, to_numpy

OUTPUT_KINDS = {"Softmax": "probabilities", "LogSoftmax": "log-probabilities"}
TINY = torch.finfo(torch.float32).tiny  # the smallest probability of which a logarithm is taken


def trace(
    run: Run,
    snapshot: Snapshot,
    pixels: np.ndarray,
    label: int | None = None,
    backward: bool = False,
    weights: Weights | None = None,
    mask: Mask | None = None,
) -> Trace:
    """Compute the values of one pass of `pixels` (uint8 (C, H, W)) through a snapshot of a run.

    With `backward` (which needs a `label`) the derivatives of the cross-entropy are there too. `weights` and `mask`
    alter the pass, see `netcore.core.network.Network`.

    Raises
    ------
    NetcoreError
        If the image has another shape than the run's, the label is no class, or the weights do not fit the model.
    """
    if pixels.shape != run.input_shape:
        raise NetcoreError(
            f"run '{run.name}' takes images of {format_shape(run.input_shape)}, not {format_shape(pixels.shape)}"
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
    pixels: np.ndarray,
    *,
    classes: Sequence[str],
    label: int | None = None,
    backward: bool = False,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    weights: Weights | None = None,
    mask: Mask | None = None,
) -> Trace:
    """Compute the values of one pass of an image through any classifier, in evaluation mode; the module is not changed.

    Parameters
    ----------
    module : nn.Module
        Takes (1, C, H, W), gives (1, K).
    pixels : uint8 (C, H, W)
    classes : K names
    label : int, optional
        The true class; needed for the loss and for `backward`.
    backward : bool
        Also compute the derivatives of the loss by every output, weight and bias, and by the input.
    mean, std : per channel
        The network receives ``(pixels / 255 - mean) / std``.
    weights, mask : mapping, optional
        Replaced parameters, and units set to 0: see `netcore.core.network.Network`.

    Raises
    ------
    NetcoreError
        If the module takes several inputs, cannot take this image, or does not give K scores.
    """
    check_single_input(module)
    if label is not None and not 0 <= label < len(classes):
        raise NetcoreError(f"label {label} is none of the {len(classes)} classes")
    if backward and label is None:
        raise NetcoreError("gradients of the loss need the image's true class: give a label")
    replaced = replacement_tensors(module, weights)
    parameters = {
        k: replaced.pop(k, v).detach().requires_grad_(backward)
        for k, v in module.named_parameters()
        if v.is_floating_point()
    }
    like = next(iter(parameters.values()), torch.zeros(()))
    x = normalize(torch.from_numpy(pixels.copy())[None], mean, std).to(like).requires_grad_(backward)
    names = {id(v): k for k, v in parameters.items()}
    tracer = OpTracer(module, x, names, mask=mask_tensors(module, x.detach(), mask))
    with eval_mode(module), torch.set_grad_enabled(backward), tracer.watching():
        logits = _scores(module, parameters | replaced, x, len(classes))
    if not tracer.saw(logits):
        raise NetcoreError(
            f"the scores of {type(module).__name__} do not come from the image through PyTorch's functions"
        )
    output_kind = kind_of_output(tracer, logits)
    scores = as_logits(logits, output_kind)
    loss, grads = None, {}
    if label is not None:
        loss = nn.functional.cross_entropy(scores, torch.tensor([label], device=logits.device))
        grads = _gradients(module, loss, [x, *parameters.values()]) if backward else {}
    axes = batch_axes(module, x.detach(), tracer.nodes)
    return Trace(
        pixels=pixels,
        input=to_numpy(x[0]),
        layers=tuple(node.layer(names, grads, axes) for node in tracer.nodes),
        logits=to_numpy(scores[0]),
        classes=tuple(classes),
        label=label,
        loss=None if loss is None else loss.item(),
        grad_input=to_numpy(grads[id(x)][0]) if id(x) in grads else None,
        modules=tracer.classes,
        output_kind=output_kind,
    )


def kind_of_output(tracer: OpTracer, output: Tensor) -> str:
    """What a network's output (1, K) is: see `netcore.core.trace.Trace.output_kind`."""
    name = tracer.name_of(output)
    kind = next((node.kind for node in tracer.nodes if node.name == name), "")
    return OUTPUT_KINDS.get(kind, "logits")


def output_kind_of(module: nn.Module, x: Tensor) -> str:
    """What a network gives for an image (1, C, H, W): as `kind_of_output`, found once per module."""
    if module not in _output_kinds:
        tracer = OpTracer(module, x, shapes_only=True)
        with eval_mode(module), torch.no_grad(), tracer.watching():
            out = module(x)
        _output_kinds[module] = kind_of_output(tracer, out)
    return _output_kinds[module]


def as_logits(output: Tensor, kind: str) -> Tensor:
    """Turn a network's output (B, K) into float32 scores of which the softmax gives the network's probabilities."""
    return output.float().clamp_min(TINY).log() if kind == "probabilities" else output.float()


_output_kinds: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


def _gradients(module: nn.Module, loss: Tensor, wanted: Sequence[Tensor]) -> dict[int, Tensor]:
    """Derivatives of the loss by the id of what they are by; the hooks on the outputs fire on the way."""
    try:
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise NetcoreError(f"PyTorch gives no gradients of {type(module).__name__}: {reason}") from error
    return {id(t): g for t, g in zip(wanted, found, strict=True) if g is not None}


def _scores(module: nn.Module, weights: Mapping[str, Tensor], x: Tensor, classes: int) -> Tensor:
    """Run the module; its scores (1, K), or one line about why there are none."""
    try:
        out = functional_call(module, dict(weights), (x,))
    except Exception as error:  # the module is anyone's: whatever it raises
        reason = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
        raise NetcoreError(
            f"{type(module).__name__} cannot take an image of {format_shape(x.shape[1:])} ({reason})"
        ) from error
    if not isinstance(out, Tensor):
        raise NetcoreError(several_outputs(module, out))
    if out.shape != (1, classes):
        raise NetcoreError(
            f"{type(module).__name__} must give one score a class, (1, {classes}), not shape {tuple(out.shape)}"
        )
    return out


def several_outputs(module: nn.Module, out: Any) -> str:
    """Say in one line why a module whose output is no tensor is refused, and what helps."""
    name = type(module).__name__
    if not isinstance(out, (tuple, list, Mapping)):
        return f"{name} must give a tensor of one score per class, not a {type(out).__name__}"
    words = ", ".join(map(str, out)) if isinstance(out, Mapping) else str(len(out))
    return (
        f"{name} must give one tensor of scores, not a {type(out).__name__} ({words}): wrap it in a module whose "
        "forward returns the one that classifies"
    )

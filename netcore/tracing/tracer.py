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
from netcore.core.run import Run, Snapshot
from netcore.core.trace import Trace
from netcore.models.loading import load_model
from netcore.models.op_names import keeps_batch_first
from netcore.tracing.inputs import check_single_input, eval_mode, normalize, single_thread
from netcore.tracing.op_tracer import OpTracer, TracedOp, to_numpy

OUTPUT_KINDS = {"Softmax": "probabilities", "LogSoftmax": "log-probabilities"}
TINY = torch.finfo(torch.float32).tiny  # the smallest probability of which a logarithm is taken


def trace(run: Run, snapshot: Snapshot, pixels: np.ndarray, label: int | None = None, backward: bool = False) -> Trace:
    """Compute the values of one pass of `pixels` (uint8 (C, H, W)) through a snapshot of a run.

    With `backward` (which needs a `label`) the derivatives of the cross-entropy are there too.

    Raises
    ------
    NetcoreError
        If the image has another shape than the run's, the label is no class, or the weights do not fit the model.
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

    Raises
    ------
    NetcoreError
        If the module takes several inputs, cannot take this image, or does not give K scores.
    """
    check_single_input(module)
    if label is not None and not 0 <= label < len(classes):
        raise NetcoreError(f"the label must be from 0 to {len(classes) - 1}, got {label}")
    if backward and label is None:
        raise NetcoreError("gradients of the loss need the true class of the image: pass a label")
    weights = {k: v.detach().requires_grad_(backward) for k, v in module.named_parameters() if v.is_floating_point()}
    like = next(iter(weights.values()), torch.zeros(()))
    x = normalize(torch.from_numpy(pixels.copy())[None], mean, std).to(like).requires_grad_(backward)
    names = {id(v): k for k, v in weights.items()}
    tracer = OpTracer(module, x, names)
    with eval_mode(module), torch.set_grad_enabled(backward), tracer.watching():
        logits = _scores(module, weights, x, len(classes))
    if not tracer.saw(logits):
        raise NetcoreError(
            f"the output of {type(module).__name__} does not depend on its input through PyTorch operations"
        )
    output_kind = kind_of_output(tracer, logits)
    scores = as_logits(logits, output_kind)
    loss, grads = None, {}
    if label is not None:
        loss = nn.functional.cross_entropy(scores, torch.tensor([label], device=logits.device))
        grads = _gradients(module, loss, [x, *weights.values()]) if backward else {}
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
_axes: WeakKeyDictionary[nn.Module, dict[Any, dict[str, int | None]]] = WeakKeyDictionary()


def batch_axes(module: nn.Module, x: Tensor, nodes: Sequence[TracedOp]) -> dict[str, int | None]:
    """Find the batch axis of every output by comparing shapes with those of a batch of two.

    The second pass is made only if an operation could have moved the axis, and once per module, image size and path
    through the network.

    Parameters
    ----------
    module : nn.Module
    x : Tensor, shape (1, C, H, W)
    nodes : nodes of the pass of `x`.

    Returns
    -------
    dict
        Axis by name of the output; None if there is no axis of the batch alone.
    """
    shapes = _shapes(nodes)
    guess = {name: 0 if shape[:1] == (1,) else None for name, shape in shapes.items()}
    if all(keeps_batch_first(n.kind) and len(n.output.shape) > 1 and len(n.output) == 1 for n in nodes):
        return guess
    known = _axes.setdefault(module, {})
    key = (tuple(x.shape), tuple(shapes.items()))
    if key not in known:
        known[key] = guess | _compared(shapes, _shapes_of_two(module, x))
    return known[key]


def _shapes(nodes: Sequence[TracedOp]) -> dict[str, tuple[int, ...]]:
    return {name: value.shape for node in nodes for name, value in node.values()}


def _shapes_of_two(module: nn.Module, x: Tensor) -> dict[str, tuple[int, ...]]:
    """Shapes of all outputs for a batch of two; none if the module takes no such batch."""
    tracer = OpTracer(module, x := torch.cat([x, x]), shapes_only=True)
    try:
        with eval_mode(module), torch.no_grad(), tracer.watching():
            module(x)
    except Exception:  # the module is anyone's: whatever it raises
        return {}
    return _shapes(tracer.nodes)


def _compared(one: Mapping[str, tuple[int, ...]], two: Mapping[str, tuple[int, ...]]) -> dict[str, int | None]:
    """Axis that a batch of two makes twice as long, None if it is not the batch alone."""
    axes: dict[str, int | None] = {}
    for name in one.keys() & two.keys():
        pairs = list(zip(one[name], two[name], strict=False))
        changed = [axis for axis, (a, b) in enumerate(pairs) if a != b]
        alone = len(one[name]) == len(two[name]) and len(changed) == 1 and pairs[changed[0]] == (1, 2)
        axes[name] = changed[0] if alone else None
    return axes


def _gradients(module: nn.Module, loss: Tensor, wanted: Sequence[Tensor]) -> dict[int, Tensor]:
    """Derivatives of the loss by the id of what they are by; the hooks on the outputs fire on the way."""
    try:
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise NetcoreError(f"PyTorch cannot compute the gradients of {type(module).__name__}: {reason}") from error
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
            f"{type(module).__name__} must return logits of shape (1, {classes}), got {tuple(out.shape)}"
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

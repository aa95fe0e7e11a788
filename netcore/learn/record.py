"""From a module and an image to the values of one pass."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from netcore.core.formatting import format_shape
from netcore.errors import NetcoreError
from netcore.learn.models import load_model
from netcore.learn.watch import Watcher, to_numpy
from netcore.run import Run, Snapshot
from netcore.trace import Trace


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
            f"run '{run.name}' takes images of {format_shape(run.input_shape)}, not {format_shape(pixels.shape)}"
        )
    given = run.info["input"]
    with one_thread():
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
    check_inputs(module)
    if label is not None and not 0 <= label < len(classes):
        raise NetcoreError(f"label {label} is none of the {len(classes)} classes")
    if backward and label is None:
        raise NetcoreError("gradients of the loss need the image's true class: give a label")
    weights = {k: v.detach().requires_grad_(backward) for k, v in module.named_parameters() if v.is_floating_point()}
    like = next(iter(weights.values()), torch.zeros(()))
    x = normalise(torch.from_numpy(pixels.copy())[None], mean, std).to(like).requires_grad_(backward)
    watcher = Watcher(module, x)
    with evaluating(module), torch.set_grad_enabled(backward), watcher.watching():
        logits = _scores(module, weights, x, len(classes))
    if not watcher.saw(logits):
        raise NetcoreError(
            f"the scores of {type(module).__name__} do not come from the image through PyTorch's functions"
        )
    loss, grads = None, {}
    if label is not None:
        loss = nn.functional.cross_entropy(logits.float(), torch.tensor([label], device=logits.device))
        grads = _gradients(module, loss, [x, *weights.values()]) if backward else {}
    names = {id(v): k for k, v in weights.items()}
    return Trace(
        pixels=pixels,
        input=to_numpy(x[0]),
        layers=tuple(node.layer(names, grads) for node in watcher.nodes),
        logits=to_numpy(logits[0]),
        classes=tuple(classes),
        label=label,
        loss=None if loss is None else loss.item(),
        grad_input=to_numpy(grads[id(x)][0]) if id(x) in grads else None,
    )


def normalise(pixels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Turn uint8 (B, C, H, W) into what the network receives, float32."""
    mean_, std_ = (torch.as_tensor(v, dtype=torch.float32, device=pixels.device).view(1, -1, 1, 1) for v in (mean, std))
    return (pixels.float() / 255 - mean_) / std_


def check_inputs(module: nn.Module) -> None:
    """Raise NetcoreError unless the module's `forward` can be called with one image alone."""
    parameters = inspect.signature(module.forward).parameters.values()
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    ]
    if len(needed) > 1:
        raise NetcoreError(
            f"{type(module).__name__} takes {len(needed)} inputs ({', '.join(needed)}); only networks that take one "
            "image can be shown: wrap it in a module that supplies the others"
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread: for a single image a second gains little, and waits for its turn on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and each part back into the mode it was in."""
    before = [(m, m.training) for m in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


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
    if not isinstance(out, Tensor) or out.shape != (1, classes):
        found = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else f"a {type(out).__name__}"
        raise NetcoreError(f"{type(module).__name__} must give one score a class, (1, {classes}), not {found}")
    return out

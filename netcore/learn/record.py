"""From a module and an image to the values of one pass.

Every call to PyTorch is seen while the module runs (`TorchFunctionMode`), functional ones included; a layer of
`torch.nn` counts as one node, whatever it calls inside. Nothing is traced symbolically, so control flow that depends on
the data is followed as it happens.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from netcore.errors import NetcoreError
from netcore.learn.kinds import function_arguments, function_kind, function_name, function_settings, module_settings
from netcore.learn.models import load_model
from netcore.run import Run, Snapshot
from netcore.trace import LayerTrace, Trace

# These change nothing that could be seen: the value keeps the name of what they were given.
_TRANSPARENT = ("contiguous", "clone", "to", "float", "detach", "requires_grad", "data", "type_as", "alias")


def trace(run: Run, snapshot: Snapshot, pixels: np.ndarray, label: int | None = None, backward: bool = False) -> Trace:
    """Compute the values of one pass of `pixels` (uint8 (C, H, W)) through a snapshot of a run.

    With `backward` (which needs a `label`) the derivatives of the cross-entropy are there too.

    Raises
    ------
    NetcoreError
        If the image has another shape than the run's, the label is no class, or the weights do not fit the model.
    """
    if pixels.shape != run.input_shape:
        raise NetcoreError(f"run '{run.name}' takes images of {_size(run.input_shape)}, not {_size(pixels.shape)}")
    given = run.info["input"]
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
    recorder = _Recorder(module, x)
    with evaluating(module), torch.set_grad_enabled(backward), recorder.watching():
        logits = _checked(module, weights, x, len(classes))
    grads: dict[int, Tensor] = {}
    loss = None
    if label is not None:
        loss = nn.functional.cross_entropy(logits.float(), torch.tensor([label], device=logits.device))
    if backward and loss is not None:
        wanted = [x, *weights.values()]
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
        grads = {id(t): g for t, g in zip(wanted, found, strict=True) if g is not None}
    return Trace(
        pixels=pixels,
        input=_numpy(x[0]),
        layers=tuple(node.layer(grads) for node in recorder.nodes),
        logits=_numpy(logits[0]),
        classes=tuple(classes),
        label=label,
        loss=None if loss is None else loss.item(),
        grad_input=_numpy(grads[id(x)][0]) if id(x) in grads else None,
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
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and each part back into the mode it was in."""
    before = [(m, m.training) for m in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def _checked(module: nn.Module, weights: Mapping[str, Tensor], x: Tensor, classes: int) -> Tensor:
    """Run the module; its scores (1, K), or one line about why there are none."""
    try:
        out = functional_call(module, dict(weights), (x,))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        reason = str(error).strip().split("\n")[0]
        raise NetcoreError(f"{type(module).__name__} cannot take an image of {_size(x.shape[1:])}: {reason}") from error
    if not isinstance(out, Tensor) or out.shape != (1, classes):
        found = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else f"a {type(out).__name__}"
        raise NetcoreError(f"{type(module).__name__} must give one score a class, (1, {classes}), not {found}")
    return out


@dataclass
class _Node:
    """One node being recorded; `layer` makes it final once the gradients are known."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: np.ndarray
    module: str
    settings: Mapping[str, Any]
    weight: Tensor | None = None
    bias: Tensor | None = None
    grad: Tensor | None = None
    parts: list[Any] = field(default_factory=list)

    def layer(self, grads: Mapping[int, Tensor]) -> LayerTrace:
        return LayerTrace(
            name=self.name,
            kind=self.kind,
            inputs=self.inputs,
            output=self.output,
            weight=_optional(self.weight),
            bias=_optional(self.bias),
            grad_output=None if self.grad is None else _numpy(_unbatched(self.grad)),
            grad_weight=_optional(grads.get(id(self.weight))),
            grad_bias=_optional(grads.get(id(self.bias))),
            settings=self.settings,
            module=self.module,
        )


class _Recorder(TorchFunctionMode):
    """Sees each call while a module runs, and makes nodes of those that the image's values go through."""

    def __init__(self, module: nn.Module, x: Tensor) -> None:
        super().__init__()
        self.nodes: list[_Node] = []
        self._paths = {id(m): name for name, m in module.named_modules()}
        self._stack: list[str] = []  # paths of the modules being run
        self._leaf: nn.Module | None = None  # the layer of torch.nn being run: what it calls inside is its own affair
        self._names: dict[int, str] = {id(x): "input"}  # which node a tensor came from
        self._alive: list[Tensor] = [x]  # keeps the ids in `_names` from being used again
        self._used: dict[str, int] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        handles = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave)]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, args: Any) -> None:
        if self._leaf is None:
            self._stack.append(self._paths.get(id(module), ""))
            if _is_layer(module):
                self._leaf = module

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if self._leaf is None:
            self._stack.pop()
        elif self._leaf is module:
            path = self._stack.pop()
            weight, bias = (_parameter(module, name) for name in ("weight", "bias"))
            kind = getattr(module, "kind", type(module).__name__)
            name = path or kind.lower()
            self._record(name, kind, args, output, path, module_settings(module), weight, bias)
            self._leaf = None  # only now: what recording itself calls is no part of the network

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._leaf is not None:
            return func(*args, **kwargs)
        inputs = [t for t in _tensors((args, kwargs)) if id(t) in self._names]
        before = inputs[0].detach() if inputs else None  # shapes only: the values may be overwritten in place
        out = func(*args, **kwargs)
        if before is None:
            return out
        name = function_name(func)
        found = [t for t in _tensors(out) if t.is_floating_point()]
        if name in _TRANSPARENT or not found:
            for t in _tensors(out):
                self._remember(t, self._names[id(inputs[0])])
            return out
        arguments = function_arguments(func, args, kwargs)
        settings = function_settings(arguments)
        kind = function_kind(name, before, found[0], settings)
        weight, bias = (v if isinstance(v := arguments.get(k), Tensor) else None for k in ("weight", "bias"))
        path = self._stack[-1] if self._stack else ""
        title = f"{path}.{name}" if path else name
        self._record(title, kind, inputs, out, path, settings, weight, bias)
        return out

    def _record(
        self, name: str, kind: str, args: Any, output: Any, path: str, settings: Any, weight: Any, bias: Any
    ) -> None:
        inputs = tuple(dict.fromkeys(self._names[id(t)] for t in _tensors(args) if id(t) in self._names))
        for tensor in _tensors(output):
            if not tensor.is_floating_point():
                continue
            node = _Node(self._unique(name), kind, inputs, _numpy(_unbatched(tensor)), path, settings, weight, bias)
            if tensor.requires_grad:
                tensor.register_hook(lambda grad, node=node: setattr(node, "grad", grad))
            self.nodes.append(node)
            self._remember(tensor, node.name)

    def _unique(self, name: str) -> str:
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return self._unique(f"{name}_{count}") if count else name

    def _remember(self, tensor: Tensor, name: str) -> None:
        self._names[id(tensor)] = name
        self._alive.append(tensor)


def _is_layer(module: nn.Module) -> bool:
    """Whether a module is one node: PyTorch's own, containers apart."""
    return hasattr(module, "kind") or (
        type(module).__module__.startswith("torch.nn") and not isinstance(module, nn.Sequential)
    )


def _parameter(module: nn.Module, name: str) -> Tensor | None:
    value = getattr(module, name, None)
    return value if isinstance(value, Tensor) else None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _tensors(v)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _unbatched(tensor: Tensor) -> Tensor:
    return tensor[0] if tensor.ndim and tensor.shape[0] == 1 else tensor


def _numpy(tensor: Tensor) -> np.ndarray:
    """A copy: float32, C-contiguous."""
    return np.array(tensor.detach().float().cpu().numpy(), order="C")


def _optional(tensor: Tensor | None) -> np.ndarray | None:
    return None if tensor is None else _numpy(tensor)


def _size(shape: Sequence[int]) -> str:
    return "×".join(str(n) for n in shape)

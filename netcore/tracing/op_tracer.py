"""Record every PyTorch operation of a forward pass, functional calls included.

A layer of `torch.nn` is one operation, whatever it calls inside. Nothing is traced symbolically, so control flow that
depends on the data is followed as it happens.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from netcore.models.exported_model import ExportedLayer
from netcore.models.op_names import (
    attention_weights,
    function_arguments,
    function_kind,
    function_name,
    function_settings,
    is_layer,
    output_names,
)
from netcore.tracing.op_call import (
    LayerRecord,
    OpCall,
    as_tensor,
    exported_call,
    layer_call,
    replace_tensor,
    tensors_in,
)
from netcore.tracing.traced_op import TracedOp, float32_array

# Value-preserving ops: the result keeps its input's name.
_TRANSPARENT = (
    "contiguous",
    "clone",
    "to",
    "float",
    "detach",
    "requires_grad",
    "data",
    "type_as",
    "alias",
    "lift_fresh_copy",
    "to_copy",
)


class OpTracer(TorchFunctionMode):
    """Record every operation whose inputs depend on the network's input.

    Parameters
    ----------
    module : nn.Module
        The network.
    x : Tensor, shape (1, C, H, W)
        Its input.
    names : mapping, optional
        Names of the parameters by the ids of the tensors that the network computes with.
    shapes_only : bool
        Save no values: outputs are arrays of the right shape, without memory of their own.
    attention : bool
        Record attention weights, as if PyTorch returned them. Default: if values are saved.
    mask : mapping, optional
        Places to set to 0 in the first output of an operation, bool tensors by its name.

    Attributes
    ----------
    ops : list of TracedOp
        The recorded operations, in order.
    classes : dict of str
        Class of every module by its path.
    """

    def __init__(
        self,
        module: nn.Module,
        x: Tensor,
        names: Mapping[int, str] | None = None,
        shapes_only: bool = False,
        attention: bool | None = None,
        mask: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.ops: list[TracedOp] = []
        self.classes = module_classes(module)
        self._module = module
        self._paths = {id(m): name for name, m in module.named_modules()}
        self._stack: list[str] = []  # paths of the modules being run
        self._layer: nn.Module | None = None  # the layer of torch.nn being run: its inner calls are not recorded
        self._layer_record = LayerRecord()
        self._names: dict[int, str] = {id(x): "input"}  # name of the output by the id of its tensor
        self._kept_alive: list[Tensor] = [x]  # so that the ids in `_names` are not used again
        self._name_counts: dict[str, int] = {}
        self._values = not shapes_only
        self._attention = self._values if attention is None else attention
        self._mask = mask or {}
        parameters = dict(module.named_parameters())
        self._sizes = {name: parameter.numel() for name, parameter in parameters.items()}
        # Names of the parameters that alone a tensor was computed from, by its id
        known = {id(p): name for name, p in parameters.items()} | dict(names or {})
        self._parameters: dict[int, tuple[str, ...]] = {key: (name,) for key, name in known.items()}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record all calls; outputs are copied at once, so that in-place functions cannot change them."""
        handles = [
            register_module_forward_pre_hook(self._on_forward_start),
            # PyTorch's type of the hook has no result, which its documentation has
            register_module_forward_hook(self._on_forward_end, with_kwargs=True),  # type: ignore[arg-type]
        ]
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def has_traced(self, tensor: Tensor) -> bool:
        """Whether `tensor` is the output of a recorded operation."""
        return self.name_of(tensor) != "input"

    def name_of(self, tensor: Tensor) -> str:
        """Return the name of the output that `tensor` is, "input" if no operation computed it."""
        return self._names.get(id(tensor), "input")

    # ---- calls of modules

    def _on_forward_start(self, module: nn.Module, args: object) -> None:
        if self._layer is None:
            self._stack.append(module.path if isinstance(module, ExportedLayer) else self._paths.get(id(module), ""))
            if isinstance(module, ExportedLayer) or is_layer(module):
                self._layer, self._layer_record = module, LayerRecord()

    def _on_forward_end(
        self, module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object], output: object
    ) -> object:
        if self._layer is None:
            self._stack.pop()
        elif self._layer is module:
            path = self._stack.pop()
            if any(id(t) in self._names for t in tensors_in((args, kwargs))):
                if isinstance(module, ExportedLayer):
                    output = self._add(exported_call(module, self._layer_record, args, output))
                else:
                    output = self._add(layer_call(module, args, kwargs, output, path, self._attention))
            self._layer = None  # only now: calls made for the record are not part of the network
        return output

    # ---- calls of functions

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        if self._layer is not None and not isinstance(self._layer, ExportedLayer):
            return func(*args, **kwargs)
        given = list(tensors_in((args, kwargs)))
        source = next((t for t in given if id(t) in self._names), None)
        source_shape = tuple(source.shape) if source is not None else ()  # before an in-place function changes it
        out = func(*args, **kwargs)
        if self._layer is not None:
            self._layer_record.record(func, args, kwargs, given, out)
        elif source is None:
            self._record_parameters(given, out)
        else:
            return self._record_function(func, args, kwargs, out, source, source_shape)
        return out

    def _record_parameters(self, given: Sequence[Tensor], out: object) -> None:
        """Note of which parameters alone a tensor was computed."""
        if names := self._parameter_names(given):
            for tensor in tensors_in(out):
                self._parameters[id(tensor)] = names
                self._kept_alive.append(tensor)

    def _record_function(
        self,
        func: Callable[..., object],
        args: tuple[object, ...],
        kwargs: dict[str, object],
        out: object,
        source: Tensor,
        source_shape: tuple[int, ...],
    ) -> object:
        name = function_name(func)
        found = [t for t in tensors_in(out) if t.is_floating_point()]
        if name in _TRANSPARENT or not found:
            for tensor in tensors_in(out):
                self._remember(tensor, self._names[id(source)])
            return out
        arguments = function_arguments(func, args, kwargs)
        kind = function_kind(name, source_shape, found[0].shape)
        path = self._stack[-1] if self._stack else ""
        title = f"{path}.{name}" if path else name
        if current := getattr(self._module, "current_call", None):  # of an ExportedModel
            title, path, kind = current[0], current[1], current[2] or kind
        is_attention = name == "scaled_dot_product_attention" and self._attention
        return self._add(
            OpCall(
                name=title,
                kind=kind,
                args=(args, kwargs),
                output=out,
                path=path,
                settings=function_settings(kind, arguments),
                weight=as_tensor(arguments.get("weight")),
                bias=as_tensor(arguments.get("bias")),
                used=list(tensors_in((args, kwargs))),
                attention=attention_weights(arguments) if is_attention else None,
            )
        )

    # ---- the record

    def _add(self, call: OpCall) -> object:
        """Record a call, and return its output with the masked places set to 0."""
        inputs = tuple(dict.fromkeys(self._names[id(t)] for t in tensors_in(call.args) if id(t) in self._names))
        found = [t for t in tensors_in(call.output) if t.is_floating_point()]
        if not found:
            return call.output
        first, *others = found
        output, name = call.output, self._unique(call.name)
        if name in self._mask:
            masked = self._masked(name, first, call)
            output, first = replace_tensor(output, first, masked), masked
        op = TracedOp(
            name=name,
            kind=call.kind,
            inputs=inputs,
            output=self._array(first),
            module=call.path,
            settings=call.settings,
            weight=call.weight,
            bias=call.bias,
            parameter_sizes={name: self._sizes[name] for name in self._parameter_names(call.used)},
            module_class=self.classes.get(call.path, ""),
        )
        if first.requires_grad:  # a hook sees the value as it is now, also if it is overwritten later
            first.register_hook(lambda grad: setattr(op, "grad", grad))
        self.ops.append(op)
        self._remember(first, op.name)
        for tensor, word in zip(others, output_names(call.kind, len(others)), strict=True):
            name = self._unique(f"{op.name}.{word}")
            op.outputs[name] = self._array(tensor)
            self._remember(tensor, name)
        if call.attention is not None:
            op.outputs[self._unique(f"{op.name}.attention")] = self._array(call.attention)
        return output

    def _masked(self, name: str, values: Tensor, call: OpCall) -> Tensor:
        in_place = self._layer is None and any(values is t for t in call.used)
        if in_place:  # of a function, whose caller need not use what it returns
            return values.masked_fill_(self._mask[name], 0)
        return values.masked_fill(self._mask[name], 0)

    def _parameter_names(self, tensors: Iterable[Tensor]) -> tuple[str, ...]:
        """Names of the parameters among `tensors`, and of those that they were computed from."""
        found = (n for t in tensors for n in self._parameters.get(id(t), ()))
        return tuple(n for n in dict.fromkeys(found) if n in self._sizes)

    def _array(self, tensor: Tensor) -> NDArray[np.float32]:
        return float32_array(tensor) if self._values else np.broadcast_to(np.float32(0), tuple(tensor.shape))

    def _unique(self, name: str) -> str:
        count = self._name_counts.get(name, 0)
        self._name_counts[name] = count + 1
        return self._unique(f"{name}_{count}") if count else name

    def _remember(self, tensor: Tensor, name: str) -> None:
        self._names[id(tensor)] = name
        self._kept_alive.append(tensor)


def module_classes(module: nn.Module) -> dict[str, str]:
    """Return the class name of every module by its path; of an exported network, as its author wrote it."""
    stored = getattr(module, "module_classes", None)
    if isinstance(stored, Mapping):
        return dict(stored)
    return {path: type(m).__name__.removeprefix("Parametrized") for path, m in module.named_modules()}

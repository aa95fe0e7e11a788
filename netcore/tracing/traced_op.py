"""One traced operation, before it becomes part of a `Trace`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from netcore.core.trace import LayerTrace


@dataclass
class TracedOp:
    """One operation of a forward pass, its arrays with the batch axis.

    Attributes
    ----------
    name : str
        Unique within the pass.
    kind : str
        Class of the layer, or name of the function: "Conv2d", "add".
    inputs : tuple of str
        Names of the outputs that it reads.
    output : ndarray
        Its first output.
    module : str
        Path of the module that called it.
    settings : mapping
        Numeric settings: kernel_size, stride, p, …
    weight, bias : Tensor, optional
    grad : Tensor, optional
        Gradient of the loss with respect to `output`.
    outputs : dict of ndarray
        Further outputs by name.
    parameter_sizes : dict of int
        Sizes of its parameters by their names.
    module_class : str
        Class of `module`.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: NDArray[np.floating]
    module: str
    settings: Mapping[str, Any]
    weight: Tensor | None = None
    bias: Tensor | None = None
    grad: Tensor | None = None
    outputs: dict[str, NDArray[np.floating]] = field(default_factory=dict)
    parameter_sizes: dict[str, int] = field(default_factory=dict)
    module_class: str = ""

    def named_outputs(self) -> Iterator[tuple[str, NDArray[np.floating]]]:
        """Yield name and values of every output."""
        yield self.name, self.output
        yield from self.outputs.items()

    def to_layer_trace(
        self,
        names: Mapping[int, str],
        gradients: Mapping[int, Tensor],
        axes: Mapping[str, int | None],
        shapes_only: bool = False,
    ) -> LayerTrace:
        """Convert to arrays without the batch axis.

        Parameters
        ----------
        names : mapping
            Names of the parameters by the ids of their tensors.
        gradients : mapping
            Gradients of the parameters by the same ids.
        axes : mapping
            Batch axis by name of the output, as `netcore.tracing.batch_axes.batch_axes` finds it.
        shapes_only : bool
            Leave out weight and bias.
        """
        axis = axes.get(self.name)
        return LayerTrace(
            name=self.name,
            kind=self.kind,
            inputs=self.inputs,
            output=_without_axis(self.output, axis),
            weight=None if shapes_only else _optional_array(self.weight),
            bias=None if shapes_only else _optional_array(self.bias),
            grad_output=None if self.grad is None else _without_axis(float32_array(self.grad), axis),
            grad_weight=_optional_array(gradients.get(id(self.weight))),
            grad_bias=_optional_array(gradients.get(id(self.bias))),
            settings=self.settings,
            module=self.module,
            weight_name=names.get(id(self.weight), ""),
            parameter_sizes=self.parameter_sizes,
            outputs={name: _without_axis(value, axes.get(name)) for name, value in self.outputs.items()},
            module_class=self.module_class,
            batch_axis=axis,
        )


def float32_array(tensor: Tensor) -> NDArray[np.float32]:
    """Copy a tensor into a C-contiguous float32 array."""
    return np.array(tensor.detach().float().cpu().numpy(), order="C")


def _optional_array(tensor: Tensor | None) -> NDArray[np.float32] | None:
    return None if tensor is None else float32_array(tensor)


def _without_axis(values: NDArray[np.floating], axis: int | None) -> NDArray[np.floating]:
    return values if axis is None else values.squeeze(axis)

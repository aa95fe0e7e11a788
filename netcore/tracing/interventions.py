"""Altered passes: replaced weights, and units set to 0."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.formatting import format_shape
from netcore.core.network import Mask, Weights
from netcore.tracing.batch_axes import batch_axes
from netcore.tracing.inputs import eval_mode
from netcore.tracing.op_tracer import OpTracer


def replacement_tensors(module: nn.Module, weights: Weights | None) -> dict[str, Tensor]:
    """Turn replaced arrays into tensors like those of the module, by the name that the module uses first.

    Raises
    ------
    NetcoreError
        If the module has no such parameter or buffer, or the shape differs.
    """
    if not weights:
        return {}
    state = module.state_dict(keep_vars=True)
    first = {id(tensor): name for name, tensor in reversed(state.items())}  # a shared tensor has several names
    found: dict[str, Tensor] = {}
    for name, values in weights.items():
        if name not in state:
            raise unknown_name("parameter", name, state)
        like, array = state[name], np.array(values)
        if (array.shape or (1,)) != (tuple(like.shape) or (1,)):
            raise NetcoreError(f"{name} is {format_shape(like.shape)} in the network, not {format_shape(array.shape)}")
        found[first[id(like)]] = torch.from_numpy(array).to(like.dtype).view(like.shape)
    return found


def mask_tensors(module: nn.Module, x: Tensor, mask: Mask | None) -> dict[str, Tensor]:
    """Return by node the places to set to 0, bool tensors that broadcast against outputs of any batch size.

    Parameters
    ----------
    module : nn.Module
    x : Tensor, shape (B, C, H, W)
        Of which the first image is passed through the network, for the shapes.
    mask : mapping
        Indices of units by name of the node.

    Raises
    ------
    NetcoreError
        If there is no such node or unit, or the node's output has no axis of the batch alone.
    """
    if not mask:
        return {}
    image = x[:1]
    tracer = OpTracer(module, image, shapes_only=True)
    with eval_mode(module), torch.no_grad(), tracer.recording():
        module(image)
    axes = batch_axes(module, image, tracer.ops)
    shapes = {op.name: op.output.shape for op in tracer.ops}
    return {name: _places(name, np.asarray(units), shapes, axes, x.device) for name, units in mask.items()}


def _places(
    name: str,
    units: NDArray[Any],
    shapes: Mapping[str, tuple[int, ...]],
    axes: Mapping[str, int | None],
    device: torch.device,
) -> Tensor:
    if name not in shapes:
        raise unknown_name("node", name, shapes)
    axis = axes[name]
    if axis is None or len(shapes[name]) < 2:
        raise NetcoreError(f"the units of '{name}' cannot be masked: its output has no axis of units for each image")
    count, *others = shapes[name][:axis] + shapes[name][axis + 1 :]
    if units.size and (units.dtype.kind not in "iu" or units.min() < 0 or units.max() >= count):
        raise NetcoreError(f"mask of '{name}': give indices of units from 0 to {count - 1}")
    places = torch.zeros(count, dtype=torch.bool, device=device)
    places[torch.from_numpy(units.astype(np.int64))] = True
    return places.view(count, *(1 for _ in others)).unsqueeze(axis)

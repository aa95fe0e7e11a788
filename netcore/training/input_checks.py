"""Check the user's networks, images, class names and normalisation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_shape
from netcore.core.plain_text import plain_text
from netcore.models.export import unwrap
from netcore.tracing.inputs import check_single_input, eval_mode
from netcore.tracing.tracer import output_type_error


def count_classes(model: nn.Module, shape: Sequence[int]) -> int:
    """Return the number of scores K of a model for an image of `shape` (C, H, W).

    Raises
    ------
    NetcoreError
        If the model cannot take such an image, or does not return scores (1, K).
    """
    if not isinstance(model, nn.Module):
        raise NetcoreError(f"the model must be a torch.nn.Module, got {type(model).__name__}")
    model = unwrap(model)
    check_single_input(model)
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    name = type(model).__name__
    try:
        with eval_mode(model), torch.no_grad():
            out = model(torch.zeros(1, *shape, dtype=like.dtype, device=like.device))
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
        raise NetcoreError(f"{name} cannot take an image of {format_shape(shape)} ({reason})") from error
    if not isinstance(out, torch.Tensor):
        raise NetcoreError(output_type_error(model, out))
    if out.ndim != 2 or out.shape[0] != 1 or out.shape[1] < 2:
        raise NetcoreError(f"{name} must return logits of shape (1, K) with K ≥ 2, got {tuple(out.shape)}")
    return int(out.shape[1])


def class_names(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Return the class names, by default the numbers from 0.

    Raises
    ------
    NetcoreError
        If there are not `count` different names.

    Examples
    --------
    >>> class_names(None, 3)
    ('0', '1', '2')
    """
    names = tuple(plain_text(str(n)) for n in (range(count) if names is None else names))
    if len(names) != count:
        raise NetcoreError(f"the network gives {count} scores, but there are {len(names)} class names")
    if len(set(names)) != count:
        raise NetcoreError(f"class names must differ: '{next(n for n in names if names.count(n) > 1)}' is there twice")
    return names


def state_arrays(model: nn.Module) -> dict[str, NDArray[Any]]:
    """Return parameters and buffers by name, floats as float32; on the CPU they share the model's memory."""
    state = {k: v.detach() for k, v in unwrap(model).state_dict().items() if isinstance(v, torch.Tensor)}
    return {k: (v.float() if v.is_floating_point() else v).cpu().numpy() for k, v in state.items()}


def to_uint8(images: ArrayLike, mean: ArrayLike = 0.0, std: ArrayLike = 1.0) -> NDArray[np.uint8]:
    """Convert images to uint8.

    Parameters
    ----------
    images : array_like or Tensor, shape (N, C, H, W) or (N, H, W)
        uint8, or floats in [0, 1], or floats normalised by `mean` and `std`.
    mean, std : float or sequence of float
        One number, or one per channel.

    Returns
    -------
    ndarray of uint8, shape (N, C, H, W)

    Raises
    ------
    NetcoreError
        If the shape or the values are others.

    Examples
    --------
    >>> to_uint8([[[0.0, 0.5, 1.0]]]).tolist()
    [[[[0, 128, 255]]]]
    """
    values = to_numpy(images)
    if values.ndim == 3:
        values = values[:, None]
    if values.ndim != 4 or 0 in values.shape:
        raise NetcoreError(
            f"example images must have the shape (N, C, H, W) or (N, H, W), got {format_shape(values.shape)}"
        )
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.floating):
        raise NetcoreError(f"example images must be uint8, or floats in [0, 1], got {values.dtype}")
    if values.size and (values.min() < 0 or values.max() > 1):
        factors = [np.reshape(v, (1, -1, 1, 1)) for v in check_normalization(mean, std, values.shape[1])]
        values = values * factors[1] + factors[0]
    if not np.isfinite(values).all() or (values.size and (values.min() < -0.01 or values.max() > 1.01)):
        raise NetcoreError(
            "example images must be uint8 or floats in [0, 1]: pass the mean= and std= that they were normalised with"
        )
    return np.round(values.clip(0, 1) * 255).astype(np.uint8)


def to_numpy(values: ArrayLike) -> NDArray[Any]:
    """Convert an array or a tensor on any device to an array."""
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def check_normalization(mean: ArrayLike, std: ArrayLike, channels: int) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation as lists of one number per channel.

    Raises
    ------
    NetcoreError
        If the number of values differs from 1 and `channels`, or a value is out of range.

    Examples
    --------
    >>> check_normalization(0.5, [0.2, 0.3], 2)
    ([0.5, 0.5], [0.2, 0.3])
    """
    out = []
    for given, word in ((mean, "mean"), (std, "std")):
        values = np.atleast_1d(np.asarray(given, float)).tolist()
        if len(values) not in (1, channels):
            raise NetcoreError(f"{word} must have one number per channel, {channels} in all, got {len(values)}")
        out.append(values * channels if len(values) == 1 else values)
    if not np.isfinite(out).all() or min(out[1]) <= 0:
        raise NetcoreError("mean and std must be finite, and std above 0")
    return out[0], out[1]

"""Check what a stored network would compute, before it is computed."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from netcore.core.errors import NetcoreError
from netcore.models.exported_model import ExportedModel

MAX_VALUES = 2**28  # of all nodes together, for one image
DAMAGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError, MemoryError)


def check_graph(
    graph: Mapping[str, Any], constants: Mapping[str, NDArray[Any]], shape: Sequence[int], classes: int
) -> None:
    """Compute the shapes of all nodes for one image, without values and without memory for them.

    Parameters
    ----------
    graph, constants :
        Of `ExportedModel`.
    shape : sequence of int
        (C, H, W) of one image.
    classes : int

    Raises
    ------
    NetcoreError
        If the network cannot take such an image, gives other scores than (1, K), or needs too much memory.
    """
    model = _ShapeModel(graph, constants, "meta").eval()
    try:
        with torch.no_grad():
            scores = model(torch.zeros(1, *shape, device="meta"))
    except NotImplementedError:  # an operator without shapes of its own, as some of attention
        return
    except DAMAGE as error:
        line = " ".join(str(error).split())[:200]
        raise NetcoreError(f"the stored network cannot be computed ({type(error).__name__}: {line})") from error
    if not isinstance(scores, Tensor) or scores.shape != (1, classes):
        raise NetcoreError(f"the stored network must give scores of shape (1, {classes}): import it again")


class _ShapeModel(ExportedModel):
    """A stored network on PyTorch's device "meta", whose tensors have a shape alone."""

    total = 0

    def compute_node(self, function: Callable[..., object], args: list[Any], kwargs: dict[str, Any]) -> object:
        """Call an operator, and count the values that it gives."""
        schema = getattr(function, "_schema", None)
        if schema is not None and any(argument.name == "device" for argument in schema.arguments):
            kwargs = kwargs | {"device": "meta"}
        result = function(*args, **kwargs)
        self.total += sum(math.prod(value.shape) for value in _tensors(result))
        if self.total > MAX_VALUES:
            raise NetcoreError(
                f"the stored network computes more than {MAX_VALUES:,} values for one image: use smaller images"
            )
        return result


def _tensors(value: object) -> list[Tensor]:
    if isinstance(value, (tuple, list)):
        return [tensor for part in value for tensor in _tensors(part)]
    return [value] if isinstance(value, Tensor) else []

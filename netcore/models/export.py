"""Export a network as a JSON graph that needs no code.

`torch.export` follows the network once, for images of one size and batches of any size. The graph holds PyTorch's
operators by name, with their arguments; nothing is pickled. `netcore.models.exported_model` computes such a graph.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.models.exported_model import ExportedModel
from netcore.models.graph_writer import Graph, GraphWriter
from netcore.models.module_copy import copy_module


def export_graph(module: nn.Module, shape: tuple[int, int, int]) -> tuple[Graph, dict[str, NDArray[Any]]]:
    """Export a classifier's graph, and verify that it computes the same scores as the module.

    Parameters
    ----------
    module : nn.Module
        Not changed.
    shape : tuple of int
        (C, H, W) of one image.

    Returns
    -------
    graph : dict
        JSON: "version", "state" (parameters and buffers by name), "modules" (class by path), "nodes" in order (each
        with its module, its class and the number of its call), "layers" (calls of layers of `torch.nn` that are
        several nodes), "output".
    constants : dict of ndarray
        Tensors that the graph needs and the module's `state_dict` does not have.

    Raises
    ------
    NetcoreError
        If the network's control flow depends on the image's values, it returns several outputs, or its graph computes
        other scores.
    """
    module = cpu_copy(module)
    name = type(module).__name__
    try:
        with _silence():
            program = torch.export.export(
                module, (torch.zeros(2, *shape),), dynamic_shapes=({0: torch.export.Dim.AUTO},), strict=False
            )
    except Exception as error:  # user code in the exporter: any exception is possible
        if "data-dependent" in str(error) or "DataDependent" in type(error).__name__:
            raise NetcoreError(
                f"{name} has control flow that depends on the image; only a fixed graph can be stored"
            ) from error
        raise NetcoreError(f"the graph of {name} cannot be stored ({_first_line(error)})") from error
    graph, constants = GraphWriter(module, program).write()
    _verify(module, ExportedModel(graph, constants, state=module.state_dict()), shape)
    return graph, constants


def cpu_copy(module: nn.Module) -> nn.Module:
    """Copy a module, without its wrappers, to the CPU in float32 and evaluation mode; parameters share memory."""
    module = unwrap(module)
    try:
        module = copy_module(module)
    except Exception as error:  # a module can hold an object that cannot be copied, for example a lock
        raise NetcoreError(f"{type(module).__name__} cannot be copied ({_first_line(error)})") from error
    return module.cpu().float().eval()


def unwrap(module: nn.Module) -> nn.Module:
    """Return the network inside `torch.compile` or `DataParallel`.

    Examples
    --------
    >>> unwrap(nn.DataParallel(nn.Linear(2, 3)))
    Linear(in_features=2, out_features=3, bias=True)
    """
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = module.module
        if inner is None:
            return module
        module = inner


def _verify(module: nn.Module, exported: ExportedModel, shape: tuple[int, int, int]) -> None:
    """Compare the scores of module and graph on one image and on a batch of three."""
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for batch in (images[:1], images):
            try:
                expected, found = module(batch), exported.eval()(batch)
                same = torch.allclose(expected, found, rtol=1e-4, atol=1e-5 * max(1.0, expected.abs().max().item()))
            except Exception as error:
                raise NetcoreError(
                    f"{type(module).__name__} must take batches of any number of images ({_first_line(error)})"
                ) from error
            if not same:
                raise NetcoreError(
                    f"{type(module).__name__} is not deterministic, or differs from its exported graph: it cannot be "
                    "stored in a run"
                )


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress the exporter's long reports; its exception contains what matters."""
    logging.disable(logging.CRITICAL)
    try:
        nowhere = io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().split("\n")
    return f"{type(error).__name__}: {lines[0][:200]}"

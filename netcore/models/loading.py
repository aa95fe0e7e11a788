"""Load a run's network with the weights of a snapshot."""

import json
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_shape
from netcore.core.plain_text import parse_json
from netcore.core.run import Run, Snapshot
from netcore.models.architecture import MAX_PARAMETERS, Architecture
from netcore.models.build import build_model
from netcore.models.exported_model import ExportedModel
from netcore.models.size_check import check_graph

MAX_REPORTED = 3  # names that do not fit, in the message

_last: dict[str, tuple[str, str, nn.Module]] = {}  # by run folder: description, digest of the weights, module


def load_model(run: Run, snapshot: Snapshot) -> nn.Module:
    """Load a run's network with the weights of a snapshot, in evaluation mode on the CPU.

    The module is cached for the next call on the same run: treat it as read-only.

    Raises
    ------
    NetcoreError
        If run.json does not describe the network, or the weights do not fit it.
    """
    described = json.dumps([run.info.get("model"), run.input_shape, len(run.classes)], sort_keys=True)
    model, digest, module = _last.get(str(run.path), ("", "", None))
    if module is None or model != described:
        module, digest = _construct(run), ""
    if digest != snapshot.sha256:
        _last.pop(str(run.path), None)
        load_weights(module, run.weights(snapshot), snapshot.file, assign=True)
        _last.clear()
        _last[str(run.path)] = (described, snapshot.sha256, module)
    return module


def _construct(run: Run) -> nn.Module:
    model: dict[str, Any] = run.info.get("model") or {}
    if model.get("kind") == "graph":
        constants = run.read_arrays(model["constants"]) if "constants" in model else {}
        graph = _read_graph(run, model)
        check_graph(graph, constants, run.input_shape, len(run.classes))
        return ExportedModel(graph, constants, allocate=False).eval()
    if model.get("kind") != "recipe":
        raise NetcoreError(f"run '{run.name}' does not describe its network (model in run.json)")
    try:
        return _build(run, model)
    except (LookupError, TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        line = " ".join(str(error).split())[:200]
        raise NetcoreError(f"run '{run.name}' does not describe a network (model in run.json: {line})") from error


def _read_graph(run: Run, model: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    try:
        return parse_json(run.read(model["graph"]))
    except (LookupError, ValueError) as error:
        raise NetcoreError(f"the stored network of run '{run.name}' is damaged: {error}") from error


def _build(run: Run, model: dict[str, Any]) -> nn.Module:
    architecture = Architecture.from_settings(model["architecture"])
    count = architecture.parameters(run.input_shape, len(run.classes))
    if count > MAX_PARAMETERS:
        raise ValueError(f"{count:,} parameters are more than {MAX_PARAMETERS:,}")
    return build_model(architecture, run.input_shape, len(run.classes)).eval()


def load_weights(module: nn.Module, weights: Mapping[str, NDArray[Any]], source: str, assign: bool = False) -> None:
    """Copy named arrays into a module's parameters and buffers.

    Parameters
    ----------
    module : nn.Module
    weights : mapping of ndarray
    source : str
        File of the weights, for the error message.
    assign : bool
        Let the module use the memory of the arrays, on the CPU.

    Raises
    ------
    NetcoreError
        If names or shapes differ; the message lists them.
    """
    state = module.state_dict()
    given = {v.data_ptr() for k, v in state.items() if k in weights}  # files can hold a shared tensor once
    missing = [k for k, v in state.items() if k not in weights and v.data_ptr() not in given]
    absent = [f"{k} is missing" for k in missing if not k.endswith("num_batches_tracked")]  # not read by any pass
    unknown = [f"{k} is not in the network" for k in weights if k not in state]
    resized = [
        f"{k} is {format_shape(weights[k].shape)} where the network has {format_shape(v.shape)}"
        for k, v in state.items()
        if k in weights and (weights[k].shape or (1,)) != (tuple(v.shape) or (1,))
    ]
    wrong = [line for lines in zip_longest(resized, absent, unknown) for line in lines if line]  # each kind first
    if wrong:
        more = f"; and {len(wrong) - MAX_REPORTED} more" if len(wrong) > MAX_REPORTED else ""
        raise NetcoreError(f"the weights in {source} do not fit the network: {'; '.join(wrong[:MAX_REPORTED])}{more}")
    with torch.no_grad():
        for key, value in state.items():
            if key not in weights:
                continue
            array = np.asarray(weights[key])
            tensor = torch.from_numpy(array if array.flags.writeable else array.copy()).view(value.shape)
            if assign:
                owner, _, leaf = key.rpartition(".")
                getattr(module.get_submodule(owner), leaf).data = tensor.to(value.dtype)
            else:
                value.copy_(tensor)

"""Describe a network's layers and the environment of a training for run.json."""

import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import netcore
from netcore.models.op_names import module_settings
from netcore.tracing.tracer import trace_module

RECORDED_SETTINGS = (
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "dims",
    "dim0",
    "dim1",
    "pad",
)  # in run.json
PACKAGES = ("torch", "torchvision", "numpy", "safetensors", "scikit-learn")


def describe_layers(module: nn.Sequential, shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """Describe the layers of a sequential network for run.json, as `operation_entries` does."""
    rows, previous = [], "input"
    values = torch.zeros(1, *shape)
    module.eval()
    with torch.inference_mode():
        for name, layer in module.named_children():
            out = layer(values)
            rows.append(
                {
                    "name": name,
                    "kind": type(layer).__name__,
                    "input": list(values.shape[1:]),
                    "output": list(out.shape[1:]),
                    "parameters": sum(p.numel() for p in layer.parameters()),
                    "inputs": [previous],
                    "weight": f"{name}.weight" if getattr(layer, "weight", None) is not None else "",
                    "class": type(layer).__name__,
                    "module": name,
                    "outputs": {},
                    "parameter_sizes": {f"{name}.{key}": p.numel() for key, p in layer.named_parameters()},
                    "batch_axis": 0,
                    "settings": {k: v for k, v in module_settings(layer).items() if k in RECORDED_SETTINGS},
                }
            )
            values, previous = out, name
    return rows


def operation_entries(model: nn.Module, shape: Sequence[int], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Trace a network, and describe its operations for run.json.

    Parameters
    ----------
    model : nn.Module
    shape : sequence of int
        (C, H, W) of one image.
    classes : sequence of str
        K names.

    Returns
    -------
    list of dict
        Per operation: name, kind, inputs, shapes without the batch, number of parameters, the weight's name in the
        snapshots; shapes of further outputs, sizes of all parameters, path and class of the module, batch axis and
        numeric settings.
    """
    trace = trace_module(model, np.zeros(tuple(shape), np.uint8), classes=classes, shapes_only=True)
    return [
        {
            "name": layer.name,
            "kind": layer.kind,
            "inputs": list(layer.inputs),
            "input": list(trace.input_of(layer).shape),
            "output": list(layer.output.shape),
            "parameters": layer.parameters,
            "weight": layer.weight_name,
            "class": layer.module_class,
            "module": layer.module,
            "outputs": {name: list(value.shape) for name, value in layer.outputs.items()},
            "parameter_sizes": dict(layer.parameter_sizes),
            "batch_axis": layer.batch_axis,
            "settings": {k: layer.settings[k] for k in RECORDED_SETTINGS if k in layer.settings},
        }
        for layer in trace.layers
    ]


def environment_info() -> dict[str, Any]:
    """Return library versions, platform, git revision of the working directory, and time."""
    versions = {"netcore": netcore.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "platform": f"{sys.platform} {platform.machine()}",
        "revision": git_revision(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def git_revision() -> str | None:
    """Return the git revision of the working directory, "-dirty" if files differ; None outside git."""
    try:
        process = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            capture_output=True, text=True, timeout=5, check=True, cwd=Path.cwd(),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return process.stdout.strip() or None

"""Describe a network's layers and the environment of a training for run.json."""

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

import netcore
from netcore.models.op_names import module_settings

WINDOW_SETTINGS = ("kernel_size", "stride", "padding", "dilation", "groups")  # in run.json
PACKAGES = ("torch", "torchvision", "numpy", "safetensors", "scikit-learn")


def describe_layers(module: nn.Sequential, shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """Describe the layers of a sequential network for run.json, as `describe_operations` does."""
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
                    "settings": {k: v for k, v in module_settings(layer).items() if k in WINDOW_SETTINGS},
                }
            )
            values, previous = out, name
    return rows


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

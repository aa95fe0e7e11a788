"""What a run records of its network and of what surrounded its training."""

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
    """Give one mapping a layer: the keys of `netcore.training.recorder.describe_nodes`, shapes without the batch."""
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


def environment_info() -> dict[str, Any]:
    """Versions of what computes, the git revision of the working folder, and the time."""
    found = {"netcore": netcore.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "versions": found,
        "platform": f"{sys.platform} {platform.machine()}",
        "revision": git_revision(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def git_revision() -> str | None:
    """The revision checked out in the current folder, marked ``-dirty`` where files differ; None outside git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            capture_output=True, text=True, timeout=5, check=True, cwd=Path.cwd(),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None

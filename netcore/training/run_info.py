"""What run.json says of a training, and whether it can be resumed."""

import json
from typing import Any

import torch

from netcore.core.errors import NetcoreError
from netcore.models.device import device_name
from netcore.training.metadata import environment_info
from netcore.training.plan import TrainingPlan


def training_info(plan: TrainingPlan, name: str, layers: list[dict[str, Any]], device: torch.device) -> dict[str, Any]:
    """Return the contents of run.json at the start of a training.

    Parameters
    ----------
    plan : TrainingPlan
    name : str
        Of the run.
    layers : list of dict
        See `describe_layers`.
    device : torch.device
    """
    shape = plan.train.channels_first.shape[1:]
    return {
        "name": name,
        "recipe": plan.recipe.name,
        "status": "training",
        "model": {"kind": "recipe", "architecture": plan.recipe.architecture.settings},
        "settings": plan.recipe.settings,
        "changed": plan.changed,
        "parameters": sum(layer["parameters"] for layer in layers),
        "layers": layers,
        "input": {"shape": list(shape), "mean": [0.0] * shape[0], "std": [1.0] * shape[0]},
        "classes": list(plan.train.classes),
        "data": plan.data_info,
        "seed": plan.recipe.seed,
        "device": device.type,
        "device_name": device_name(device),
    } | environment_info()


def check_same_training(info: dict[str, Any], plan: TrainingPlan) -> None:
    """Check that a plan has the settings and the data that a run was started with.

    Raises
    ------
    NetcoreError
        If it has others.
    """
    saved, settings = info["settings"], json.loads(json.dumps(plan.recipe.settings))
    changed = [key for key in settings if saved.get(key) != settings[key]]
    if changed or info["data"]["sha256"] != plan.data_info["sha256"]:
        what = changed[0] if changed else "data"
        raise NetcoreError(
            f"run '{info['name']}' was started with other settings ({what}): resume it with the same ones"
        )


def truncate_history(info: dict[str, Any], step: int) -> None:
    """Remove snapshots and history after a step from run.json; the training resumes there."""
    info["snapshots"] = [s for s in info["snapshots"] if s["step"] <= step]
    info["history"] = {unit: [r for r in rows if r["step"] <= step] for unit, rows in info["history"].items()}
    info["status"] = "training"

"""Plan a training: settings, data, splits and epochs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.formatting import format_percent
from netcore.datasets.base import Dataset, DatasetSplits, stratified_split
from netcore.datasets.loading import load_with_fallback
from netcore.models.architecture import ACTIVATIONS, MAX_PARAMETERS
from netcore.models.optimizers import OPTIMIZERS
from netcore.training.epoch import steps_per_epoch
from netcore.training.lr_schedule import SCHEDULES
from netcore.training.recipes import Recipe, get_recipe, with_overrides

MAX_COUNT = 2**31 - 1  # of epochs, and of images in a batch
MNIST_IMAGES = 60_000  # to which the recipes' epochs refer
CHOICES = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "activation": ACTIVATIONS}


@dataclass(frozen=True)
class TrainingPlan:
    """Recipe and data of a training.

    Attributes
    ----------
    recipe : Recipe
        With the user's changes.
    changed : dict
        Settings that differ from the original recipe's.
    train, held_out : Dataset
    eval_sets : list of Dataset
        For the evaluation after the training: test part, validation part.
    data_info : dict
        "data" in run.json.
    """

    recipe: Recipe
    changed: dict[str, Any]
    train: Dataset
    held_out: Dataset
    eval_sets: list[Dataset]
    data_info: dict[str, Any]


def make_plan(
    recipe: str | Recipe,
    data: str | None,
    data_dir: str | Path | None,
    changes: dict[str, Any],
    log: Callable[[str], None],
) -> TrainingPlan:
    """Check the settings, load and split the data, and scale the epochs for the embedded digits.

    Parameters
    ----------
    recipe : str or Recipe
    data, data_dir
        As in `netcore.training.train.train`.
    changes : dict
        Settings that differ from the recipe's.
    log : callable
        Called with each message to the user.
    """
    base = get_recipe(recipe) if isinstance(recipe, str) else recipe
    planned, changed = with_overrides(base, data=data, **changes)
    check_settings(planned)
    source = load_with_fallback(planned.data, data_dir)
    if source.note:
        log(source.note)
    train, held_out, kind, share = _split(source, planned)
    if len(train) < 2:
        raise NetcoreError(f"{train.name} has too few images for training: {len(train)}")
    data_info: dict[str, Any] = {
        "name": train.name,
        "asked": planned.data,
        "train": len(train),
        "held_out": len(held_out),
        "held_out_is": kind,
        "share": share,
        "sha256": {"train": train.sha256, "held_out": held_out.sha256},
        "note": source.note,
    }
    if train.name == "embedded" and changes.get("epochs") is None:
        epochs = _scaled(planned, len(train))
        data_info["epochs"] = (
            f"{epochs} here take as many steps as {planned.epochs} of full MNIST's {MNIST_IMAGES:,} images"
        )
        planned = replace(planned, epochs=epochs)
    eval_sets = [source.test] if source.test is not None else []
    if share:
        eval_sets.append(replace(held_out, name=f"{held_out.name}-validation"))
    return TrainingPlan(planned, changed, train, held_out, eval_sets, data_info)


def _split(source: DatasetSplits, recipe: Recipe) -> tuple[Dataset, Dataset, str, float]:
    """Training part, held-out part, description and share of the latter; 15 % if there is no test part."""
    share = recipe.validation or (0.0 if source.test is not None else 0.15)
    if not share and source.test is not None:
        return source.train, source.test, "test set", 0.0
    train, held_out = stratified_split(source.train.labels, share, recipe.seed)
    description = f"{format_percent(share, 0)} of the training set, stratified"
    return source.train.subset(train), source.train.subset(held_out), description, share


def _scaled(recipe: Recipe, images: int) -> int:
    """Number of epochs with as many optimiser steps as the recipe's on full MNIST."""
    steps = recipe.epochs * steps_per_epoch(round(MNIST_IMAGES * (1 - recipe.validation)), recipe.batch_size)
    return max(1, round(steps / steps_per_epoch(images, recipe.batch_size)))


def check_settings(recipe: Recipe) -> None:
    """Raise NetcoreError if a setting is out of range."""
    network = recipe.architecture
    for setting, choices in CHOICES.items():
        value = getattr(network if setting == "activation" else recipe, setting)
        if value not in choices:
            raise unknown_name(setting, str(value), choices)
    for setting, count in (("batch size", recipe.batch_size), ("epochs", recipe.epochs)):
        if not 1 <= count <= MAX_COUNT:
            raise NetcoreError(f"{setting} must be from 1 to {MAX_COUNT:,}, got {count}")
    if not 0 < recipe.learning_rate < float("inf"):
        raise NetcoreError(f"the learning rate must be above 0, got {recipe.learning_rate:g}")
    for setting, value in (
        ("the validation share", recipe.validation),
        ("dropout", network.dropout),
        ("dropout", network.block_dropout),
    ):
        if not 0 <= value < 1:
            raise NetcoreError(f"{setting} must be in [0, 1), got {value:g}")
    if network.kernel < 1 or network.kernel % 2 == 0:
        raise NetcoreError(f"kernel must be an odd number of pixels, got {network.kernel}")
    if any(width < 1 for width in network.hidden):
        raise NetcoreError(f"hidden layer sizes must be at least 1, got {min(network.hidden)}")
    if network.parameters() > MAX_PARAMETERS:
        raise NetcoreError(f"the network must have at most {MAX_PARAMETERS:,} parameters, got {network.parameters():,}")

"""From what the user asked for to what is trained on what: checked settings, data, and epochs as scaled."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.formatting import format_percent
from netcore.datasets.base import Dataset, DatasetSplits, stratified_split
from netcore.datasets.loading import load_with_fallback
from netcore.models.architecture import ACTIVATIONS
from netcore.models.optimizers import OPTIMIZERS
from netcore.training.epoch import steps_per_epoch
from netcore.training.lr_schedule import SCHEDULES
from netcore.training.recipes import Recipe, get_recipe, with_overrides

MNIST_IMAGES = 60_000  # what the recipes' epochs are counted in
CHOICES = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "activation": ACTIVATIONS}


@dataclass(frozen=True)
class TrainingPlan:
    """What will be trained: the recipe as changed, and the data to learn from and to judge by."""

    recipe: Recipe
    changed: dict[str, Any]
    train: Dataset
    held_out: Dataset
    judges: list[Dataset]  # what the trained network is evaluated on: the test part, and a validation part
    facts: dict[str, Any]  # what the run records of its data


def make_plan(
    recipe: str | Recipe,
    data: str | None,
    data_dir: str | Path | None,
    changes: dict[str, Any],
    say: Callable[[str], None],
) -> TrainingPlan:
    """Check the settings, load the data and split it, and scale the epochs where the data set is a small one."""
    base = get_recipe(recipe) if isinstance(recipe, str) else recipe
    chosen, changed = with_overrides(base, data=data, **changes)
    check_settings(chosen)
    source = load_with_fallback(chosen.data, data_dir)
    if source.note:
        say(source.note)
    train, held_out, kind, share = _split(source, chosen)
    if len(train) < 2:
        raise NetcoreError(f"{train.name} has too few images for training: {len(train)}")
    facts: dict[str, Any] = {
        "name": train.name,
        "asked": chosen.data,
        "train": len(train),
        "held_out": len(held_out),
        "held_out_is": kind,
        "share": share,
        "sha256": {"train": train.sha256, "held_out": held_out.sha256},
        "note": source.note,
    }
    if train.name == "embedded" and changes.get("epochs") is None:
        epochs = _scaled(chosen, len(train))
        facts["epochs"] = f"{epochs} here take as many steps as {chosen.epochs} of full MNIST's {MNIST_IMAGES:,} images"
        chosen = replace(chosen, epochs=epochs)
    judges = [source.test] if source.test is not None else []
    if share:
        judges.append(replace(held_out, name=f"{held_out.name}-validation"))
    return TrainingPlan(chosen, changed, train, held_out, judges, facts)


def _split(source: DatasetSplits, recipe: Recipe) -> tuple[Dataset, Dataset, str, float]:
    """Training part, held-out part, what the latter is, and its share; without a test part 15 % are held out."""
    share = recipe.validation or (0.0 if source.test is not None else 0.15)
    if not share and source.test is not None:
        return source.train, source.test, "test set", 0.0
    kept, held = stratified_split(source.train.labels, share, recipe.seed)
    what = f"{format_percent(share, 0)} of the training set, stratified"
    return source.train.subset(kept), source.train.subset(held), what, share


def _scaled(recipe: Recipe, images: int) -> int:
    """Epochs on `images` images that take as many optimiser steps as the recipe's on full MNIST."""
    wanted = recipe.epochs * steps_per_epoch(round(MNIST_IMAGES * (1 - recipe.validation)), recipe.batch_size)
    return max(1, round(wanted / steps_per_epoch(images, recipe.batch_size)))


def check_settings(recipe: Recipe) -> None:
    """Refuse settings out of range, with one line that says what they may be."""
    network = recipe.architecture
    for setting, choices in CHOICES.items():
        value = getattr(network if setting == "activation" else recipe, setting)
        if value not in choices:
            raise unknown_name(setting, str(value), choices)
    for setting, value, low in (("batch size", recipe.batch_size, 1), ("epochs", recipe.epochs, 1)):
        if value < low:
            raise NetcoreError(f"{setting} must be at least {low}, got {value}")
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

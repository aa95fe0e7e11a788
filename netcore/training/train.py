"""Train a recipe and write its run folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from netcore.core.errors import NetcoreError
from netcore.core.run import Run, load_run
from netcore.models.device import cuda_indices, select_device, thread_limit
from netcore.tracing.example_traces import store_example_traces
from netcore.training.controls import TrainingControls
from netcore.training.plan import make_plan, resume_plan
from netcore.training.progress import NullProgress
from netcore.training.recipes import Recipe
from netcore.training.run_dir import open_run_dir, temporary_run_dir
from netcore.training.trainer import Trainer


def train(
    recipe: str | Recipe,
    *,
    name: str | None = None,
    data: str | None = None,
    data_dir: str | Path | None = None,
    output_dir: str | Path = "runs",
    device: str = "auto",
    resume: bool = False,
    save: bool = True,
    mc_dropout: bool = True,
    progress: NullProgress | None = None,
    controls: TrainingControls | None = None,
    **changes: object,
) -> Run:
    """Train a network and write its run folder.

    Parameters
    ----------
    recipe : str or Recipe
        Settings of the training.
    name : str, optional
        Name of the run. Default: the recipe's.
    data : str, optional
        Name of a data set, see `netcore.datasets.loading.load_dataset`. Default: the recipe's.
    data_dir : path, optional
        Folder of the data files.
    output_dir : path
        Folder of the run folder.
    device : str
        See `netcore.models.device.select_device`.
    resume : bool
        Resume an interrupted training of this name, with its settings where no others are given; the weights become
        those of an uninterrupted one.
    save : bool
        If False, write no files: the returned run has only its `info`.
    mc_dropout : bool
        Also evaluate repeated passes with dropout on, if the network has dropout.
    progress : NullProgress, optional
        Report of steps and epochs.
    controls : TrainingControls, optional
        Changes that are made while it runs; the run records them.
    **changes
        Settings that differ from the recipe's: fields of `Recipe` and `Architecture`.

    Returns
    -------
    Run

    Raises
    ------
    NetcoreError
        If a setting is out of range, the folder cannot be written, or the loss becomes NaN (the run contains the
        snapshots before).
    KeyboardInterrupt
        On Ctrl-C, after the run was saved.
    """
    progress = progress or NullProgress()
    as_stored = resume and isinstance(recipe, str)
    plan = None if as_stored else make_plan(recipe, data, data_dir, changes, progress.log)
    selected = select_device(device)
    name = name or (recipe if isinstance(recipe, str) else recipe.name)
    run_dir = open_run_dir(Path(output_dir), name, resume) if save else temporary_run_dir(name)
    with run_dir as path, torch.random.fork_rng(devices=cuda_indices(selected)):
        if plan is None:  # the folder may have been restored while it was opened
            info = load_run(path).info
            _check_recipe(str(recipe), info)
            plan = resume_plan(info, data, data_dir, changes, progress.log)
        trainer = Trainer(plan, path, selected, progress, resume, controls)
        with thread_limit(trainer.module, plan.recipe.batch_size):
            trainer.fit(mc_dropout)
    if not save:
        return trainer.run
    run = load_run(Path(output_dir) / name)
    store_example_traces(run)
    return run


def _check_recipe(recipe: str, info: Mapping[str, Any]) -> None:
    if info.get("recipe") != recipe:
        raise NetcoreError(
            f"run '{info.get('name')}' was started with recipe {info.get('recipe')}, not {recipe}: "
            f"resume it with netcore train {info.get('recipe')} --name {info.get('name')} --resume"
        )

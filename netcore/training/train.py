"""Train a recipe and write its run folder."""

from pathlib import Path

import torch

from netcore.core.run import Run, load_run
from netcore.models.device import cuda_indices, select_device, thread_limit
from netcore.tracing.example_traces import store_example_traces
from netcore.training.plan import make_plan
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
        Resume an interrupted training of this name; the weights become those of an uninterrupted one.
    save : bool
        If False, write no files: the returned run has only its `info`.
    mc_dropout : bool
        Also evaluate repeated passes with dropout on, if the network has dropout.
    progress : NullProgress, optional
        Report of steps and epochs.
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
    plan = make_plan(recipe, data, data_dir, changes, progress.log)
    selected = select_device(device)
    name = name or plan.recipe.name
    run_dir = open_run_dir(Path(output_dir), name, resume) if save else temporary_run_dir(name)
    with run_dir as path, torch.random.fork_rng(devices=cuda_indices(selected)):
        trainer = Trainer(plan, path, selected, progress, resume)
        with thread_limit(trainer.module, plan.recipe.batch_size):
            trainer.fit(mc_dropout)
    if not save:
        return trainer.run
    run = load_run(Path(output_dir) / name)
    store_example_traces(run)
    return run

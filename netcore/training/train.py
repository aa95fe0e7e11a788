"""Training: a recipe and its data go in, a run folder comes out."""

from pathlib import Path
from typing import Any

import torch

from netcore.core.run import Run, load_run
from netcore.models.device import cuda_indices, select_device, thread_limit
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
    stability: bool = True,
    progress: NullProgress | None = None,
    **changes: Any,
) -> Run:
    """Train a network and write its run folder.

    Parameters
    ----------
    recipe : str or Recipe
        What to train and how; its name is the run's name unless `name` is given.
    data : str, optional
        Name of a data set (see `netcore.datasets.loading.load_dataset`); the recipe's own where None.
    data_dir : path, optional
        Where data files lie.
    resume : bool
        Go on with an interrupted training of this name, to the very weights it would have had.
    save : bool
        Where False nothing is kept: the run that comes back has its `info` and no files.
    stability : bool
        Evaluate repeatedly with dropout on, too, where the network has dropout.
    progress : Silent, optional
        Told of each step and epoch.
    **changes
        Settings that differ from the recipe: fields of `Recipe` and `Architecture`.

    Raises
    ------
    NetcoreError
        If a setting is out of range, the folder cannot be written, or the loss becomes NaN (the last good snapshot is
        kept).
    KeyboardInterrupt
        On Ctrl-C, after the run was left in order.
    """
    progress = progress or NullProgress()
    plan = make_plan(recipe, data, data_dir, changes, progress.say)
    chosen = select_device(device)
    name = name or plan.recipe.name
    where = open_run_dir(Path(output_dir), name, resume) if save else temporary_run_dir(name)
    with where as folder, torch.random.fork_rng(devices=cuda_indices(chosen)):
        training = Trainer(plan, folder, chosen, progress, resume)
        with thread_limit(training.module, plan.recipe.batch_size):
            training.go(stability)
    return load_run(Path(output_dir) / name) if save else training.run

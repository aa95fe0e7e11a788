"""Training: a recipe and its data go in, a run folder comes out."""

from pathlib import Path
from typing import Any

import torch

from netcore.learn.device import choose_device, gpus, threads_for
from netcore.learn.folder import run_folder, scratch_folder
from netcore.learn.plan import make_plan
from netcore.learn.progress import Silent
from netcore.learn.recipes import Recipe
from netcore.learn.training import Training
from netcore.run import Run, load_run


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
    progress: Silent | None = None,
    **changes: Any,
) -> Run:
    """Train a network and write its run folder.

    Parameters
    ----------
    recipe : str or Recipe
        What to train and how; its name is the run's name unless `name` is given.
    data : str, optional
        Name of a data set (see `netcore.learn.data.load`); the recipe's own where None.
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
    progress = progress or Silent()
    plan = make_plan(recipe, data, data_dir, changes, progress.say)
    chosen = choose_device(device)
    name = name or plan.recipe.name
    where = run_folder(Path(output_dir), name, resume) if save else scratch_folder(name)
    with where as folder, torch.random.fork_rng(devices=gpus(chosen)):
        training = Training(plan, folder, chosen, progress, resume)
        with threads_for(training.module, plan.recipe.batch_size):
            training.go(stability)
    return load_run(Path(output_dir) / name) if save else training.run

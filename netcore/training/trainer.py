"""Run a training in its folder: epochs, snapshots, history, checkpoints, evaluation."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netcore.core.errors import NetcoreError
from netcore.core.run import Run, load_run
from netcore.core.run_writer import RunWriter
from netcore.datasets.base import Dataset, sample_per_class
from netcore.models.build import build_model
from netcore.models.device import module_to_device, to_tensor
from netcore.models.optimizers import make_optimizer
from netcore.training.best_snapshot import BestSnapshot, trained_score
from netcore.training.checkpoint import load_checkpoint, save_checkpoint
from netcore.training.controls import TrainingControls
from netcore.training.epoch import (
    SYNC_SECONDS,
    DeviceDataset,
    EpochResult,
    TrainingDiverged,
    check_finite,
    loss_and_accuracy,
    steps_per_epoch,
    train_epoch,
)
from netcore.training.evaluation import evaluate_splits
from netcore.training.lr_schedule import CHANGES_BY_STEP, learning_rate
from netcore.training.mc_dropout import has_dropout
from netcore.training.metadata import describe_layers
from netcore.training.plan import TrainingPlan
from netcore.training.progress import NullProgress
from netcore.training.run_dir import discard_interrupted
from netcore.training.run_info import check_same_training, training_info, truncate_history
from netcore.training.seeds import derive_seed
from netcore.training.step_history import EARLY_STEPS, step_rows

MAX_SNAPSHOTS = 40  # one per epoch, evenly spaced
EXAMPLES_PER_CLASS = 50  # held-out images in the run folder


class Trainer:
    """Train one network; after each epoch its folder is a run that can be read and resumed.

    Parameters
    ----------
    plan : TrainingPlan
    path : Path
        Folder of the run.
    device : torch.device
    progress : NullProgress
    resume : bool
        Resume the training that the folder contains.
    controls : TrainingControls, optional
        Changes that are made while it runs.

    Attributes
    ----------
    module : nn.Module
    done : int
        Number of completed epochs.
    seconds : float
        Duration of their training.
    best : BestSnapshot
    """

    def __init__(
        self,
        plan: TrainingPlan,
        path: Path,
        device: torch.device,
        progress: NullProgress,
        resume: bool,
        controls: TrainingControls | None = None,
    ) -> None:
        self.controls = controls or TrainingControls()
        self.learning_rate_factor = 1.0
        self.plan, self.recipe, self.progress = plan, plan.recipe, progress
        self.per_epoch = steps_per_epoch(len(plan.train), self.recipe.batch_size)
        self.total = self.per_epoch * self.recipe.epochs
        torch.manual_seed(derive_seed(self.recipe.seed, "weights"))
        shape = plan.train.channels_first.shape[1:]
        module = build_model(self.recipe.architecture, shape, len(plan.train.classes))
        layers = describe_layers(module, shape)
        self.module = module_to_device(module, device)
        self.optimizer = make_optimizer(
            self.recipe.optimizer, self.module.parameters(), self.recipe.learning_rate, device
        )
        self.data = {part: dataset_to_device(getattr(plan, part), device) for part in ("train", "held_out")}
        self.done, self.seconds, self.best = 0, 0.0, BestSnapshot(trained_score)
        self.snapshot_epochs = set(
            np.linspace(self.recipe.epochs, 1, min(MAX_SNAPSHOTS, self.recipe.epochs)).round().astype(int).tolist()
        )
        if resume:
            self._resume(path, device)
        else:
            self.writer = RunWriter.create(path, **training_info(plan, path.name, layers, device))
            self._start()

    @property
    def run(self) -> Run:
        """The run with the snapshots so far."""
        return self.writer.run

    def fit(self, mc_dropout: bool = True) -> None:
        """Train to the last epoch, and evaluate.

        Parameters
        ----------
        mc_dropout : bool
            Also evaluate repeated passes with dropout on.
        """
        self.progress.on_start(self.recipe.epochs, self.per_epoch, len(self.plan.train), self.done)
        try:
            for epoch in range(self.done + 1, self.recipe.epochs + 1):
                self._train_epoch(epoch)
            self._evaluate(mc_dropout)
            self._close("complete")
        except TrainingDiverged as error:
            self._close("diverged")
            last = self.run.snapshots[-1].label
            raise NetcoreError(
                f"{error}: training stopped, snapshots until {last} are kept: try a lower --learning-rate"
            ) from error
        except KeyboardInterrupt:
            self._close("interrupted")
            self.progress.log(f"stopped after epoch {self.done} of {self.recipe.epochs}; resume with --resume")
            raise
        finally:
            self.progress.on_end()

    # ---- start

    def _start(self) -> None:
        self.writer.save()  # first: without it, the folder is not a run and is never replaced
        self._snapshot(0, 0)
        index = sample_per_class(self.plan.held_out, EXAMPLES_PER_CLASS)
        examples = self.plan.held_out.subset(index)
        self.writer.add_examples(examples.channels_first, examples.labels, index)
        self.writer.save()
        self._save(0)

    def _resume(self, path: Path, device: torch.device) -> None:
        self.writer = RunWriter(load_run(path))
        check_same_training(self.writer.info, self.plan)
        self.done = load_checkpoint(path, self.module, self.optimizer, device)
        info = self.writer.info
        truncate_history(info, self.done * self.per_epoch)
        saved = {s["step"] for s in info["snapshots"]}
        for row in info["history"]["epochs"]:
            self.seconds += row["seconds"]
            if row["step"] in saved:
                self.best.add(row)

    # ---- one epoch

    def _train_epoch(self, epoch: int) -> None:
        before = (epoch - 1) * self.per_epoch
        started, scheduled = time.perf_counter(), self._learning_rates(before)
        rates: dict[int, float] = {}  # used, by step of this epoch
        paused = 0.0

        def lr_at(i: int) -> float:
            rates[i] = scheduled(i) * self.learning_rate_factor
            return rates[i]

        synced, reported = started, 0  # time and step of the last report

        def on_step(i: int, step_losses: list[torch.Tensor]) -> None:
            nonlocal synced, reported, paused
            paused += self._follow_controls(epoch, i)
            if time.perf_counter() - synced < SYNC_SECONDS and before + i not in EARLY_STEPS:
                return
            recent = torch.stack(step_losses[reported:]).cpu().numpy()  # waits for the device
            check_finite(recent, before + reported)
            self.progress.on_step(epoch, i, float(recent.mean()))
            self.progress.on_network(self.module, self.data["held_out"], self.plan.train.classes)
            synced, reported = time.perf_counter(), i
            if before + i in EARLY_STEPS and epoch == 1 and i < self.per_epoch:
                self._snapshot(round(i / self.per_epoch, 4), before + i)

        result = train_epoch(self.module, self.optimizer, self.data["train"], self.recipe, epoch, lr_at, on_step)
        self._record_epoch(epoch, result, rates.__getitem__, time.perf_counter() - started - paused)

    def _follow_controls(self, epoch: int, i: int) -> float:
        """Do what was asked for after step `i` of an epoch; return the seconds of a pause."""
        started, step = time.perf_counter(), (epoch - 1) * self.per_epoch + i
        for _ in self.controls.requests():
            at_end = i == self.per_epoch and epoch in self.snapshot_epochs  # stored in a moment anyway
            if not at_end and step not in {s.step for s in self.run.snapshots}:
                self._snapshot(round(epoch - 1 + i / self.per_epoch, 4), step)
                self.writer.save()
                self.progress.log(f"snapshot after step {step:,}")
        if self.learning_rate_factor != self.controls.learning_rate_factor:
            self.learning_rate_factor = self.controls.learning_rate_factor
            change = {"step": step, "learning_rate_factor": self.learning_rate_factor}
            self.writer.info.setdefault("live_changes", []).append(change)
            self.writer.save()
        return time.perf_counter() - started

    def _learning_rates(self, before: int) -> Callable[[int], float]:
        """Return the learning rate by step of one epoch, which `before` steps came before."""
        schedule, peak, total = self.recipe.schedule, self.recipe.learning_rate, self.total
        if schedule in CHANGES_BY_STEP:
            return lambda i: learning_rate(schedule, peak, before + i, total)
        rows = self.run.history["epochs"] if schedule == "plateau" else []
        rate = learning_rate(schedule, peak, before, total, [row["val_loss"] for row in rows])
        return lambda i: rate

    def _record_epoch(self, epoch: int, result: EpochResult, lr_at: Callable[[int], float], seconds: float) -> None:
        loss, accuracy = loss_and_accuracy(self.module, self.data["held_out"])
        check_finite(np.array([loss]), epoch * self.per_epoch - 1)
        rows = step_rows(result.step_losses, lr_at, (epoch - 1) * self.per_epoch, self.total)
        self.writer.add_history("steps", rows)
        row = {
            "epoch": epoch,
            "step": epoch * self.per_epoch,
            "train_loss": result.loss,
            "train_accuracy": result.accuracy,
            "val_loss": loss,
            "val_accuracy": accuracy,
            "learning_rate": lr_at(len(result.step_losses) - 1),
            "seconds": round(seconds, 4),
        }
        self.writer.add_history("epochs", [row])
        self.seconds += row["seconds"]
        self.done = epoch
        if epoch in self.snapshot_epochs:
            self._snapshot(epoch, epoch * self.per_epoch)
        if self.writer.info["snapshots"][-1]["step"] == row["step"]:
            self.best.add(row)
        self._save(epoch)
        self.progress.on_epoch(row)

    # ---- writing

    def _snapshot(self, epoch: float, step: int) -> None:
        weights = {k: v.detach().cpu().contiguous().numpy() for k, v in self.module.state_dict().items()}
        bad = [k for k, v in weights.items() if not np.isfinite(v).all()]
        if bad:
            raise TrainingDiverged(f"the weights of {bad[0]} became NaN at step {step:,}")
        self.writer.add_snapshot(weights, epoch, step)

    def _save(self, epoch: int) -> None:
        """Record the state after an epoch: in the run, then in the checkpoint."""
        seconds = round(self.seconds, 3)
        values: dict[str, Any] = {"last": self.writer.info["snapshots"][-1]["step"], "seconds": seconds}
        if self.best.step is not None:
            values["best"] = self.best.step
        if epoch:
            values["images_per_second"] = round(epoch * len(self.plan.train) / max(seconds, 1e-9))
        self.writer.append(**values)
        save_checkpoint(self.run.path, self.module, self.optimizer, epoch)
        if epoch:
            discard_interrupted(self.run.path)

    def _evaluate(self, mc_dropout: bool) -> None:
        self.progress.log(
            "evaluating" + (" with and without dropout" if mc_dropout and has_dropout(self.module) else "")
        )
        device = next(self.module.parameters()).device
        evaluate_splits(self.writer, self.plan.eval_sets, device, dropout_passes=None if mc_dropout else 0)

    def _close(self, status: str) -> None:
        self.writer.info["status"] = status
        with contextlib.suppress(KeyboardInterrupt):
            self.writer.save()


def dataset_to_device(data: Dataset, device: torch.device) -> DeviceDataset:
    """Copy a data set to a device."""
    return DeviceDataset(to_tensor(data.channels_first, device), to_tensor(data.labels, device))

"""One training in its folder: steps, snapshots, history, checkpoints; it ends in order whatever happens."""

import contextlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netcore.core.errors import NetcoreError
from netcore.core.run import Run, load_run
from netcore.core.run_writer import RunWriter
from netcore.datasets.base import Dataset, sample_per_class
from netcore.models.build import build_model
from netcore.models.device import device_name, module_to_device, to_tensor
from netcore.models.optimizers import make_optimizer
from netcore.training.checkpoint import load_checkpoint, save_checkpoint
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
from netcore.training.lr_schedule import learning_rate
from netcore.training.mc_dropout import has_dropout
from netcore.training.metadata import describe_layers, environment_info
from netcore.training.plan import TrainingPlan
from netcore.training.progress import NullProgress
from netcore.training.seeds import derive_seed

EARLY_STEPS = (1, 3, 10, 30, 100, 300, 1000)  # steps of the first epoch after which the weights are kept
MAX_SNAPSHOTS = 40  # epochs kept at most, evenly spread
MAX_LOGGED_STEPS = 400  # rows of the loss by step, about
EXAMPLES_PER_CLASS = 50  # held-out images a class that the run carries


class Trainer:
    """One training in its folder. After each epoch the folder is a run that can be read and resumed."""

    def __init__(
        self, plan: TrainingPlan, folder: Path, device: torch.device, progress: NullProgress, resume: bool
    ) -> None:
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
        self.done = 0  # epochs
        self.kept = set(
            np.linspace(self.recipe.epochs, 1, min(MAX_SNAPSHOTS, self.recipe.epochs)).round().astype(int).tolist()
        )
        if resume:
            self._take_up(folder, device)
        else:
            self.writer = RunWriter.create(folder, **self._facts(folder, shape, layers, device))
            self._begin()

    @property
    def run(self) -> Run:
        """The run as it is so far."""
        return self.writer.run

    def go(self, stable: bool = True) -> None:
        """Train to the last epoch, and evaluate (with repeated passes under dropout where `stable`)."""
        self.progress.begin(self.recipe.epochs, self.per_epoch, len(self.plan.train), self.done)
        try:
            for epoch in range(self.done + 1, self.recipe.epochs + 1):
                self._epoch(epoch)
            self._evaluate(stable)
            self._close("complete")
        except TrainingDiverged as error:
            self._close("diverged")
            last = self.run.snapshots[-1].label
            raise NetcoreError(
                f"{error}: training stopped, snapshots until {last} are kept: try a lower --learning-rate"
            ) from error
        except KeyboardInterrupt:
            self._close("interrupted")
            self.progress.say(f"stopped after epoch {self.done} of {self.recipe.epochs}; resume with --resume")
            raise
        finally:
            self.progress.end()

    # ---- beginning

    def _facts(
        self, folder: Path, shape: tuple[int, ...], layers: list[dict[str, Any]], device: torch.device
    ) -> dict[str, Any]:
        plan = self.plan
        return {
            "name": folder.name,
            "recipe": self.recipe.name,
            "status": "training",
            "model": {"kind": "recipe", "architecture": self.recipe.architecture.settings},
            "settings": self.recipe.settings,
            "changed": plan.changed,
            "parameters": sum(layer["parameters"] for layer in layers),
            "layers": layers,
            "input": {"shape": list(shape), "mean": [0.0] * shape[0], "std": [1.0] * shape[0]},
            "classes": list(plan.train.classes),
            "data": plan.facts,
            "seed": self.recipe.seed,
            "device": device.type,
            "device_name": device_name(device),
        } | environment_info()

    def _begin(self) -> None:
        self._snapshot(0, 0)
        chosen = sample_per_class(self.plan.held_out, EXAMPLES_PER_CLASS)
        part = self.plan.held_out.subset(chosen)
        self.writer.add_examples(part.channels_first, part.labels, chosen)
        self._save(0)

    def _take_up(self, folder: Path, device: torch.device) -> None:
        self.writer = RunWriter(load_run(folder))
        begun, now = self.writer.info["settings"], _as_json(self.recipe.settings)
        differs = [key for key in now if begun.get(key) != now[key]]
        if differs or self.writer.info["data"]["sha256"] != self.plan.facts["sha256"]:
            what = differs[0] if differs else "data"
            raise NetcoreError(
                f"run '{folder.name}' was started with other settings ({what}): resume it with the same ones"
            )
        self.done = load_checkpoint(folder, self.module, self.optimizer, device)
        info, step = self.writer.info, self.done * self.per_epoch
        info["snapshots"] = [s for s in info["snapshots"] if s["step"] <= step]
        info["history"] = {unit: [r for r in rows if r["step"] <= step] for unit, rows in info["history"].items()}
        info["status"] = "training"

    # ---- one epoch

    def _epoch(self, epoch: int) -> None:
        before = (epoch - 1) * self.per_epoch
        losses = [row["val_loss"] for row in self.run.history["epochs"]]
        started = time.perf_counter()

        def rate(i: int) -> float:
            return learning_rate(self.recipe.schedule, self.recipe.learning_rate, before + i, self.total, losses)

        looked, at = started, 0

        def after_step(i: int, so_far: list[torch.Tensor]) -> None:
            nonlocal looked, at
            if time.perf_counter() - looked < SYNC_SECONDS and before + i not in EARLY_STEPS:
                return
            recent = torch.stack(so_far[at:]).cpu().numpy()  # waits for the device
            check_finite(recent, before + at)
            self.progress.step(epoch, i, float(recent.mean()))
            looked, at = time.perf_counter(), i
            if before + i in EARLY_STEPS and epoch == 1 and i < self.per_epoch:
                self._snapshot(round(i / self.per_epoch, 4), before + i)

        out = train_epoch(self.module, self.optimizer, self.data["train"], self.recipe, epoch, rate, after_step)
        seconds = time.perf_counter() - started
        self._enter(epoch, out, rate, seconds)

    def _enter(self, epoch: int, out: EpochResult, rate: Any, seconds: float) -> None:
        loss, accuracy = loss_and_accuracy(self.module, self.data["held_out"])
        check_finite(np.array([loss]), epoch * self.per_epoch - 1)
        history = self.writer.info["history"]
        history["steps"] += self._logged((epoch - 1) * self.per_epoch, out.losses, rate)
        row = {
            "epoch": epoch,
            "step": epoch * self.per_epoch,
            "train_loss": out.loss,
            "train_accuracy": out.accuracy,
            "val_loss": loss,
            "val_accuracy": accuracy,
            "learning_rate": rate(len(out.losses) - 1),
            "seconds": round(seconds, 4),
        }
        history["epochs"].append(row)
        self.done = epoch
        if epoch in self.kept:
            self._snapshot(epoch, row["step"])
        self._save(epoch)
        self.progress.epoch(row)

    def _logged(self, before: int, losses: np.ndarray, rate: Any) -> list[dict[str, Any]]:
        every = max(1, self.total // MAX_LOGGED_STEPS)
        ends = [i for i in range(1, len(losses) + 1) if (before + i) % every == 0 or before + i in EARLY_STEPS]
        rows, start = [], 0
        for end in ends:
            mean = float(losses[start:end].mean())  # over the steps since the last row of this epoch
            rows.append({"step": before + end, "loss": mean, "learning_rate": rate(end - 1)})
            start = end
        return rows

    # ---- writing

    def _snapshot(self, epoch: float, step: int) -> None:
        weights = {k: v.detach().cpu().contiguous().numpy() for k, v in self.module.state_dict().items()}
        bad = [k for k, v in weights.items() if not np.isfinite(v).all()]
        if bad:
            raise TrainingDiverged(f"the weights of {bad[0]} became NaN at step {step:,}")
        self.writer.add_snapshot(weights, epoch, step)

    def _save(self, epoch: int) -> None:
        rows, info = self.run.history["epochs"], self.writer.info
        saved = {s.step for s in self.run.snapshots}
        candidates = [r for r in rows if r["step"] in saved]
        if candidates:
            info["best"] = max(candidates, key=lambda r: (r["val_accuracy"], -r["val_loss"]))["step"]
        info["last"] = self.run.snapshots[-1].step
        info["seconds"] = round(sum(r["seconds"] for r in rows), 3)
        if rows:
            info["images_per_second"] = round(len(rows) * len(self.plan.train) / max(info["seconds"], 1e-9))
        self.writer.save()
        save_checkpoint(self.run.path, self.module, self.optimizer, epoch)

    def _evaluate(self, stable: bool) -> None:
        self.progress.say("evaluating" + (" with and without dropout" if stable and has_dropout(self.module) else ""))
        device = next(self.module.parameters()).device
        evaluate_splits(self.writer, self.plan.judges, device, passes=None if stable else 0)

    def _close(self, status: str) -> None:
        self.writer.info["status"] = status
        with contextlib.suppress(KeyboardInterrupt):
            self.writer.save()


def dataset_to_device(data: Dataset, device: torch.device) -> DeviceDataset:
    """Put a whole data set on the device."""
    return DeviceDataset(to_tensor(data.channels_first, device), to_tensor(data.labels, device))


def _as_json(value: Any) -> Any:
    """What a value becomes in `run.json`: tuples are lists there."""
    import json

    return json.loads(json.dumps(value))

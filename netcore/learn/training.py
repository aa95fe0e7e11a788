"""One training in its folder: steps, snapshots, history, checkpoints; it ends in order whatever happens."""

import contextlib
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from netcore.errors import NetcoreError
from netcore.learn.checkpoint import load_checkpoint, save_checkpoint
from netcore.learn.data import DataSet
from netcore.learn.describe import describe_layers, surroundings
from netcore.learn.device import device_title, place
from netcore.learn.evaluate import evaluate_parts, has_dropout, spread
from netcore.learn.loop import (
    LOOK,
    Diverged,
    Epoch,
    Pixels,
    check_losses,
    run_epoch,
    score,
    seed_of,
    steps_per_epoch,
    tensor,
)
from netcore.learn.models import build
from netcore.learn.plan import Plan
from netcore.learn.progress import Silent
from netcore.learn.recipes import Recipe
from netcore.learn.schedule import learning_rate
from netcore.run import create_run, load_run

EARLY = (1, 3, 10, 30, 100, 300, 1000)  # steps of the first epoch after which the weights are kept
KEPT = 40  # epochs kept at most, evenly spread
LOGGED = 400  # rows of the loss by step, about
EXAMPLES = 50  # held-out images a class that the run carries


class Training:
    """One training in its folder. After each epoch the folder is a run that can be read and resumed."""

    def __init__(self, plan: Plan, folder: Path, device: torch.device, progress: Silent, resume: bool) -> None:
        self.plan, self.recipe, self.progress = plan, plan.recipe, progress
        self.per_epoch = steps_per_epoch(len(plan.train), self.recipe.batch_size)
        self.total = self.per_epoch * self.recipe.epochs
        torch.manual_seed(seed_of(self.recipe.seed, "weights"))
        shape = plan.train.channels_first.shape[1:]
        module = build(self.recipe.architecture, shape, len(plan.train.classes))
        layers = describe_layers(module, shape)
        self.module = place(module, device)
        self.optimizer = make_optimizer(self.recipe, self.module, device)
        self.data = {part: to_device(getattr(plan, part), device) for part in ("train", "held_out")}
        self.done = 0  # epochs
        self.kept = set(np.linspace(self.recipe.epochs, 1, min(KEPT, self.recipe.epochs)).round().astype(int).tolist())
        if resume:
            self._take_up(folder, device)
        else:
            self.run = create_run(folder, **self._facts(folder, shape, layers, device))
            self._begin()

    def go(self, stable: bool = True) -> None:
        """Train to the last epoch, and evaluate (with repeated passes under dropout where `stable`)."""
        self.progress.begin(self.recipe.epochs, self.per_epoch, len(self.plan.train), self.done)
        try:
            for epoch in range(self.done + 1, self.recipe.epochs + 1):
                self._epoch(epoch)
            self._evaluate(stable)
            self._close("complete")
        except Diverged as error:
            self._close("diverged")
            last = self.run.snapshots[-1].label
            raise NetcoreError(f"{error}: training stopped, kept up to {last}; try a lower --learning-rate") from error
        except KeyboardInterrupt:
            self._close("interrupted")
            self.progress.say(f"stopped after epoch {self.done} of {self.recipe.epochs}; --resume goes on from there")
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
            "model": {"kind": "recipe", "architecture": asdict(self.recipe.architecture)},
            "settings": self.recipe.settings,
            "changed": plan.changed,
            "parameters": sum(layer["parameters"] for layer in layers),
            "layers": layers,
            "input": {"shape": list(shape), "mean": [0.0] * shape[0], "std": [1.0] * shape[0]},
            "classes": list(plan.train.classes),
            "data": plan.facts,
            "seed": self.recipe.seed,
            "device": device.type,
            "device_name": device_title(device),
        } | surroundings()

    def _begin(self) -> None:
        self._snapshot(0, 0)
        chosen = spread(self.plan.held_out, EXAMPLES)
        part = self.plan.held_out.take(chosen)
        entry = self.run.add_arrays("examples.npz", images=part.channels_first, labels=part.labels, index=chosen)
        self.run.info["examples"] = entry | {"count": len(chosen)}
        self._save(0)

    def _take_up(self, folder: Path, device: torch.device) -> None:
        self.run = load_run(folder)
        begun, now = self.run.info["settings"], _as_json(self.recipe.settings)
        differs = [key for key in now if begun.get(key) != now[key]]
        if differs or self.run.info["data"]["sha256"] != self.plan.facts["sha256"]:
            what = differs[0] if differs else "data"
            raise NetcoreError(f"run '{folder.name}' was begun with other settings ({what}): resume it with the same")
        self.done = load_checkpoint(folder, self.module, self.optimizer, device)
        info, step = self.run.info, self.done * self.per_epoch
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
            if time.perf_counter() - looked < LOOK and before + i not in EARLY:
                return
            recent = torch.stack(so_far[at:]).cpu().numpy()  # waits for the device
            check_losses(recent, before + at)
            self.progress.step(epoch, i, float(recent.mean()))
            looked, at = time.perf_counter(), i
            if before + i in EARLY and epoch == 1 and i < self.per_epoch:
                self._snapshot(round(i / self.per_epoch, 4), before + i)

        out = run_epoch(self.module, self.optimizer, self.data["train"], self.recipe, epoch, rate, after_step)
        seconds = time.perf_counter() - started
        self._enter(epoch, out, rate, seconds)

    def _enter(self, epoch: int, out: Epoch, rate: Any, seconds: float) -> None:
        loss, accuracy = score(self.module, self.data["held_out"])
        check_losses(np.array([loss]), epoch * self.per_epoch - 1)
        history = self.run.info["history"]
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
        every = max(1, self.total // LOGGED)
        ends = [i for i in range(1, len(losses) + 1) if (before + i) % every == 0 or before + i in EARLY]
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
            raise Diverged(f"the weights of {bad[0]} became NaN at step {step:,}")
        self.run.add_snapshot(weights, epoch, step)

    def _save(self, epoch: int) -> None:
        rows, info = self.run.history["epochs"], self.run.info
        saved = {s.step for s in self.run.snapshots}
        candidates = [r for r in rows if r["step"] in saved]
        if candidates:
            info["best"] = max(candidates, key=lambda r: (r["val_accuracy"], -r["val_loss"]))["step"]
        info["last"] = self.run.snapshots[-1].step
        info["seconds"] = round(sum(r["seconds"] for r in rows), 3)
        if rows:
            info["images_per_second"] = round(len(rows) * len(self.plan.train) / max(info["seconds"], 1e-9))
        self.run.save()
        save_checkpoint(self.run.path, self.module, self.optimizer, epoch)

    def _evaluate(self, stable: bool) -> None:
        self.progress.say("evaluating" + (" with and without dropout" if stable and has_dropout(self.module) else ""))
        device = next(self.module.parameters()).device
        evaluate_parts(self.run, self.plan.judges, device, passes=None if stable else 0)

    def _close(self, status: str) -> None:
        self.run.info["status"] = status
        with contextlib.suppress(KeyboardInterrupt):
            self.run.save()


def make_optimizer(recipe: Recipe, module: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """Build the recipe's optimiser, all parameters in one fused call where the device has it."""
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[recipe.optimizer](
        module.parameters(), lr=recipe.learning_rate, fused=True if device.type in ("cpu", "cuda") else None
    )


def to_device(data: DataSet, device: torch.device) -> Pixels:
    """Put a whole data set on the device."""
    return Pixels(tensor(data.channels_first, device), tensor(data.labels, device))


def _as_json(value: Any) -> Any:
    """What a value becomes in `run.json`: tuples are lists there."""
    import json

    return json.loads(json.dumps(value))

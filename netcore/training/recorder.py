"""Runs of anyone's own network: recorded in their training loop, or made of their weight files."""

import contextlib
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.run import Run, load_run
from netcore.core.run_writer import RunWriter
from netcore.datasets.base import Dataset, sample_per_class
from netcore.models.export import export_graph, unwrap
from netcore.models.exported_model import ExportedModel
from netcore.tracing.tracer import trace_module
from netcore.training.evaluation import evaluate_splits
from netcore.training.input_checks import (
    check_normalization,
    class_names,
    count_classes,
    state_arrays,
    to_numpy,
    to_uint8,
)
from netcore.training.metadata import RECORDED_SETTINGS, environment_info
from netcore.training.run_dir import open_run_dir

EXAMPLES_PER_CLASS, MAX_EVALUATED = (
    20,
    2_000,
)  # images a class that the run carries, and all that it is judged by, at most
Pair = tuple[Any, Any]


def record_run(
    model: nn.Module,
    examples: Pair,
    folder: str | Path,
    *,
    classes: Sequence[str] | None = None,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    data: str = "own images",
) -> "RunRecorder":
    """Record your own training as a run: three lines in your loop.

    ::

        with netcore.record_run(model, examples=(images, labels), folder="runs/mine") as rec:
            for step in range(1000):
                ...
                rec.snapshot(step, loss=loss, accuracy=accuracy)

    Leaving the block completes the run; after an exception it is marked as interrupted and can be looked at too. A
    complete run of that name stays whole until the new one is. The model is not changed.

    Parameters
    ----------
    model : nn.Module
        Takes images (B, C, H, W), gives scores (B, K).
    examples : (images, labels)
        Held-out images to show and to judge by, arrays or tensors: (N, C, H, W) or (N, H, W), uint8 or floats in
        [0, 1] (or as the model gets them, normalised by `mean` and `std`); labels (N,) from 0 to K - 1.
    folder : path
        The run's folder, ``runs/mine``.
    classes : sequence of str, optional
        K names; the numbers from 0 where None.
    mean, std : a number, or one a channel, of pixels in [0, 1]
        How your data are normalised.
    data : str
        What captions call the images.

    Raises
    ------
    NetcoreError
        If the model takes several inputs, or its graph cannot be stored; if images or labels do not fit it; if the
        folder cannot be written or is no run's.
    """
    pixels = to_uint8(examples[0], mean, std)
    labels = to_numpy(examples[1]).astype(np.int64).reshape(-1)
    names = class_names(classes, count_classes(model, pixels.shape[1:]))
    return RunRecorder(model, Dataset(data, pixels, labels, names), Path(folder), mean, std)


class RunRecorder:
    """A run in the making. Use it in a `with` block; `run` is the run, readable at any time."""

    run: Run

    def __init__(
        self, model: nn.Module, examples: Dataset, folder: Path, mean: Any, std: Any,
        provenance: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._model, self._examples, self._folder = unwrap(model), examples, folder.absolute()
        shape = examples.channels_first.shape[1:]
        mean, std = check_normalization(mean, std, shape[0])
        self._input = {"shape": list(shape), "mean": mean, "std": std}
        self._place = open_run_dir(self._folder.parent, self._folder.name)
        self._provenance = dict(provenance or {})

    def __enter__(self) -> "RunRecorder":
        place = self._place.__enter__()
        try:
            self._begin(place)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)  # nothing of it is a run yet
            self._leave()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            return self._interrupt()
        try:
            self._complete()
        except BaseException:
            self._interrupt()
            raise
        self._place.__exit__(None, None, None)
        self.run = load_run(self._folder)
        return None

    def snapshot(self, step: int, *, epoch: float | None = None, name: str = "", **metrics: Any) -> None:
        """Keep the weights of this moment, and enter the metrics in the history.

        Parameters
        ----------
        step : int
            Optimiser steps so far.
        epoch : float, optional
            Passes through the data so far; without it, time is told in steps.
        name : str
            What captions call the snapshot, where "epoch 3" or "step 500" is not right.
        **metrics : numbers
            ``loss`` and ``accuracy`` of the training images, ``val_loss`` and ``val_accuracy`` of held-out ones, or
            any other. What is not finite is left out.
        """
        if step < 0 or int(step) != step:
            raise NetcoreError(f"step must be an integer of at least 0, got {step}")
        weights = state_arrays(self._model)
        bad = [k for k, v in weights.items() if np.issubdtype(v.dtype, np.floating) and not np.isfinite(v).all()]
        if bad:
            raise NetcoreError(f"{bad[0]} contains NaN or infinite values at step {step:,}: earlier snapshots are kept")
        if epoch is None:
            self._writer.info["unit"] = "step"
            name = name or (f"step {step:,}" if step else "")
        at = float(step if epoch is None else epoch)
        self._writer.add_snapshot(weights, int(at) if at.is_integer() else at, int(step), name)
        self._enter(int(step), at, {k: float(to_numpy(v)) for k, v in metrics.items()})
        self._writer.save()

    # ---- within

    def _begin(self, place: Path) -> None:
        data, shape = self._examples, tuple(self._input["shape"])
        graph, constants = export_graph(self._model, shape)
        stored = ExportedModel(graph, constants)
        self._writer = RunWriter.create(
            place,
            name=self._folder.name,
            recipe=None,
            status="training",
            settings={},
            changed={},
            parameters=sum(p.numel() for p in self._model.parameters()),
            layers=describe_nodes(stored, shape, data.classes),
            input=self._input,
            classes=list(data.classes),
            data={"name": data.name, "held_out": len(data)},
            **environment_info(),
        )
        self.run = self._writer.run
        model: dict[str, Any] = {"kind": "graph", "graph": self._writer.add_text("network.json", json.dumps(graph))}
        if constants:
            model["constants"] = self._writer.add_arrays("constants.npz", **constants)
        self._writer.info["model"] = model | self._provenance
        if len(data):
            chosen = sample_per_class(data, EXAMPLES_PER_CLASS)
            part = data.subset(chosen)
            self._writer.add_examples(part.channels_first, part.labels, chosen)
        self._writer.save()

    def _enter(self, step: int, epoch: float, metrics: Mapping[str, float]) -> None:
        known = {k: v for k, v in metrics.items() if math.isfinite(v)}
        history = self._writer.info["history"]
        if "loss" in known:
            history["steps"] = [r for r in history["steps"] if r["step"] != step] + [{"step": step, **known}]
        for short in ("loss", "accuracy"):
            if short in known:
                known[f"train_{short}"] = known.pop(short)
        if known and step:  # before the first step there is no epoch to tell of
            history["epochs"] = [r for r in history["epochs"] if r["step"] != step]
            history["epochs"].append({"epoch": epoch, "step": step, **known})
        self._writer.info["best"] = best_step(self.run)
        self._writer.info["last"] = self.run.snapshots[-1].step

    def _complete(self) -> None:
        if not self.run.snapshots:
            raise NetcoreError("the run has no snapshot: call rec.snapshot(step) inside the with block")
        if len(self._examples):
            each = max(1, MAX_EVALUATED // len(self._examples.classes))
            few = len(self._examples) <= MAX_EVALUATED
            part = self._examples if few else self._examples.subset(sample_per_class(self._examples, each))
            evaluate_splits(self._writer, [part], torch.device("cpu"), passes=0)
        self._close("complete")

    def _close(self, status: str) -> None:
        self._writer.info["status"] = status
        self._writer.save()

    def _interrupt(self) -> None:
        with contextlib.suppress(NetcoreError):
            self._close("interrupted")
        self._leave()

    def _leave(self) -> None:
        """Let go of the folder with the run as it is; an earlier complete one stays in its place."""
        self._place.__exit__(_Stopped, _Stopped(), None)


class _Stopped(Exception):
    """Tells the folder's keeper that the run did not get complete."""


def describe_nodes(model: nn.Module, shape: Sequence[int], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Give one mapping a node of the graph, as run.json has its layers.

    Each holds name, kind, inputs, shapes, number of parameters and what the snapshots call its weight; the shapes of
    further outputs, the sizes of all parameters, path and class of the module, batch axis and numeric settings.
    """
    found = trace_module(model, np.zeros(shape, np.uint8), classes=classes)
    return [
        {
            "name": layer.name,
            "kind": layer.kind,
            "inputs": list(layer.inputs),
            "input": list(found.input_of(layer).shape),
            "output": list(layer.output.shape),
            "parameters": layer.parameters,
            "weight": layer.weight_name,
            "class": layer.module_class,
            "module": layer.module,
            "outputs": {name: list(value.shape) for name, value in layer.outputs.items()},
            "parameter_sizes": dict(layer.parameter_sizes),
            "batch_axis": layer.batch_axis,
            "settings": {k: layer.settings[k] for k in RECORDED_SETTINGS if k in layer.settings},
        }
        for layer in found.layers
    ]


def best_step(run: Run) -> int:
    """Step of the snapshot with the best accuracy, else the lowest loss, else the last; held-out images count first."""
    saved = {s.step for s in run.snapshots}
    rows = [r for r in run.history["epochs"] if r["step"] in saved]
    for key, sign in (("val_accuracy", 1), ("val_loss", -1), ("train_accuracy", 1), ("train_loss", -1)):
        known = [r for r in rows if key in r]
        if known:
            return max(known, key=lambda r: sign * r[key])["step"]
    return run.snapshots[-1].step

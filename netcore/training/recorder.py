"""Record the user's own training loop as a run."""

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
from numpy.typing import ArrayLike
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.run import Run, load_run
from netcore.core.run_writer import RunWriter
from netcore.datasets.base import Dataset, sample_per_class
from netcore.models.export import export_graph, unwrap
from netcore.models.exported_model import ExportedModel
from netcore.tracing.example_traces import store_example_traces
from netcore.training.best_snapshot import BestSnapshot, recorded_score
from netcore.training.evaluation import evaluate_splits
from netcore.training.input_checks import (
    check_normalization,
    class_names,
    count_classes,
    state_arrays,
    to_numpy,
    to_uint8,
)
from netcore.training.metadata import environment_info, operation_entries
from netcore.training.run_dir import discard_interrupted, open_run_dir

EXAMPLES_PER_CLASS = 20  # images in the run folder
MAX_EVALUATED = 2_000  # images of the evaluation


def record_run(
    model: nn.Module,
    examples: tuple[ArrayLike, ArrayLike],
    folder: str | Path,
    *,
    classes: Sequence[str] | None = None,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    data: str = "own images",
) -> "RunRecorder":
    """Record your own training as a run, with three lines in your loop.

    ::

        with netcore.record_run(model, examples=(images, labels), folder="runs/mine") as rec:
            for step in range(1000):
                ...
                rec.snapshot(step, loss=loss, accuracy=accuracy)

    Leaving the block completes the run; after an exception it is marked as interrupted and can be rendered too. A
    complete run of the same name is replaced only by a complete one. The model is not changed.

    Parameters
    ----------
    model : nn.Module
        Maps images (B, C, H, W) to scores (B, K).
    examples : tuple of array_like
        Held-out images and labels, for pictures and evaluation. Images: shape (N, C, H, W) or (N, H, W), uint8, floats
        in [0, 1], or normalised by `mean` and `std`. Labels: shape (N,), from 0 to K - 1.
    folder : path
        Folder of the run: "runs/mine".
    classes : sequence of str, optional
        K names. Default: the numbers from 0.
    mean, std : float or sequence of float
        Normalisation of your data, of pixels in [0, 1]: one number, or one per channel.
    data : str
        Name of the images in captions.

    Returns
    -------
    RunRecorder

    Raises
    ------
    NetcoreError
        If the model takes several inputs, or its graph cannot be exported; if images or labels do not fit it; if the
        folder cannot be written, or is not a run folder.
    """
    pixels = to_uint8(examples[0], mean, std)
    labels = to_numpy(examples[1]).astype(np.int64).reshape(-1)
    names = class_names(classes, count_classes(model, pixels.shape[1:]))
    return RunRecorder(model, Dataset(data, pixels, labels, names), Path(folder), mean, std)


class RunRecorder:
    """Record a training in a `with` block.

    Attributes
    ----------
    run : Run
        The run, readable at any time within the block and after it.
    """

    run: Run

    def __init__(
        self,
        model: nn.Module,
        examples: Dataset,
        path: Path,
        mean: ArrayLike,
        std: ArrayLike,
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        self._model, self._examples, self._path = unwrap(model), examples, path.absolute()
        shape = examples.channels_first.shape[1:]
        means, stds = check_normalization(mean, std, shape[0])
        self._input = {"shape": list(shape), "mean": means, "std": stds}
        self._run_dir = open_run_dir(self._path.parent, self._path.name)
        self._provenance = dict(provenance or {})
        self._best = BestSnapshot(recorded_score)

    def __enter__(self) -> "RunRecorder":
        path = self._run_dir.__enter__()
        try:
            self._start(path)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)  # not a run yet
            self._release()
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
        self._run_dir.__exit__(None, None, None)
        self.run = load_run(self._path)
        store_example_traces(self.run)
        return None

    def snapshot(self, step: int, *, epoch: float | None = None, name: str = "", **metrics: ArrayLike) -> None:
        """Save the current weights, and record the metrics in the history.

        Parameters
        ----------
        step : int
            Optimiser steps so far.
        epoch : float, optional
            Passes through the data so far. Default: captions count steps.
        name : str
            Name of the snapshot in captions. Default: "epoch 3" or "step 500".
        **metrics : float
            "loss" and "accuracy" of the training images, "val_loss" and "val_accuracy" of held-out ones, or any other;
            values that are not finite are skipped.
        """
        if step < 0 or int(step) != step:
            raise NetcoreError(f"step must be an integer of at least 0, got {step}")
        weights = state_arrays(self._model)
        bad = [k for k, v in weights.items() if np.issubdtype(v.dtype, np.floating) and not np.isfinite(v).all()]
        if bad:
            raise NetcoreError(f"{bad[0]} contains NaN or infinite values at step {step:,}: earlier snapshots are kept")
        if epoch is None:
            name = name or (f"step {step:,}" if step else "")
        at = float(step if epoch is None else epoch)
        self._writer.add_snapshot(weights, int(at) if at.is_integer() else at, int(step), name)
        self._record_metrics(int(step), at, {k: float(to_numpy(v)) for k, v in metrics.items()})
        unit = {"unit": "step"} if epoch is None else {}
        self._writer.append(**self._ends(), **unit)
        if step:
            discard_interrupted(self.run.path)

    # ---- start and end

    def _start(self, path: Path) -> None:
        data, shape = self._examples, tuple(self._input["shape"])
        graph, constants = export_graph(self._model, shape)
        exported = ExportedModel(graph, constants, state=self._model.state_dict())
        self._writer = RunWriter.create(
            path,
            name=self._path.name,
            recipe=None,
            status="training",
            settings={},
            changed={},
            parameters=sum(p.numel() for p in self._model.parameters()),
            layers=operation_entries(exported, shape, data.classes),
            input=self._input,
            classes=list(data.classes),
            data={"name": data.name, "held_out": len(data)},
            **environment_info(),
        )
        self.run = self._writer.run
        self._writer.save()  # first: without it, the folder is not a run and is never replaced
        model: dict[str, Any] = {"kind": "graph", "graph": self._writer.add_text("network.json", json.dumps(graph))}
        if constants:
            model["constants"] = self._writer.add_arrays("constants.npz", **constants)
        self._writer.info["model"] = model | self._provenance
        if len(data):
            index = sample_per_class(data, EXAMPLES_PER_CLASS)
            part = data.subset(index)
            self._writer.add_examples(part.channels_first, part.labels, index)
        self._writer.save()

    def _record_metrics(self, step: int, epoch: float, metrics: Mapping[str, float]) -> None:
        finite = {k: v for k, v in metrics.items() if math.isfinite(v)}
        if "loss" in finite:
            self._writer.add_history("steps", [{"step": step, **finite}])
        for short in ("loss", "accuracy"):
            if short in finite:
                finite[f"train_{short}"] = finite.pop(short)
        if finite and step:  # a row of the history follows at least one step
            row = {"epoch": epoch, "step": step, **finite}
            rows = self._writer.info["history"]["epochs"]
            is_last = not rows or step > rows[-1]["step"]
            self._writer.add_history("epochs", [row])
            if not is_last:  # it may replace the best one
                self._best = BestSnapshot(recorded_score)
            for added in [row] if is_last else self._writer.info["history"]["epochs"]:
                self._best.add(added)

    def _ends(self) -> dict[str, int]:
        """Return the steps of the best snapshot and of the last; without metrics, they are the same."""
        last = self._writer.info["snapshots"][-1]["step"]
        return {"best": last if self._best.step is None else self._best.step, "last": last}

    def _complete(self) -> None:
        if not self.run.snapshots:
            raise NetcoreError("the run has no snapshot: call rec.snapshot(step) inside the with block")
        del self._model  # an imported one is held by nothing else
        if len(self._examples):
            part = self._examples
            if len(part) > MAX_EVALUATED:
                part = part.subset(sample_per_class(part, max(1, MAX_EVALUATED // len(part.classes))))
            evaluate_splits(self._writer, [part], torch.device("cpu"), dropout_passes=0)
        self._close("complete")

    def _close(self, status: str) -> None:
        self._writer.info["status"] = status
        self._writer.save()

    def _interrupt(self) -> None:
        with contextlib.suppress(NetcoreError):
            self._close("interrupted")
        self._release()

    def _release(self) -> None:
        """Release the folder; an earlier complete run is not replaced."""
        self._run_dir.__exit__(_Interrupted, _Interrupted(), None)


class _Interrupted(Exception):
    """Signals `open_run_dir` that the run is not complete."""

"""Evaluate a run on data sets and store the results."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from netcore.analysis.metrics import classification_metrics
from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_count
from netcore.core.probabilities import class_probabilities
from netcore.core.run import Run
from netcore.core.run_writer import RunWriter
from netcore.datasets.base import Dataset, DatasetSplits, sample_per_class, stratified_split
from netcore.datasets.loading import load_dataset
from netcore.models.device import module_to_device, select_device, to_tensor
from netcore.models.loading import load_model
from netcore.models.module_copy import copy_module
from netcore.tracing.batch_inference import batch_logits
from netcore.training.mc_dropout import DEFAULT_PASSES, has_dropout, mc_dropout_accuracy

KEPT_ERRORS = 100  # images of the most confident misclassifications
KEPT_SAMPLES = 10  # images per class
MNIST_DERIVED = ("mnist", "embedded", "kaggle")  # subsets of the same images
Log = Callable[[str], None]


def evaluate(
    run: Run,
    datasets: Sequence[str] = (),
    *,
    at: str = "best",
    data_dir: str | Path | None = None,
    device: str = "auto",
    dropout_passes: int | None = None,
    log: Log = lambda text: None,
) -> list[dict[str, Any]]:
    """Evaluate a run on data sets, and store logits, labels and metrics in it.

    Parameters
    ----------
    run : Run
    datasets : sequence of str
        Names of data sets, without the images that the run was trained on. Default: the run's own, or its examples if
        that is not on this machine.
    at : str
        Snapshot.
    data_dir : path, optional
        Folder of the data files.
    device : str
        See `netcore.models.device.select_device`.
    dropout_passes : int, optional
        Passes over the first data set with dropout on. Default: the number of epochs, up to 40.
    log : callable
        Called with each message to the user.

    Returns
    -------
    list of dict
        One entry per data set: "name", "snapshot", the metrics of `netcore.analysis.metrics.classification_metrics`,
        "images_per_second", "digest", and "stability" if there were passes with dropout on.

    Raises
    ------
    NetcoreError
        If a data set is unavailable, or has other classes or images of another size.
    """
    selected = select_device(device)
    if datasets:
        parts = [part for name in datasets for part in eval_splits(run, _load_splits(run, name, data_dir), log)]
    else:
        parts = _own_parts(run, data_dir, log)
    for part in parts:
        check_compatible(run, part)
        if part.preparation:
            log(f"{part.name}: {part.preparation}")
    writer = RunWriter(run)
    entries = evaluate_splits(writer, parts, selected, at, dropout_passes)
    writer.save()
    return entries


def _own_parts(run: Run, data_dir: str | Path | None, log: Log) -> list[Dataset]:
    """Parts of the run's own data set, or its examples if that is not on this machine."""
    stored = run.info.get("data") or {}
    name = "embedded" if stored.get("name") == "embedded" else stored.get("asked")
    reason = "the images that it was recorded with are not stored"
    if name:
        try:
            return eval_splits(run, _load_splits(run, name, data_dir or stored.get("folder")), log)
        except NetcoreError as error:
            if data_dir or not run.info.get("examples"):
                raise
            reason = str(error)
    examples = run.examples()
    count = format_count(len(examples.labels), "example")
    log(f"evaluating on the run's own {count}, since {reason}; other images: --data")
    base = str(stored.get("name") or run.name)
    return [Dataset(f"{base}-examples", examples.images, examples.labels, tuple(run.classes))]


def _load_splits(run: Run, name: str, data_dir: str | Path | None) -> DatasetSplits:
    """Load a data set by name, images of a folder in the size of the run's input."""
    if name.startswith("folder:"):
        from netcore.datasets.image_folder import load_image_folder

        return load_image_folder(Path(name.partition(":")[2]).expanduser(), run.input_shape)
    return load_dataset(name, data_dir)


def evaluate_splits(
    writer: RunWriter,
    parts: Sequence[Dataset],
    device: torch.device,
    at: str = "best",
    dropout_passes: int | None = None,
) -> list[dict[str, Any]]:
    """Evaluate on loaded data sets as `evaluate` does, without saving the run."""
    run = writer.run
    snapshot = run.snapshot(at)
    module = module_to_device(copy_module(load_model(run, snapshot)), device).eval()
    entries = [_evaluate_split(writer, module, part, device, snapshot.label) for part in parts]
    if dropout_passes != 0 and has_dropout(module):
        epochs = run.info.get("settings", {}).get("epochs", DEFAULT_PASSES)
        passes = dropout_passes or min(epochs, DEFAULT_PASSES)
        stability = mc_dropout_accuracy(run, module, parts[0], passes, device)
        entries[0]["stability"] = writer.info["stability"] = stability
    return entries


def eval_splits(run: Run, source: DatasetSplits, log: Log = lambda text: None) -> list[Dataset]:
    """Return the parts of a data set to evaluate a run on, without the images that it was trained on.

    Whether it is the run's own data set is decided by digest, not by name.
    """
    trained = run.info.get("data") or {}
    if source.note:
        log(source.note)
    share, digests = trained.get("share", 0), trained.get("sha256") or {}
    if share:
        train, held_out = stratified_split(source.train.labels, share, run.info["settings"]["seed"])
        if source.train.subset(train).sha256 == digests.get("train"):
            part = source.train.subset(held_out)
            tests = [source.test] if source.test is not None else []
            validation = replace(part, name=f"{trained['name']}-validation")
            return [*_renamed(tests, trained["name"], source.train.name), validation]
    elif source.train.sha256 == digests.get("train") and source.test is not None:
        return _renamed([source.test], trained["name"], source.train.name)
    if trained.get("name") != source.train.name and {trained.get("name"), source.train.name} <= set(MNIST_DERIVED):
        log(f"{source.train.name} is drawn from the same images as {trained['name']}: no independent test")
    return [source.test or source.train]


def _renamed(parts: Sequence[Dataset], name: str, given: str) -> list[Dataset]:
    """The run's own data set keeps the run's name for it, whatever its folder is called today."""
    return [replace(part, name=name) if part.name == given else part for part in parts]


def _stored_name(run: Run, data: Dataset) -> str:
    """Name under which the run holds the evaluation of these images, else the data set's."""
    entries = run.info.get("evaluations", {})
    return next((name for name, entry in entries.items() if entry.get("digest") == data.sha256), data.name)


def check_compatible(run: Run, data: Dataset) -> None:
    """Raise NetcoreError if the run's network cannot classify these images."""
    if not len(data):
        raise NetcoreError(f"{data.name} has no images")
    if list(data.classes) != run.classes:
        raise NetcoreError(
            f"the classes of {data.name} must be those of run '{run.name}', got {', '.join(data.classes[:4])}, …"
        )
    shape = data.channels_first.shape[1:]
    if shape != run.input_shape:
        sizes = ("×".join(map(str, s)) for s in (shape, run.input_shape))
        raise NetcoreError(f"{data.name}: images are {next(sizes)}, but run '{run.name}' takes {next(sizes)}")


def _evaluate_split(
    writer: RunWriter, module: nn.Module, data: Dataset, device: torch.device, snapshot: str
) -> dict[str, Any]:
    """Evaluate one data set, write the result, and return it."""
    run = writer.run
    images = to_tensor(data.channels_first, device)
    batch_logits(module, images[:64], run)  # warm-up: the first pass includes initialisation
    started = time.perf_counter()
    logits = batch_logits(module, images, run).cpu().numpy()
    seconds = time.perf_counter() - started
    metrics = classification_metrics(logits, data.labels, run.classes)
    errors = np.flatnonzero(logits.argmax(1) != data.labels)
    confidence = class_probabilities(logits[errors]).max(1, initial=0)
    errors = errors[np.argsort(-confidence, kind="stable")][:KEPT_ERRORS]
    samples = sample_per_class(data, KEPT_SAMPLES)
    entry = {"snapshot": snapshot, **metrics, "images_per_second": round(len(data) / seconds), "digest": data.sha256}
    if data.preparation:
        entry["preparation"] = data.preparation
    name = _stored_name(run, data)
    writer.add_evaluation(
        name,
        entry,
        logits=logits,
        labels=data.labels.astype(np.uint8 if len(data.classes) <= 256 else np.int64),
        mistake_images=data.channels_first[errors],
        mistake_index=errors,
        sample_images=data.channels_first[samples],
        sample_labels=data.labels[samples],
        sample_index=samples,
    )
    return {"name": name} | entry

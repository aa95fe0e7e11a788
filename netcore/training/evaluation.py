"""What a run answers on data sets: measured, and stored in the run."""

import copy
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import nn

from netcore.analysis.metrics import classification_metrics
from netcore.core.errors import NetcoreError
from netcore.core.run import Run
from netcore.core.run_writer import RunWriter
from netcore.datasets.base import Dataset, DatasetSplits, sample_per_class, stratified_split
from netcore.datasets.loading import load_dataset
from netcore.models.device import module_to_device, select_device, to_tensor
from netcore.models.loading import load_model
from netcore.tracing.batch_inference import batch_logits
from netcore.training.mc_dropout import DEFAULT_PASSES, has_dropout, mc_dropout_accuracy

KEPT_ERRORS, KEPT_SAMPLES = 100, 10  # images kept of the surest mistakes, and of each class
MNIST_DERIVED = ("mnist", "embedded", "kaggle")  # all drawn from the same images
Log = Callable[[str], None]


def evaluate(
    run: Run,
    on: Sequence[str] = (),
    *,
    at: str = "best",
    data_dir: str | Path | None = None,
    device: str = "auto",
    passes: int | None = None,
    say: Log = lambda text: None,
) -> list[dict[str, Any]]:
    """Measure a run on data sets, and store logits, labels and figures in it.

    Parameters
    ----------
    run : Run
    on : sequence of str
        Names of data sets; the run's own where there are none. Images it was trained on are left out.
    at : str
        Snapshot.
    passes : int, optional
        Passes with dropout on, over the first data set; the recipe's number of epochs where None, 0 for none.
    say : callable
        Told what the user should know.

    Returns
    -------
    list of dict
        One entry a data set: ``name``, what `measure` gives, ``images_per_second``, and ``stability`` where tested.

    Raises
    ------
    NetcoreError
        If a data set has other classes or another size of image, or is not to be had.
    """
    chosen = select_device(device)
    names = list(on) or [run.info.get("data", {}).get("asked", "mnist")]
    if run.info.get("data", {}).get("name") == "embedded" and not on:
        names = ["embedded"]
    parts = [part for name in names for part in eval_splits(run, _source(run, name, data_dir), say)]
    for part in parts:
        check_compatible(run, part)
    writer = RunWriter(run)
    entries = evaluate_splits(writer, parts, chosen, at, passes)
    writer.save()
    return entries


def _source(run: Run, name: str, data_dir: str | Path | None) -> DatasetSplits:
    """Load a data set by name; images of a folder in the size that the run takes."""
    if name.startswith("folder:"):
        from netcore.datasets.image_folder import load_image_folder

        return load_image_folder(Path(name.partition(":")[2]).expanduser(), run.input_shape)
    return load_dataset(name, data_dir)


def evaluate_splits(
    writer: RunWriter, parts: Sequence[Dataset], device: torch.device, at: str = "best", passes: int | None = None
) -> list[dict[str, Any]]:
    """Do as `evaluate` does, with data at hand; the run is not saved."""
    run = writer.run
    snapshot = run.snapshot(at)
    module = module_to_device(copy.deepcopy(load_model(run, snapshot)), device).eval()
    entries = [_evaluate_split(writer, module, part, device, snapshot.label) for part in parts]
    if passes != 0 and has_dropout(module):
        passes = passes or min(run.info.get("settings", {}).get("epochs", DEFAULT_PASSES), DEFAULT_PASSES)
        stability = mc_dropout_accuracy(run, module, parts[0], passes, device)
        entries[0]["stability"] = writer.info["stability"] = stability
    return entries


def eval_splits(run: Run, source: DatasetSplits, say: Log = lambda text: None) -> list[Dataset]:
    """What of a source may judge this run: its test part, else its labelled part without what was trained on."""
    trained = run.info.get("data", {})
    if source.note:
        say(source.note)
    if trained.get("name") != source.train.name and {trained.get("name"), source.train.name} <= set(MNIST_DERIVED):
        say(f"{source.train.name} is drawn from the same images as {trained['name']}: no independent test")
    parts = [source.test] if source.test is not None else []
    settings = run.info.get("settings", {})
    share = trained.get("share", 0)
    if share and trained.get("name") == source.train.name:
        kept, held = stratified_split(source.train.labels, share, settings["seed"])
        if source.train.subset(kept).sha256 == trained["sha256"]["train"]:
            part = source.train.subset(held)
            parts.append(Dataset(f"{part.name}-validation", part.images, part.labels, part.classes))
    return parts or [source.train]


def check_compatible(run: Run, data: Dataset) -> None:
    """Refuse data of other classes or another size than the run's network takes."""
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
    """Measure one data set, enter the result, and return it."""
    run = writer.run
    images = to_tensor(data.channels_first, device)
    batch_logits(module, images[:64], run)  # the first pass waits for much that the next ones have
    started = time.perf_counter()
    logits = batch_logits(module, images, run).cpu().numpy()
    seconds = time.perf_counter() - started
    figures = classification_metrics(logits, data.labels, run.classes)
    wrong = np.flatnonzero(logits.argmax(1) != data.labels)
    confidence = softmax(logits[wrong].astype(np.float64), axis=1).max(1, initial=0)
    surest = wrong[np.argsort(-confidence, kind="stable")][:KEPT_ERRORS]
    samples = sample_per_class(data, KEPT_SAMPLES)
    entry = {"snapshot": snapshot, **figures, "images_per_second": round(len(data) / seconds), "digest": data.sha256}
    writer.add_evaluation(
        data.name,
        entry,
        logits=logits,
        labels=data.labels.astype(np.uint8 if len(data.classes) <= 256 else np.int64),
        mistake_images=data.channels_first[surest],
        mistake_index=surest,
        sample_images=data.channels_first[samples],
        sample_labels=data.labels[samples],
        sample_index=samples,
    )
    return {"name": data.name} | entry

"""What a run answers on data sets: measured, and stored in the run."""

import copy
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from netcore.errors import NetcoreError
from netcore.learn.data import DataSet, Source, load, stratified
from netcore.learn.device import choose_device, gpus, place
from netcore.learn.loop import logits_of, seed_of, tensor
from netcore.learn.metrics import measure, softmax
from netcore.learn.models import load_model
from netcore.run import Run

MISTAKES, SAMPLES = 100, 10  # images kept of the surest mistakes, and of each class
PASSES = 40  # with dropout on, at most unless told otherwise
MNISTS = ("mnist", "embedded", "kaggle")  # all drawn from the same images
Say = Callable[[str], None]


def evaluate(
    run: Run,
    on: Sequence[str] = (),
    *,
    at: str = "best",
    data_dir: str | Path | None = None,
    device: str = "auto",
    passes: int | None = None,
    say: Say = lambda text: None,
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
    chosen = choose_device(device)
    names = list(on) or [run.info.get("data", {}).get("asked", "mnist")]
    if run.info.get("data", {}).get("name") == "embedded" and not on:
        names = ["embedded"]
    parts = [part for name in names for part in parts_of(run, _source(run, name, data_dir), say)]
    for part in parts:
        fits(run, part)
    entries = evaluate_parts(run, parts, chosen, at, passes)
    run.save()
    return entries


def _source(run: Run, name: str, data_dir: str | Path | None) -> Source:
    """Load a data set by name; images of a folder in the size that the run takes."""
    if name.startswith("folder:"):
        from netcore.learn.sources import load_folder

        return load_folder(Path(name.partition(":")[2]).expanduser(), run.input_shape)
    return load(name, data_dir)


def evaluate_parts(
    run: Run, parts: Sequence[DataSet], device: torch.device, at: str = "best", passes: int | None = None
) -> list[dict[str, Any]]:
    """Do as `evaluate` does, with data at hand; the run is not saved."""
    snapshot = run.snapshot(at)
    module = place(copy.deepcopy(load_model(run, snapshot)), device).eval()
    entries = [_enter(run, module, part, device, snapshot.label) for part in parts]
    if passes != 0 and has_dropout(module):
        passes = passes or min(run.info.get("settings", {}).get("epochs", PASSES), PASSES)
        entries[0]["stability"] = stability(run, module, parts[0], passes, device)
    return entries


def parts_of(run: Run, source: Source, say: Say = lambda text: None) -> list[DataSet]:
    """What of a source may judge this run: its test part, else its labelled part without what was trained on."""
    trained = run.info.get("data", {})
    if source.note:
        say(source.note)
    if trained.get("name") != source.train.name and {trained.get("name"), source.train.name} <= set(MNISTS):
        say(f"{source.train.name} is drawn from the same images as {trained['name']}: no independent test")
    parts = [source.test] if source.test is not None else []
    settings = run.info.get("settings", {})
    share = trained.get("share", 0)
    if share and trained.get("name") == source.train.name:
        kept, held = stratified(source.train.labels, share, settings["seed"])
        if source.train.take(kept).sha256 == trained["sha256"]["train"]:
            part = source.train.take(held)
            parts.append(DataSet(f"{part.name}-validation", part.images, part.labels, part.classes))
    return parts or [source.train]


def fits(run: Run, data: DataSet) -> None:
    """Refuse data of other classes or another size than the run's network takes."""
    if not len(data):
        raise NetcoreError(f"{data.name} has no images")
    if list(data.classes) != run.classes:
        raise NetcoreError(f"{data.name} has other classes than run '{run.name}': {', '.join(data.classes[:4])}, …")
    shape = data.channels_first.shape[1:]
    if shape != run.input_shape:
        sizes = ("×".join(map(str, s)) for s in (shape, run.input_shape))
        raise NetcoreError(f"{data.name}: images are {next(sizes)}, run '{run.name}' takes {next(sizes)}")


def _enter(run: Run, module: nn.Module, data: DataSet, device: torch.device, snapshot: str) -> dict[str, Any]:
    images = tensor(data.channels_first, device)
    logits_of(module, images[:64], run)  # the first pass waits for much that the next ones have
    started = time.perf_counter()
    logits = logits_of(module, images, run).cpu().numpy()
    seconds = time.perf_counter() - started
    figures = measure(logits, data.labels, run.classes)
    wrong = np.flatnonzero(logits.argmax(1) != data.labels)
    surest = wrong[np.argsort(-softmax(logits[wrong]).max(1), kind="stable")][:MISTAKES] if len(wrong) else wrong
    samples = spread(data, SAMPLES)
    file = f"evaluation/{re.sub(r'[^a-z0-9]+', '-', data.name.lower()).strip('-')}.npz"
    stored = run.add_arrays(
        file,
        logits=logits,
        labels=data.labels.astype(np.uint8 if len(data.classes) <= 256 else np.int64),
        mistake_images=data.channels_first[surest],
        mistake_index=surest,
        sample_images=data.channels_first[samples],
        sample_labels=data.labels[samples],
        sample_index=samples,
    )
    entry = {"snapshot": snapshot, **figures, "images_per_second": round(len(data) / seconds), "digest": data.sha256}
    run.info.setdefault("evaluations", {})[data.name] = stored | entry
    return {"name": data.name} | entry


def spread(data: DataSet, each: int) -> np.ndarray:
    """Positions of the first `each` images of every class, interleaved by class."""
    ranks = np.zeros(len(data), np.int64)
    for c in range(len(data.classes)):
        mine = np.flatnonzero(data.labels == c)
        ranks[mine] = np.arange(len(mine))
    order = np.lexsort((data.labels, ranks))
    return order[ranks[order] < each]


# ---- stability


def has_dropout(module: nn.Module) -> bool:
    """Whether any dropout of the network drops something."""
    return any(isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0 for m in module.modules())


@torch.inference_mode()
def stability(run: Run, module: nn.Module, data: DataSet, passes: int, device: torch.device) -> dict[str, Any]:
    """Accuracy of `passes` passes with dropout on (all else as in evaluation), entered in the run.

    What comes before a sequential network's first dropout is computed once. The deviation is that of a sample (n - 1).
    """
    images = tensor(data.channels_first, device)
    labels = tensor(data.labels, device)
    module.eval()
    plain = (logits_of(module, images, run).argmax(1) == labels).float().mean().item()
    with torch.random.fork_rng(devices=gpus(device)):
        torch.manual_seed(seed_of(run.info.get("seed", 0), "stability"))
        right = _right_with_dropout(run, module, images, labels, passes)
    accuracy = [n / len(data) for n in right]
    deviation = float(np.std(accuracy, ddof=1)) if passes > 1 else None  # one pass tells of no spread
    run.info["stability"] = {
        "data": data.name,
        "count": len(data),
        "accuracy": accuracy,
        "without_dropout": plain,
        "mean": float(np.mean(accuracy)),
        "deviation": deviation,
    }
    return dict(run.info["stability"])


def _right_with_dropout(
    run: Run, module: nn.Module, images: torch.Tensor, labels: torch.Tensor, passes: int
) -> list[int]:
    drops = [m for m in module.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    head, tail = module, nn.Identity()
    if isinstance(module, nn.Sequential):
        first = next(i for i, m in enumerate(module) if m in drops)
        head, tail = module[:first], module[first:]
    totals = [0] * passes
    try:
        for start in range(0, len(images), 1000):
            part, truth = images[start : start + 1000], labels[start : start + 1000]
            if head is module:  # no place to split it at: all of it, each time
                answers = (_dropping(drops, lambda part=part: logits_of(module, part, run)) for _ in range(passes))
            else:
                before = logits_of(head, part, run)
                answers = (_dropping(drops, lambda before=before: tail(before)) for _ in range(passes))
            for i, logits in enumerate(answers):
                totals[i] += int((logits.argmax(1) == truth).sum())
    finally:
        module.eval()
    return totals


def _dropping(drops: list[nn.Module], compute: Callable[[], torch.Tensor]) -> torch.Tensor:
    for drop in drops:
        drop.train()
    try:
        return compute()
    finally:
        for drop in drops:
            drop.eval()

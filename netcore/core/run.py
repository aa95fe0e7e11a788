"""Read run folders: what training leaves and drawing takes.

A run is a folder: `run.json` tells what was trained and how, `snapshots/` holds the weights over time, `examples.npz` a
few images a class, `evaluation/` the logits on data sets. `run.json` is written last and renamed into place, so a
reader never sees half a run. `cache/` holds results of passes (`netcore.core.trace_store`) and can be deleted.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from netcore.core.errors import NetcoreError, unknown_name

SCHEMA = 1
REQUIRED_KEYS = ("schema", "snapshots", "classes", "input", "layers")  # without which nothing can be drawn
RETRAIN_HINT = "train it again, without --resume, or put back a copy"
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Snapshot:
    """The weights at one moment of training: after `step` optimiser steps, in (fractional) epoch `epoch`."""

    epoch: float
    step: int
    file: str  # relative to the run folder
    sha256: str
    name: str = ""  # where neither epoch nor step says it well

    @property
    def label(self) -> str:
        """What a caption calls it."""
        if self.name:
            return self.name
        if self.step == 0:
            return "untrained"
        return f"epoch {self.epoch:g}" if float(self.epoch).is_integer() else f"step {self.step:,}"


@dataclass(frozen=True)
class Examples:
    """A few images of each class, interleaved by class, taken from the held-out data.

    images : uint8 (N, C, H, W); labels : int64 (N,); index : int64 (N,), the position in the data set they come from.
    """

    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise NetcoreError(
                f"example images must be uint8 (N, C, H, W), got {self.images.dtype} {self.images.shape}"
            )
        if not len(self.images) == len(self.labels) == len(self.index):
            raise NetcoreError("images, labels and index of the examples must have the same length")


@dataclass(frozen=True)
class LabeledImages:
    """Images of one part of a run's data.

    Attributes
    ----------
    part : {"train", "held_out", "examples"}
    images : uint8 (N, C, H, W)
    labels : int64 (N,)
    """

    part: str
    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """The network's answers on one data set: logits float32 (N, K) and labels (N,).

    `extra` holds whatever else was stored with them (`mistake_images` uint8 (M, C, H, W), `mistake_index` (M,), …);
    `snapshot` is the label of the snapshot evaluated (``"epoch 20"``), empty if not recorded.
    """

    name: str
    logits: np.ndarray
    labels: np.ndarray
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    snapshot: str = ""


class Run:
    """One run folder, read only: `RunWriter` writes. Reading checks digests; weights are never unpickled.

    Parameters
    ----------
    path : Path
        The run folder.
    info : dict
        The content of `run.json`.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info

    # ---- what it is

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def display_name(self) -> str:
        """The recipe, or the name of a run that has none."""
        return self.info.get("recipe") or self.name

    @property
    def classes(self) -> list[str]:
        return list(self.info["classes"])

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        c, h, w = self.info["input"]["shape"]
        return c, h, w

    @property
    def layers(self) -> list[dict[str, Any]]:
        """One mapping a layer, in order: name, kind, input, output (shapes without the batch), parameters."""
        return list(self.info["layers"])

    @property
    def history(self) -> dict[str, list[dict[str, Any]]]:
        """`epochs`: rows (epoch, step, train_loss, …); `steps`: rows (step, loss, learning_rate)."""
        return self.info.get("history", {"epochs": [], "steps": []})

    # ---- snapshots

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(
            Snapshot(s["epoch"], s["step"], s["file"], s["sha256"], s.get("name", "")) for s in self.info["snapshots"]
        )

    def snapshot(self, at: str = "best") -> Snapshot:
        """Find a snapshot: ``best``, ``last``, ``first``, ``epoch:N`` or ``step:N``.

        Raises
        ------
        NetcoreError
            If `at` is no such word, or the run has no snapshot there (the nearest is offered).
        """
        if not self.snapshots:
            raise NetcoreError(f"run '{self.name}' has no snapshot yet")
        if at in ("first", "last"):
            return self.snapshots[0 if at == "first" else -1]
        if at == "best":
            step = self.info.get("best", self.snapshots[-1].step)
            return next((s for s in self.snapshots if s.step == step), self.snapshots[-1])
        match = re.fullmatch(r"(epoch|step):(\d+)", at)
        if not match:
            raise NetcoreError(f"no snapshot '{at}': use best, last, first, epoch:N or step:N")
        unit, number = match[1], int(match[2])
        found = [s for s in self.snapshots if getattr(s, unit) == number]
        if found:
            return found[-1]
        near = min(self.snapshots, key=lambda s: abs(getattr(s, unit) - number))
        raise NetcoreError(f"run '{self.name}' has no snapshot at {at}; the nearest is {unit}:{getattr(near, unit):g}")

    def weights(self, snapshot: Snapshot) -> Arrays:
        """Read the parameters and buffers of a snapshot by name, its digest checked.

        Raises
        ------
        NetcoreError
            If the file is missing, damaged (both digests told), no safetensors file, or holds NaN or infinity.
        """
        path = self.path / snapshot.file
        data = _read_checked(path, snapshot.sha256)
        try:
            weights = load_safetensors(data)
        except (SafetensorError, ValueError, KeyError) as error:
            raise NetcoreError(f"{path} is not a safetensors file: {error}") from error
        bad = sorted(k for k, v in weights.items() if np.issubdtype(v.dtype, np.floating) and not np.isfinite(v).all())
        if bad:
            raise NetcoreError(
                f"{path} contains NaN or infinite weights in {bad[0]}: retrain, or choose an earlier --at"
            )
        return weights

    # ---- what lies beside the weights

    def examples(self) -> Examples:
        """Read the example images; NetcoreError where there are none or the file is damaged."""
        entry = self.info.get("examples")
        if not entry:
            raise NetcoreError(f"run '{self.name}' has no example images: use --image FILE")
        arrays = self.read_arrays(entry)
        return Examples(arrays["images"], arrays["labels"], arrays["index"])

    @property
    def time_unit(self) -> str:
        """What time is told in: "epoch", or "step" where the run does not know its epochs."""
        return self.info.get("unit", "epoch")

    @property
    def evaluations(self) -> tuple[str, ...]:
        """Names of the data sets that the run was evaluated on."""
        return tuple(self.info.get("evaluations", {}))

    @property
    def unlabeled(self) -> tuple[str, ...]:
        """Names of the data sets without labels that the run has answered."""
        return tuple(self.info.get("unlabelled", {}))

    def evaluation_entry(self, name: str) -> Mapping[str, Any]:
        """What `run.json` tells of the answers on a data set, labelled or not; empty where there are none."""
        entry: Mapping[str, Any] = (self.info.get("unlabelled", {}) | self.info.get("evaluations", {})).get(name, {})
        return entry

    def evaluation(self, name: str | None = None) -> Evaluation:
        """Read the stored answers on one data set (the first one evaluated where `name` is None)."""
        if not (self.evaluations or (name and self.unlabeled)):
            raise NetcoreError(f"run '{self.name}' has no evaluation: use netcore evaluate {self.name}")
        name = name or self.evaluations[0]
        if not self.evaluation_entry(name):
            raise unknown_name("evaluation", name, [*self.evaluations, *self.unlabeled])
        arrays = self.read_arrays(self.evaluation_entry(name))
        extra = {k: v for k, v in arrays.items() if k not in ("logits", "labels")}
        return Evaluation(
            name, arrays["logits"], arrays["labels"], extra, self.evaluation_entry(name).get("snapshot", "")
        )

    def read(self, entry: Mapping[str, Any]) -> bytes:
        """Read a file by its entry, ``{"file": …, "sha256": …}``; NetcoreError where it is missing or damaged."""
        return _read_checked(self.path / entry["file"], entry["sha256"])

    def read_arrays(self, entry: Mapping[str, Any]) -> Arrays:
        """Read the arrays of an .npz file by its entry; nothing is unpickled."""
        import io
        import zipfile

        try:
            with np.load(io.BytesIO(self.read(entry)), allow_pickle=False) as archive:
                return dict(archive)
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise NetcoreError(f"{self.path / entry['file']} is damaged: {error}") from error


def load_run(path: str | Path, runs: str | Path = "runs") -> Run:
    """Open a run by its folder, or by its name inside `runs`.

    Raises
    ------
    NetcoreError
        If there is no such run (the nearest name is offered), `run.json` is damaged, or its schema is newer than this.
    """
    given = Path(path)
    found = next((p for p in (given, Path(runs) / given) if (p / "run.json").is_file()), None)
    if found is None:
        raise unknown_name("run", str(path), [r.name for r in list_runs(runs)])
    try:
        info = json.loads((found / "run.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise NetcoreError(f"{found / 'run.json'} is damaged ({error}): {RETRAIN_HINT}") from error
    info = info if isinstance(info, dict) else {}
    schema = info.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise NetcoreError(
            f"run '{found.name}' has schema {schema}, newer than this netcore's {SCHEMA}: upgrade netcore"
        )
    for key in REQUIRED_KEYS:
        if key not in info:
            raise NetcoreError(f"{found / 'run.json'} is damaged (it has no {key}): {RETRAIN_HINT}")
    return Run(found.resolve(), info)


def list_runs(runs: str | Path = "runs", damaged: Callable[[NetcoreError], object] = lambda error: None) -> list[Run]:
    """All readable runs in a folder, by name; `damaged` is told why one is left out."""
    out = []
    for file in sorted(Path(runs).glob("*/run.json")):
        try:
            out.append(load_run(file.parent))
        except NetcoreError as error:
            damaged(error)
    return out


def _read_checked(path: Path, digest: str) -> bytes:
    import hashlib

    try:
        data = path.read_bytes()
    except OSError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}; {_remedy(path)}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        told = f"sha256 {found[:12]}…, but run.json records {digest[:12]}…"
        raise NetcoreError(f"{path} is damaged: {told}; {_remedy(path)}")
    return data


def _remedy(path: Path) -> str:
    """What makes a file of a run anew."""
    if path.parent.name == "evaluation":
        return f"netcore evaluate {path.parents[1].name} makes it again"
    if path.parent.name == "snapshots":
        return "choose another snapshot with --at, or train again"
    return "train again, or put back a copy"

"""Read run folders.

In a run folder `run.json` describes the network and its training, `snapshots/` contains the weights over time,
`examples.npz` a few images per class, and `evaluation/` the logits on data sets. `run.json` is written last and renamed
into place, so a reader never sees an incomplete run. During a training, `journal.jsonl` contains what came after
(`netcore.core.run_journal`). `netcore.core.run_writer` writes them.
`cache/` contains results of forward passes (`netcore.core.trace_store`) and can be deleted.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netcore.core.array_checks import check_evaluation, check_images, check_labels
from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.files import path_inside
from netcore.core.run_files import Arrays, read_checked, read_npz, read_tensors, reading, tensor_shapes
from netcore.core.run_info import read_info
from netcore.core.run_records import Evaluation, Examples, Snapshot
from netcore.core.run_records import LabeledImages as LabeledImages  # imported from here


class Run:
    """One run folder, read only: `RunWriter` writes. Digests are checked on reading; nothing is unpickled.

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

    # ---- description

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def display_name(self) -> str:
        """Name of the recipe, or of the run if it has none."""
        return self.info.get("recipe") or self.name

    @property
    def classes(self) -> list[str]:
        """Names of the K classes."""
        return list(self.info["classes"])

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the input."""
        c, h, w = self.info["input"]["shape"]
        return c, h, w

    @property
    def layers(self) -> list[dict[str, Any]]:
        """One mapping per layer: name, kind, input and output (shapes without batch), parameters."""
        return list(self.info["layers"])

    @property
    def history(self) -> dict[str, list[dict[str, Any]]]:
        """Training history: rows per epoch (``epochs``) and per training step (``steps``)."""
        return self.info.get("history", {"epochs": [], "steps": []})

    # ---- snapshots

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots, by step."""
        return tuple(
            Snapshot(s["epoch"], s["step"], s["file"], s["sha256"], s.get("name", "")) for s in self.info["snapshots"]
        )

    def snapshot(self, at: str = "best") -> Snapshot:
        """Find a snapshot: ``best``, ``last``, ``first``, ``epoch:N`` or ``step:N``.

        Raises
        ------
        NetcoreError
            If `at` has another form, or the run has no snapshot there (the nearest is offered).
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

    def weight_shapes(self, snapshot: Snapshot) -> dict[str, tuple[int, ...]]:
        """Read the shapes of the parameters and buffers of a snapshot by name, without their values.

        Raises
        ------
        NetcoreError
            If the file is missing or not a safetensors file.
        """
        return tensor_shapes(path_inside(self.path, snapshot.file))

    def weights(self, snapshot: Snapshot, names: Iterable[str] | None = None) -> Arrays:
        """Read the parameters and buffers of a snapshot by name.

        The whole file is checked, in a little memory; arrays that are not asked for take none.

        Parameters
        ----------
        snapshot : Snapshot
        names : iterable of str, optional
            Those to read; default: all.

        Raises
        ------
        NetcoreError
            If the file is missing, damaged, not a safetensors file, has no such array, or contains NaN or infinity.
        """
        path = path_inside(self.path, snapshot.file)
        weights = read_tensors(path, snapshot.sha256, names)
        bad = sorted(k for k, v in weights.items() if np.issubdtype(v.dtype, np.floating) and not np.isfinite(v).all())
        if bad:
            raise NetcoreError(
                f"{path} contains NaN or infinite weights in {bad[0]}: retrain, or choose an earlier --at"
            )
        return weights

    # ---- images and evaluations

    def examples(self) -> Examples:
        """Read the example images; NetcoreError if there are none or the file is damaged."""
        entry = self.info.get("examples")
        if not entry:
            raise RequirementError(f"run '{self.name}' has no example images: use --image FILE")
        arrays = self.read_arrays(entry)
        with reading(self.path / entry["file"]):
            check_images(arrays, ("images", "labels", "index"), self.input_shape)
            check_labels(arrays["labels"], len(self.classes))
            if not len(arrays["images"]):
                raise ValueError("it has no images")
        return Examples(arrays["images"], arrays["labels"], arrays["index"])

    @property
    def time_unit(self) -> str:
        """Unit of training time: "epoch", or "step" if epochs are not recorded."""
        return self.info.get("unit", "epoch")

    @property
    def evaluations(self) -> tuple[str, ...]:
        """Names of the data sets that the run was evaluated on.

        Images that an earlier entry has already are left out: those of the same digest, and the run's examples if
        there is an evaluation of the whole that they were taken from.
        """
        entries, seen = self.info.get("evaluations", {}), set()
        names = []
        for name, entry in entries.items():
            digest = entry.get("digest") or name
            if digest not in seen and not _is_sample_of(name, entries):
                names.append(name)
            seen.add(digest)
        return tuple(names)

    @property
    def unlabeled(self) -> tuple[str, ...]:
        """Names of the data sets without labels that have predictions."""
        return tuple(self.info.get("unlabelled", {}))

    def evaluation_entry(self, name: str) -> Mapping[str, Any]:
        """Entry of a data set, labelled or not, in `run.json`; empty if there is none."""
        entry: Mapping[str, Any] = (self.info.get("unlabelled", {}) | self.info.get("evaluations", {})).get(name, {})
        return entry

    def evaluation(self, name: str | None = None) -> Evaluation:
        """Read the predictions on one data set (default: the first one evaluated)."""
        if not (self.evaluations or (name and self.unlabeled)):
            raise RequirementError(f"run '{self.name}' has no evaluation: use netcore evaluate {self.name}")
        name = name or self.evaluations[0]
        if not self.evaluation_entry(name):
            raise unknown_name("evaluation", name, [*self.evaluations, *self.unlabeled])
        arrays = self.read_arrays(self.evaluation_entry(name))
        with reading(self.path / self.evaluation_entry(name)["file"]):
            check_evaluation(arrays, self.input_shape, len(self.classes))
        extra = {k: v for k, v in arrays.items() if k not in ("logits", "labels")}
        entry = self.evaluation_entry(name)
        return Evaluation(
            name, arrays["logits"], arrays["labels"], extra, entry.get("snapshot", ""), entry.get("preparation", "")
        )

    def read(self, entry: Mapping[str, Any]) -> bytes:
        """Read a file by its entry, ``{"file": …, "sha256": …}``; NetcoreError if it is missing or damaged."""
        return read_checked(path_inside(self.path, entry["file"]), entry["sha256"])

    def read_arrays(self, entry: Mapping[str, Any]) -> Arrays:
        """Read the arrays of an .npz file by its entry; nothing is unpickled."""
        return read_npz(path_inside(self.path, entry["file"]), entry["sha256"])


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
        raise unknown_name("run", str(path), run_names(runs))
    return _open_run(found)


def _open_run(folder: Path) -> Run:
    return Run(folder.resolve(), read_info(folder))


def list_runs(runs: str | Path = "runs", damaged: Callable[[NetcoreError], object] = lambda error: None) -> list[Run]:
    """Load all readable runs in a folder, by name; `damaged` is called with the error of each other."""
    return list(iter_runs(runs, damaged))


def iter_runs(
    runs: str | Path = "runs", damaged: Callable[[NetcoreError], object] = lambda error: None
) -> Iterator[Run]:
    """Load one readable run after another, as `list_runs` does: thousands need no memory."""
    for name in run_names(runs):
        try:
            yield _open_run(Path(runs, name))
        except NetcoreError as error:
            damaged(error)


def run_names(runs: str | Path = "runs") -> list[str]:
    """Return the names of the runs in a folder; none is opened."""
    return sorted(file.parent.name for file in Path(runs).glob("*/run.json"))


def _is_sample_of(name: str, entries: Mapping[str, Any]) -> bool:
    """Whether an evaluation is one of the run's examples, and the whole that they were taken from is there too."""
    whole = name.removesuffix("-examples")
    return whole != name and any(other in entries for other in (whole, f"{whole}-validation"))

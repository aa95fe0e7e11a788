"""Read run folders.

In a run folder `run.json` describes the network and its training, `snapshots/` contains the weights over time,
`examples.npz` a few images per class, and `evaluation/` the logits on data sets. `run.json` is written last and renamed
into place, so a reader never sees an incomplete run. During a training, `journal.jsonl` contains what came after
(`netcore.core.run_journal`). `netcore.core.run_writer` writes them.
`cache/` contains results of forward passes (`netcore.core.trace_store`) and can be deleted.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.files import file_sha256, path_inside
from netcore.core.plain_text import parse_json
from netcore.core.run_checks import check_arrays, check_info, check_labels
from netcore.core.run_journal import JOURNAL, add_row, journal_rows, read_journal

SCHEMA = 1
REQUIRED_KEYS = ("schema", "snapshots", "classes", "input", "layers")  # without which nothing can be drawn
RETRAIN_HINT = "train it again, without --resume, or put back a copy"
MAX_ARRAY_BYTES = 2**32  # of all arrays of an .npz file: a small one can expand to any size
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Snapshot:
    """Weights after `step` training steps, at the (fractional) epoch `epoch`."""

    epoch: float
    step: int
    file: str  # relative to the run folder
    sha256: str
    name: str = ""  # if neither epoch nor step describes it

    @property
    def label(self) -> str:
        """Name in captions: ``"epoch 20"``, ``"step 500"``, ``"untrained"``."""
        if self.name:
            return self.name
        if self.step == 0:
            return "untrained"
        return f"epoch {self.epoch:g}" if float(self.epoch).is_integer() else f"step {self.step:,}"


@dataclass(frozen=True)
class Examples:
    """A few images of each class, interleaved by class, taken from the held-out data.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, C, H, W)
    labels : ndarray of int64, shape (N,)
    index : ndarray of int64, shape (N,)
        Positions in the data set.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    index: NDArray[np.int64]

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
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Evaluation:
    """Predictions of the network on one data set.

    Attributes
    ----------
    name : str
        Name of the data set.
    logits : ndarray of float32, shape (N, K)
    labels : ndarray, shape (N,)
    extra : mapping of str to ndarray
        Further arrays: ``mistake_images`` uint8 (M, C, H, W), ``mistake_index`` (M,), …
    snapshot : str
        Label of the snapshot evaluated (``"epoch 20"``), "" if not recorded.
    preparation : str
        How the images were prepared, a short form and the steps after a colon; "" if they are as stored.
    """

    name: str
    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    extra: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    snapshot: str = ""
    preparation: str = ""


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
        with _open_tensors(path_inside(self.path, snapshot.file)) as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)

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
        _check_digest(path, _digest_of(path), snapshot.sha256)
        with _open_tensors(path) as file:
            weights = {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}
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
        with _damaged(self.path / entry["file"]):
            _check_images(arrays, ("images", "labels", "index"), self.input_shape)
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
        with _damaged(self.path / self.evaluation_entry(name)["file"]):
            self._check_evaluation(arrays)
        extra = {k: v for k, v in arrays.items() if k not in ("logits", "labels")}
        entry = self.evaluation_entry(name)
        return Evaluation(
            name, arrays["logits"], arrays["labels"], extra, entry.get("snapshot", ""), entry.get("preparation", "")
        )

    def _check_evaluation(self, arrays: Arrays) -> None:
        check_arrays(arrays, {"logits": "f", "labels": "iu"}, {"logits": 2, "labels": 1}, ())
        count, classes = arrays["logits"].shape
        if classes != len(self.classes) or len(arrays["labels"]) not in (0, count):
            raise ValueError(f"logits must be (N, {len(self.classes)}) and labels (N,)")
        if not np.isfinite(arrays["logits"]).all():
            raise ValueError("logits must be finite")
        check_labels(arrays["labels"], classes)
        for part, names in EVALUATED_IMAGES.items():
            if any(name in arrays for name in names):
                _check_images(arrays, names, self.input_shape)
                check_labels(arrays[f"{part}_index"], count)

    def read(self, entry: Mapping[str, Any]) -> bytes:
        """Read a file by its entry, ``{"file": …, "sha256": …}``; NetcoreError if it is missing or damaged."""
        return _read_checked(path_inside(self.path, entry["file"]), entry["sha256"])

    def read_arrays(self, entry: Mapping[str, Any]) -> Arrays:
        """Read the arrays of an .npz file by its entry; nothing is unpickled."""
        import io
        import zipfile

        data = self.read(entry)
        with _damaged(self.path / entry["file"]):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if sum(info.file_size for info in archive.infolist()) > MAX_ARRAY_BYTES:
                    raise ValueError(f"its arrays have more than {MAX_ARRAY_BYTES:,} bytes")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return dict(arrays)


# Names of the images of an evaluation, and of what belongs to each.
EVALUATED_IMAGES = {
    "mistake": ("mistake_images", "mistake_index"),
    "sample": ("sample_images", "sample_labels", "sample_index"),
}


def _check_images(arrays: Arrays, names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """Check uint8 images, the first of `names`, and the integers of the same length that belong to them."""
    images, *others = names
    kinds = {images: "u"} | dict.fromkeys(others, "iu")
    check_arrays(arrays, kinds, {images: 4} | dict.fromkeys(others, 1), names)
    if arrays[images].dtype != np.uint8 or arrays[images].shape[1:] != shape:
        found = f"{arrays[images].dtype} {arrays[images].shape}"
        raise ValueError(f"{images} must be uint8 (N, {', '.join(map(str, shape))}), got {found}")


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    """Report what reading a damaged file raises in one line."""
    try:
        yield
    except NetcoreError:
        raise
    except Exception as error:  # of zipfile, zlib, NumPy and struct
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise NetcoreError(f"{path} is damaged: {reason}; {_remedy(path)}") from error


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
    return _read_run(found)


def _read_run(found: Path) -> Run:
    """Read the run in a folder, as `load_run` does."""
    if not (found / "run.json").is_file():
        raise NetcoreError(f"{found / 'run.json'} is not a regular file: {RETRAIN_HINT}")
    try:
        journal = read_journal(found)  # first, see there
        content = (found / "run.json").read_bytes()
        info = parse_json(content)
    except OSError as error:
        raise NetcoreError(f"cannot read {found / 'run.json'}: {error.strerror}") from error
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
    try:
        check_info(info)
    except ValueError as error:
        raise NetcoreError(f"{found / 'run.json'} is damaged ({error}): {RETRAIN_HINT}") from error
    try:
        for row in journal_rows(journal, content):
            add_row(info, row)
    except ValueError as error:
        raise NetcoreError(f"{found / JOURNAL} is damaged ({error}): {RETRAIN_HINT}") from error
    return Run(found.resolve(), info)


def run_stamp(folder: Path) -> tuple[int, ...]:
    """Return times, sizes and numbers of the files that describe a run: if they are the same, so is the run."""
    files = [folder / "run.json", *(file for file in [folder / JOURNAL] if file.is_file())]
    return tuple(n for info in map(Path.stat, files) for n in (info.st_mtime_ns, info.st_size, info.st_ino))


def list_runs(runs: str | Path = "runs", damaged: Callable[[NetcoreError], object] = lambda error: None) -> list[Run]:
    """Load all readable runs in a folder, by name; `damaged` is called with the error of each other."""
    return list(iter_runs(runs, damaged))


def iter_runs(
    runs: str | Path = "runs", damaged: Callable[[NetcoreError], object] = lambda error: None
) -> Iterator[Run]:
    """Load one readable run after another, as `list_runs` does: thousands need no memory."""
    for name in run_names(runs):
        try:
            yield _read_run(Path(runs, name))
        except NetcoreError as error:
            damaged(error)


def run_names(runs: str | Path = "runs") -> list[str]:
    """Return the names of the runs in a folder; none is opened."""
    return sorted(file.parent.name for file in Path(runs).glob("*/run.json"))


def _is_sample_of(name: str, entries: Mapping[str, Any]) -> bool:
    """Whether an evaluation is one of the run's examples, and the whole that they were taken from is there too."""
    whole = name.removesuffix("-examples")
    return whole != name and any(other in entries for other in (whole, f"{whole}-validation"))


def _read_checked(path: Path, digest: str) -> bytes:
    import hashlib

    try:
        data = path.read_bytes()
    except OSError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}; {_remedy(path)}") from error
    _check_digest(path, hashlib.sha256(data).hexdigest(), digest)
    return data


def _digest_of(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}; {_remedy(path)}") from error


def _check_digest(path: Path, found: str, digest: str) -> None:
    if found != digest:
        told = f"sha256 {found[:12]}…, but run.json records {digest[:12]}…"
        raise NetcoreError(f"{path} is damaged: {told}; {_remedy(path)}")


@contextmanager
def _open_tensors(path: Path) -> Iterator[Any]:
    """Open a safetensors file for reading single arrays."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except FileNotFoundError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}; {_remedy(path)}") from error
    except Exception as error:  # what a damaged header makes safetensors and NumPy raise
        raise NetcoreError(f"{path} is not a safetensors file: {error}") from error


def _remedy(path: Path) -> str:
    """Return the advice that restores a file of a run."""
    if path.parent.name == "evaluation":
        return f"netcore evaluate {path.parents[1].name} makes it again"
    if path.parent.name == "snapshots":
        return "choose another snapshot with --at, or train again"
    return "train again, or put back a copy"

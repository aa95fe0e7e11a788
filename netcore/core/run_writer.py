"""The only writer of run folders."""

import hashlib
import io
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from safetensors.numpy import save_file

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write, file_sha256, path_inside
from netcore.core.run import Run, Snapshot
from netcore.core.run_info import SCHEMA
from netcore.core.run_journal import JournalWriter, add_row

DIGEST_LENGTH = 12  # hexadecimal digits of the SHA-256 in the name of an evaluation's file
UNNAMED_SECONDS = 24 * 3600  # after which an evaluation that `run.json` does not name is a killed command's


class RunWriter:
    """Write the files of a run, then the `run.json` that names them.

    Parameters
    ----------
    run : Run
        The run to extend. Its `info` changes with each call, its `run.json` with `save` alone.

    Examples
    --------
    >>> writer = RunWriter.create(Path("runs/mine"), name="mine", classes=["0", "1"], input={"shape": [1, 28, 28]})
    >>> snapshot = writer.add_snapshot({"weight": np.zeros((2, 784), np.float32)}, epoch=0, step=0)
    >>> snapshot.file
    'snapshots/000000.safetensors'
    >>> writer.save()
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._journal: JournalWriter | None = None  # of the `run.json` that this writer wrote last
        self._rows = _no_rows()  # to be appended
        self._replaced: set[str] = set()  # files to remove when `run.json` no longer names them
        self._evaluated = False

    @classmethod
    def create(cls, path: Path, **info: Any) -> "RunWriter":
        """Start a run folder at `path`; nothing is written until the first file or `save`."""
        return cls(Run(path, {"schema": SCHEMA, "snapshots": [], "history": {"epochs": [], "steps": []}} | info))

    @property
    def info(self) -> dict[str, Any]:
        """Content of `run.json`, to be changed in place."""
        return self.run.info

    def add_snapshot(self, weights: Mapping[str, ArrayLike], epoch: float, step: int, name: str = "") -> Snapshot:
        """Write the weights of one moment; they replace an earlier snapshot of the same step.

        Parameters
        ----------
        weights : mapping of str to array
            Stored in the order of their names, so that equal weights give equal digests.
        epoch, step : number
            Passes through the data and optimiser steps so far.
        name : str
            What captions call the snapshot, if "epoch 3" or "step 500" would not be right.
        """
        ordered = {key: np.asarray(weights[key], order="C") for key in sorted(weights)}
        file = f"snapshots/{step:06d}.safetensors"
        with atomic_write(path_inside(self.run.path, file)) as partial:
            save_file(ordered, partial)
            entry = {"file": file, "sha256": file_sha256(partial)}
        row = {"epoch": epoch, "step": step} | entry | ({"name": name} if name else {})
        self._add({"snapshots": [row]})
        return Snapshot(epoch, step, entry["file"], entry["sha256"], name)

    def add_history(self, unit: str, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows to the training history, in place of those of the same step.

        Parameters
        ----------
        unit : {"epochs", "steps"}
        rows : sequence of dict
            Each with a ``"step"``.
        """
        self._add({"history": {unit: list(rows)}})

    def add_arrays(self, file: str, **arrays: ArrayLike) -> dict[str, str]:
        """Write a compressed .npz at `file` (relative) and return its entry, ``{"file": …, "sha256": …}``."""
        return self._write(file, _npz(arrays))

    def add_text(self, file: str, text: str) -> dict[str, str]:
        """Write a text file at `file` (relative) and return its entry."""
        return self._write(file, text.encode())

    def add_examples(self, images: ArrayLike, labels: ArrayLike, index: ArrayLike) -> None:
        """Write the example images of the run, see `Examples`."""
        entry = self.add_arrays("examples.npz", images=images, labels=labels, index=index)
        self.info["examples"] = entry | {"count": len(np.asarray(labels))}

    def add_evaluation(
        self, name: str, facts: Mapping[str, Any], *, labeled: bool = True, **arrays: ArrayLike
    ) -> dict[str, Any]:
        """Write what the network returned for a data set, and enter it with `facts`.

        The name of the file contains its digest. Until `save`, the earlier file is there with the `run.json` that names
        it, so that a reader never finds logits of another evaluation.

        Parameters
        ----------
        name : str
            Name of the data set.
        facts : mapping
            What `run.json` holds beside the file: metrics, the snapshot's label, …
        labeled : bool
            Whether the true classes are known.
        **arrays : array
            ``logits`` (N, K), ``labels`` (N,), and what `Evaluation.extra` holds.
        """
        entries = self.info.setdefault("evaluations" if labeled else "unlabelled", {})
        if name in entries:
            self._replaced.add(entries[name]["file"])
        data = _npz(arrays)
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        stored = self._write(f"evaluation/{slug}-{hashlib.sha256(data).hexdigest()[:DIGEST_LENGTH]}.npz", data)
        entries[name] = stored | dict(facts)
        self._evaluated = True
        return dict(entries[name])

    def append(self, **values: Any) -> None:
        """Write the snapshots and the history added since the last call, and `values`, at a cost of their own length.

        Nothing else of `info` is written. Where `run.json` is not this writer's, it is written whole, as `save` does.

        Parameters
        ----------
        **values
            Of `info`: what `netcore.core.run_checks.PROGRESS` names.
        """
        self._add(values)
        row, journal = self._rows, self._journal
        self._journal = None  # unless the row is whole
        if journal is None or not journal.append(row):
            return self.save()
        self._journal, self._rows = journal, _no_rows()
        return None

    def _add(self, row: dict[str, Any]) -> None:
        """Enter values in `info`, and keep them for `append`."""
        add_row(self.info, row)
        add_row(self._rows, row)

    def save(self) -> None:
        """Write `run.json`, whole or not at all, then remove the evaluations that it no longer names."""
        content = (json.dumps(self.info, indent=1) + "\n").encode()
        self._write("run.json", content)
        self._journal, self._rows = JournalWriter(self.run.path, content), _no_rows()
        entries = [*self.info.get("evaluations", {}).values(), *self.info.get("unlabelled", {}).values()]
        named = {entry["file"] for entry in entries}
        if self._evaluated:
            self._replaced.update(self._abandoned_evaluations())
        for file in self._replaced - named:
            with suppress(OSError, NetcoreError):  # on Windows, a file that is being read stays
                path_inside(self.run.path, file).unlink()
        self._replaced.clear()
        self._evaluated = False

    def _abandoned_evaluations(self) -> Iterator[str]:
        """Yield files of evaluations that were written long ago, by commands that were killed before `save`."""
        for file in path_inside(self.run.path, "evaluation").glob("*.npz"):
            is_digest_named = re.fullmatch(rf".+-[0-9a-f]{{{DIGEST_LENGTH}}}", file.stem)
            with suppress(OSError):
                if is_digest_named and time.time() - file.stat().st_mtime > UNNAMED_SECONDS:
                    yield f"evaluation/{file.name}"

    def _write(self, file: str, data: bytes) -> dict[str, str]:
        with atomic_write(path_inside(self.run.path, file)) as partial:
            partial.write_bytes(data)
        return {"file": file, "sha256": hashlib.sha256(data).hexdigest()}


def _no_rows() -> dict[str, Any]:
    return {"snapshots": [], "history": {}}


def _npz(arrays: Mapping[str, ArrayLike]) -> bytes:
    """Bytes of a compressed .npz archive: the same arrays, the same bytes."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()

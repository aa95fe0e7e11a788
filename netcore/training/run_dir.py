"""Open the folder of a training, and replace a run safely.

A first training writes to ``<output>/<name>``, which can be read meanwhile. If that is a complete run, the new one is
written to ``<output>/.training/<name>`` and replaces it at the end. `resume` opens the one
that was interrupted. A name is locked by one training at a time.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.training.checkpoint import NAME as CHECKPOINT

STAGING_DIR = ".training"


def run_status(folder: Path) -> str:
    """Return the status in `run.json`, "" if the file is missing or damaged."""
    try:
        return str(json.loads((folder / "run.json").read_text(encoding="utf-8")).get("status", "complete"))
    except (OSError, ValueError, AttributeError):
        return ""


@contextlib.contextmanager
def open_run_dir(output: Path, name: str, resume: bool = False) -> Iterator[Path]:
    """Open the folder that a training writes to; it becomes the run's when the block ends without an error.

    Parameters
    ----------
    output : Path
        Folder of the run folder.
    name : str
        Name of the run.
    resume : bool
        Open the folder of an interrupted training.

    Yields
    ------
    Path

    Raises
    ------
    NetcoreError
        If the folder cannot be written, is not a run folder, is in use by another training, or, with `resume`, has no
        interrupted training.
    """
    if not name or name.startswith(".") or Path(name).name != name:
        rule = "must not be empty, contain '/' or start with '.'"
        raise NetcoreError(f"the name of a run {rule}, got '{name}': choose another --name")
    final, staging = output / name, output / STAGING_DIR / name
    try:
        staging.parent.mkdir(parents=True, exist_ok=True)
        with _lock_name(staging.with_name(f".{name}.lock"), name):
            _finish_swap(final, staging)
            path = _interrupted_dir(final, staging) if resume else _new_dir(final, staging)
            path.mkdir(parents=True, exist_ok=True)
            yield path
            if path == staging:
                old = staging.with_name(f"{name}.old")
                final.rename(old)
                staging.rename(final)
                shutil.rmtree(old)
    except OSError as error:
        raise NetcoreError(f"cannot write {error.filename or final}: {error.strerror or error}") from error


def _interrupted_dir(final: Path, staging: Path) -> Path:
    place = staging if (staging / CHECKPOINT).exists() else final
    if run_status(place) == "complete":
        raise NetcoreError(f"run '{final.name}' is already complete: train without --resume to train it again")
    if not (place / CHECKPOINT).exists():
        raise NetcoreError(f"{place} does not contain an interrupted training: train without --resume")
    return place


def interrupted_info(output: Path, name: str) -> dict[str, Any] | None:
    """Return the content of `run.json` of an interrupted training, None if there is none that can be read."""
    final, staging = output / name, output / STAGING_DIR / name
    place = staging if (staging / CHECKPOINT).exists() else final
    try:
        info = load_run(place).info if (place / CHECKPOINT).exists() else {}
    except NetcoreError:  # reported when the folder is opened
        return None
    return info if info.get("status", "complete") != "complete" else None


def _new_dir(final: Path, staging: Path) -> Path:
    shutil.rmtree(staging, ignore_errors=True)
    if run_status(final) == "complete":
        return staging
    if final.exists():
        if not final.is_dir() or (any(final.iterdir()) and not _is_run(final)):
            raise NetcoreError(f"{final} is not a run folder: choose another --name or --output-dir")
        shutil.rmtree(final)
    return final


def _is_run(folder: Path) -> bool:
    return (folder / "snapshots").is_dir() or (folder / "run.json").is_file()


def _finish_swap(final: Path, staging: Path) -> None:
    """Complete the swap of a process that was killed between two renames."""
    old = staging.with_name(f"{staging.name}.old")
    if old.exists() and not final.exists():
        old.rename(final)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _lock_name(file: Path, name: str) -> Iterator[None]:
    """Hold the lock of a run's name; NetcoreError if another process or thread holds it.

    The file stays: if it were removed, two processes could lock two files of one name.
    """
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise NetcoreError(f"run '{name}' is being trained by another process: choose another --name") from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def temporary_run_dir(name: str) -> Iterator[Path]:
    """Create a run folder that is deleted when the block ends."""
    with tempfile.TemporaryDirectory(prefix="netcore-") as folder:
        path = Path(folder) / name
        os.mkdir(path)
        yield path

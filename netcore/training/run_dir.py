"""Open the folder of a training, and replace a run safely.

A first training writes to ``<output>/<name>``, which can be read meanwhile. If that is a complete run, the new one is
written to ``<output>/.training/<name>`` and replaces it at the end. `resume` opens the one that was interrupted. A
training that starts again moves it to ``<output>/.training/<name>.interrupted``, from where it comes back unless
`discard_interrupted` is called. A name is locked by one training at a time.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
            _recover(final, staging)
            path = _interrupted_dir(final, staging) if resume else _new_dir(final, staging)
            path.mkdir(parents=True, exist_ok=True)
            try:
                yield path
            except BaseException:
                _restore_interrupted(path, _aside(staging))
                raise
            if path == staging:
                old = staging.with_name(f"{name}.old")
                final.rename(old)
                staging.rename(final)
                shutil.rmtree(old)
            shutil.rmtree(_aside(staging), ignore_errors=True)
    except OSError as error:
        raise NetcoreError(f"cannot write {error.filename or final}: {error.strerror or error}") from error


def discard_interrupted(path: Path) -> None:
    """Remove the interrupted run that the training in `path` replaces, now that the new one can be resumed.

    Parameters
    ----------
    path : Path
        As `open_run_dir` yields it.
    """
    parent = path.parent if path.parent.name == STAGING_DIR else path.parent / STAGING_DIR
    shutil.rmtree(_aside(parent / path.name), ignore_errors=True)


def _interrupted_dir(final: Path, staging: Path) -> Path:
    place = staging if (staging / CHECKPOINT).exists() else final
    if run_status(place) == "complete":
        raise NetcoreError(f"run '{final.name}' is already complete: train without --resume to train it again")
    if not (place / CHECKPOINT).exists():
        raise NetcoreError(f"{place} does not contain an interrupted training: train without --resume")
    return place


def _new_dir(final: Path, staging: Path) -> Path:
    """Choose the folder of a new training, and make room there."""
    _check_replaceable(final)
    path = staging if run_status(final) == "complete" else final
    if path == staging and not (staging / "run.json").exists():
        shutil.rmtree(staging, ignore_errors=True)  # killed before it was a run
    _check_replaceable(path)
    if path.exists() and any(path.iterdir()):
        path.rename(_aside(staging))
    return path


def _check_replaceable(folder: Path) -> None:
    """Raise NetcoreError unless `folder` is missing, empty, or a run that netcore can read."""
    mend = "choose another --name, or move it"
    if folder.is_symlink():
        raise NetcoreError(f"{folder} is a symbolic link: {mend}")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / "run.json").is_file():
        raise NetcoreError(f"{folder} is not a run folder: {mend}")
    try:
        load_run(folder)
    except NetcoreError as error:
        raise NetcoreError(f"{folder} is not replaced, since its run.json cannot be read: {mend} ({error})") from error


def _aside(staging: Path) -> Path:
    return staging.with_name(f"{staging.name}.interrupted")


def _restore_interrupted(path: Path, aside: Path) -> None:
    """Put an interrupted run back in the place of one that has no checkpoint yet."""
    if aside.exists():
        shutil.rmtree(path, ignore_errors=True)
        aside.rename(path)


def _recover(final: Path, staging: Path) -> None:
    """Complete what a killed process left: the swap of two runs, or the start of a training."""
    old = staging.with_name(f"{staging.name}.old")
    if old.exists() and not final.exists():
        old.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    _restore_interrupted(staging if run_status(final) == "complete" else final, _aside(staging))


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

"""Store visitors' answers in SQLite, and export them as a data set."""

import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.files import partial_path

MAX_ANSWERS = 100_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    visitor TEXT NOT NULL,
    digest TEXT NOT NULL,
    classes TEXT NOT NULL,
    label INTEGER NOT NULL,
    predictions TEXT NOT NULL,
    shape TEXT NOT NULL,
    pixels BLOB NOT NULL,
    UNIQUE (visitor, digest)
);
"""


class StoreFullError(NetcoreError):
    """The store holds as many answers as it may."""


@dataclass(frozen=True)
class Answer:
    """A drawing, its class by the visitor, and what each network predicted.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (C, H, W)
        As the networks saw it.
    label : int
    classes : tuple of str
    predictions : mapping
        Predicted class by run.
    visitor : str
        Random number of the visitor's browser; a second answer on the same drawing replaces the first.
    """

    pixels: NDArray[np.uint8]
    label: int
    classes: tuple[str, ...]
    predictions: Mapping[str, int]
    visitor: str = ""


class FeedbackStore:
    """Answers in a SQLite file; an answer that `add` has returned survives a crash of process or machine.

    Parameters
    ----------
    file : Path
        Created if it does not exist.
    max_answers : int

    Raises
    ------
    NetcoreError
        If the file cannot be opened or is no such store.
    """

    def __init__(self, file: Path, max_answers: int = MAX_ANSWERS) -> None:
        self.file, self.max_answers = file, max_answers
        self._lock = threading.Lock()
        with _readable(file):
            self._db = sqlite3.connect(file, timeout=10, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)

    def add(self, answer: Answer) -> None:
        """Store an answer.

        Raises
        ------
        StoreFullError
            If there are `max_answers` already.
        NetcoreError
            If the file cannot be written.
        """
        digest = hashlib.sha256(answer.pixels.tobytes()).hexdigest()
        row = (
            datetime.now(UTC).isoformat(timespec="seconds"), answer.visitor, digest, json.dumps(list(answer.classes)),
            answer.label, json.dumps(dict(answer.predictions)), json.dumps(list(answer.pixels.shape)),
            answer.pixels.tobytes(),
        )  # fmt: skip
        with self._lock, _readable(self.file):
            if self._db.execute("SELECT count(*) FROM answers").fetchone()[0] >= self.max_answers:
                raise StoreFullError(f"{self.file} holds {self.max_answers:,} answers: export them, use a new file")
            self._db.execute(
                "INSERT OR REPLACE INTO answers (time, visitor, digest, classes, label, predictions, shape, pixels) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def count_correct(self, run: str, classes: Sequence[str]) -> tuple[int, int]:
        """Return the number of answers on a run with these classes, and how many of its predictions were right."""
        with self._lock, _readable(self.file):
            found = self._db.execute(
                "SELECT count(*), coalesce(sum(p.value = label), 0) FROM answers, json_each(predictions) AS p "
                "WHERE p.key = ? AND classes = ?",
                (run, json.dumps(list(classes))),
            ).fetchone()
        return int(found[0]), int(found[1])

    def answers(self, run: str | None = None) -> Iterator[Answer]:
        """Yield the answers in the order of their arrival; those on `run` alone if it is given."""
        with self._lock, _readable(self.file):
            rows = self._db.execute("SELECT * FROM answers ORDER BY id").fetchall()
        for _, _, visitor, _, classes, label, predictions, shape, pixels in rows:
            predicted = json.loads(predictions)
            if run is None or run in predicted:
                array = np.frombuffer(pixels, np.uint8).reshape(json.loads(shape))
                yield Answer(array, label, tuple(json.loads(classes)), predicted, visitor)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


def export_feedback(file: Path, folder: Path, run: str | None = None) -> int:
    """Write the drawings of a store as PNG files, one folder per class.

    Parameters
    ----------
    file : Path
        As `netcore serve` wrote it.
    folder : Path
        New or empty; written whole or not at all. ``--data folder:FOLDER`` reads it.
    run : str, optional
        Only answers on this run.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    NetcoreError
        If there are no answers, they are of networks with different inputs or classes, or `folder` is not empty.
    """
    if not file.is_file():
        raise NetcoreError(f"no file {file}: netcore serve writes it, or name it with --feedback")
    store = FeedbackStore(file)
    try:
        answers = list(store.answers(run))
    finally:
        store.close()
    if not answers:
        raise NetcoreError(f"{file} has no answers" + (f" on run '{run}'" if run else ""))
    if len({(a.classes, a.pixels.shape) for a in answers}) > 1:
        raise NetcoreError(f"{file} has answers on networks with different inputs or classes: choose one with --run")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NetcoreError(f"{folder} exists and is not empty: choose another folder with -o")
    _write_folder(answers, folder)
    return len(answers)


def _write_folder(answers: Sequence[Answer], folder: Path) -> None:
    from PIL import Image

    names = _folder_names(answers[0].classes)
    partial = partial_path(folder)
    try:
        for i, answer in enumerate(answers):
            target = partial / names[answer.label]
            target.mkdir(parents=True, exist_ok=True)
            pixels = answer.pixels[0] if len(answer.pixels) == 1 else answer.pixels.transpose(1, 2, 0)
            Image.fromarray(np.ascontiguousarray(pixels)).save(target / f"{i:05d}.png")
        if folder.is_dir():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise NetcoreError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _folder_names(classes: Sequence[str]) -> list[str]:
    """Return a folder name per class; names that would be the same get a number."""
    names: list[str] = []
    for i, name in enumerate(classes):
        word = re.sub(r"[^\w .-]", "_", name).strip(" .")[:80] or f"class {i}"
        names.append(word if word not in names else f"{word} {i}")
    return names


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn errors of SQLite into one line."""
    try:
        yield
    except sqlite3.Error as error:
        raise NetcoreError(f"cannot use {file} for feedback ({error}): choose another file with --feedback") from error

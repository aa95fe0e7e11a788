"""Rows that a training appends to its run.

There is one on each line, until `run.json` is written whole. `journal.jsonl` begins with the SHA-256 of the `run.json`
that it continues; one that continues another is void. A line is written at once, and a last line without an end was
not, so that a process can be killed at any moment.
"""

import errno
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write, path_inside
from netcore.core.plain_text import parse_json
from netcore.core.run_checks import check_row

JOURNAL = "journal.jsonl"  # beside run.json
CONTINUES = "continues"  # key of the first line


def read_journal(folder: Path) -> bytes:
    """Read the journal of a run, before its `run.json`: a writer that replaces both does so in the other order.

    Raises
    ------
    NetcoreError
        If it is not a regular file inside the folder.
    OSError
        If it cannot be read.
    """
    if not os.path.lexists(folder / JOURNAL):
        return b""
    try:
        return path_inside(folder, JOURNAL).read_bytes()
    except FileNotFoundError:
        return b""


def journal_rows(data: bytes, run_json: bytes) -> list[dict[str, Any]]:
    """Return the rows of a journal; none if it continues another `run.json`.

    Raises
    ------
    ValueError
        If a finished line is damaged.
    """
    lines = data.split(b"\n")[:-1]
    if not lines or parse_json(lines[0]) != {CONTINUES: sha256(run_json).hexdigest()}:
        return []
    rows = []
    for number, line in enumerate(lines[1:], 2):
        try:
            rows.append(parse_json(line))
            check_row(rows[-1])
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return rows


def add_row(info: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Enter one row in the content of `run.json`: snapshots and history by step, other values by key."""
    for key, value in row.items():
        if key == "snapshots":
            info[key] = replace_steps(info[key], value)
        elif key == "history":
            history = info.setdefault(key, {"epochs": [], "steps": []})
            history.update({unit: replace_steps(history.get(unit, []), rows) for unit, rows in value.items()})
        else:
            info[key] = value


def replace_steps(rows: list[dict[str, Any]], new: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows, which are in the order of their training steps, with new ones; they replace those of the same step.

    As a rule the new ones are the last, and the list itself is extended.
    """
    for row in new:
        if rows and row["step"] <= rows[-1]["step"]:
            others = [other for other in rows if other["step"] != row["step"]]
            rows = sorted([*others, row], key=lambda each: each["step"])
        else:
            rows.append(row)
    return rows


class JournalWriter:
    """Appends rows to the journal of one `run.json`, as it was written.

    Parameters
    ----------
    folder : Path
        The run folder.
    run_json : bytes
        Content of `run.json`, which is in place.
    """

    def __init__(self, folder: Path, run_json: bytes) -> None:
        self._path, self._run_json = folder / JOURNAL, folder / "run.json"
        self._head = _line({CONTINUES: sha256(run_json).hexdigest()})
        self._stamp = _stamp(self._run_json)
        self._is_begun = False
        with suppress(OSError):  # the one of an earlier run.json
            self._path.unlink()

    def append(self, row: Mapping[str, Any]) -> bool:
        """Write a row; return whether it is there. If not, `run.json` must be written whole: another process did.

        Raises
        ------
        NetcoreError
            If the disk is full. A part of a line may be left, which readers ignore: nothing may follow it.
        """
        if self._stamp != _stamp(self._run_json):
            return False
        if not self._is_begun:
            with atomic_write(self._path) as partial:
                partial.write_bytes(self._head + _line(row))
            self._is_begun = True
            return True
        try:
            _append(self._path, _line(row))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise NetcoreError(f"cannot write {self._path}: {error.strerror or error}") from error
        return True


def _append(file: Path, line: bytes) -> None:
    """Write to the end of a file, in one call."""
    number = os.open(file, os.O_WRONLY | os.O_APPEND)
    try:
        if os.write(number, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(number)


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        info = file.stat()
    except OSError:
        return ()
    return info.st_ino, info.st_mtime_ns, info.st_size

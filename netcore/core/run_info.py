"""Read what describes a run."""

from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError
from netcore.core.plain_text import parse_json
from netcore.core.run_checks import check_info
from netcore.core.run_journal import JOURNAL, add_row, journal_rows, read_journal

SCHEMA = 1
REQUIRED_KEYS = ("schema", "snapshots", "classes", "input", "layers")  # without which nothing can be drawn
RETRAIN_HINT = "train it again, without --resume, or put back a copy"


def read_info(found: Path) -> dict[str, Any]:
    """Read and check what describes the run in a folder: `run.json`, and the journal of a training that continues.

    Raises
    ------
    NetcoreError
        If it is damaged, or its schema is newer than this.
    """
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
    return info


def run_stamp(folder: Path) -> tuple[int, ...]:
    """Return times, sizes and numbers of the files that describe a run: if they are the same, so is the run."""
    files = [folder / "run.json", *(file for file in [folder / JOURNAL] if file.is_file())]
    return tuple(n for info in map(Path.stat, files) for n in (info.st_mtime_ns, info.st_size, info.st_ino))

"""The only writer of run folders."""

from pathlib import Path
from typing import Any

from netcore.core.run import SCHEMA, Run


def create_run(path: Path, **info: Any) -> Run:
    """Begin a run folder at `path`; nothing is written until the first snapshot or `save`."""
    return Run(path, {"schema": SCHEMA, "snapshots": [], "history": {"epochs": [], "steps": []}} | info)

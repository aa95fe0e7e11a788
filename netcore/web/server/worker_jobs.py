"""What a server does in its worker process."""

import tempfile
from pathlib import Path
from typing import Any

from netcore.analysis.unit_edits import Edit


def save_edited(run: str, edits: list[Edit], name: str, folder: str, at: str) -> dict[str, Any]:
    """Make a run with changed units or weights; return its name and accuracy, as `SavedRun` has them."""
    from netcore.core.run import load_run
    from netcore.training.edited_run import make_edited_run

    made = make_edited_run(load_run(run), edits, name, folder, at)
    evaluations = list(made.info.get("evaluations", {}).values())
    found: dict[str, Any] = {"name": made.name}
    return found | {key: evaluations[0][key] for key in ("accuracy", "count") if evaluations}


def build_lesson(run: str, at: str, theme: str | None) -> str:
    """Return the lesson of a run as HTML."""
    from netcore.core.run import load_run
    from netcore.web.lesson_page import write_lesson

    with tempfile.TemporaryDirectory(prefix="netcore-lesson-") as folder:
        file = Path(folder) / "lesson.html"
        write_lesson(file, load_run(run), at=at, theme=theme)
        return file.read_text(encoding="utf-8")

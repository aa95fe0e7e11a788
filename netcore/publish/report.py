"""The report of a run: every figure that it can have, numbered, and one page that holds them all."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.analysis.layer_names import architecture_summary
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_percent, format_percent_range
from netcore.core.run import Run, load_run
from netcore.publish.html_page import Table, gallery_item, write_page
from netcore.publish.run_comparison import run_results, run_settings
from netcore.rendering.api import render_all
from netcore.rendering.pool import TIMEOUT_SECONDS
from netcore.rendering.provenance import sidecar_path
from netcore.rendering.request import Request
from netcore.rendering.requirements import check_requirements
from netcore.rendering.result import ProgressListener, RenderResult
from netcore.rendering.scenes import Scene, all_scenes


@dataclass(frozen=True)
class Report:
    """What became of a report.

    page : the HTML page.
    rendered : one a figure that the run seemed to have, in the order of the page.
    skipped : scene -> why it is not in the report, in one line.
    """

    page: Path
    rendered: tuple[RenderResult, ...]
    skipped: dict[str, str]


def make_report(
    run: str | Path | Run,
    *,
    runs: str | Path = "runs",
    output: str | Path | None = None,
    at: str = "best",
    theme: str = "dark",
    jobs: int = 2,
    force: bool = False,
    timeout: float = TIMEOUT_SECONDS,
    listener: ProgressListener | None = None,
) -> Report:
    """Draw all figures that a run can have, and write ``index.html`` with them, in ``renders/<run>/report``.

    Figures that are up to date stay as they are; those of an earlier report that have no place in this one are removed.

    Parameters
    ----------
    run : str or Run
        Name of a run in `runs`, the path of its folder, or the run itself.
    output : Path
        Folder of the report.
    at, theme, force, timeout, listener :
        As `netcore.rendering.api.render` has them.
    jobs : int
        Figures drawn at once.

    Raises
    ------
    NetcoreError
        If there is no such run or snapshot.
    """
    run = run if isinstance(run, Run) else load_run(run, runs)
    run.snapshot(at)
    folder = Path(output) if output is not None else Path("renders") / run.name / "report"
    skipped: dict[str, str] = {}
    targets = {folder / f"{i:02}-{scene.name}.png": scene for i, scene in enumerate(_possible(run, skipped), 1)}
    common: dict[str, Any] = {"run": str(run.path), "at": at, "theme": theme, "formats": ("png",)}
    requests = [Request(scene=str(s.path), output=str(t), **common) for t, s in targets.items()]
    done = render_all(requests, force=force, jobs=jobs, timeout=timeout, listener=listener)
    skipped |= {targets[r.target].name: r.message for r in done if r.state in ("refused", "failed")}
    there = [r.target for r in done if r.state in ("drawn", "fresh")]
    _remove_others(folder, there)
    write_page(
        folder / "index.html",
        title=f"Report: {run.name}",
        intro=_intro(run, at),
        exhibits=[gallery_item(target) for target in there],
        tables=tables(run, skipped),
        embed=True,
        theme=theme,
    )
    return Report(folder / "index.html", tuple(done), skipped)


def _possible(run: Run, skipped: dict[str, str]) -> list[Scene]:
    """The figures that the run has what it takes for, in order; why it has not goes into `skipped`."""
    figures = [scene for scene in all_scenes() if scene.kind == "figure"]
    out = []
    for scene in sorted(figures, key=lambda s: (s.order, s.name)):
        try:
            check_requirements(scene.name, scene.needs, run)
            out.append(scene)
        except RequirementError as error:
            skipped[scene.name] = str(error)
    return out


def _remove_others(folder: Path, there: Sequence[Path]) -> None:
    """Remove numbered figures of an earlier report: those alone that have a sidecar."""
    for file in folder.glob("*.png"):
        if re.match(r"\d\d-", file.name) and sidecar_path(file).is_file() and file not in there:
            file.unlink()
            sidecar_path(file).unlink()


# ---- words and tables


def _intro(run: Run, at: str) -> str:
    data = run.info.get("data", {}).get("name", "its data")
    count = run.info.get("parameters", 0)
    return (
        f"{_words(architecture_summary(run))} with {count:,} parameters, trained on {data}, "
        f"as it is at {run.snapshot(at).label}. "
        "Every number, shade and line is a value of this network."
    )


def tables(run: Run, skipped: dict[str, str]) -> list[Table]:
    """Results, settings, and what the report goes without."""
    out = [
        Table("Results", (), list(_results(run))),
        Table("Settings", (), [(_words(k), _plain(v)) for k, v in run_settings(run).items() if v is not None]),
    ]
    if skipped:
        rows = [(name, why.removeprefix(f"scene '{name}' ")) for name, why in skipped.items()]
        out.append(Table("Left out", (), rows))
    return out


def _results(run: Run) -> Iterator[tuple[str, str]]:
    for name, value in run_results(run).items():
        if value is None:
            continue
        if isinstance(value, str):
            yield _words(name), value
        elif "accuracy" in name or "deviation" in name:
            yield _words(name), f"{format_percent(value, 2)}{_of(run, name)}"
        else:
            yield _words(name), f"{value:,.0f}"


def _of(run: Run, name: str) -> str:
    """How many images an accuracy is measured on, with its 95 % interval where the run knows it."""
    entry = run.info.get("evaluations", {}).get(name.removeprefix("accuracy on "), {})
    count = entry.get("count")
    if name.startswith("held-out"):
        count = run.info.get("data", {}).get("held_out")
    words = f" of {count:,} images" if count else ""
    if entry.get("interval"):
        words += f" (95 % interval {format_percent_range(*entry['interval'], 2)})"
    return words


def _words(key: str) -> str:
    text = key.replace("_", " ")
    return text[:1].upper() + text[1:]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_words(k).lower()} {_plain(v)}" for k, v in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(v) for v in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)

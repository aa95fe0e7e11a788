"""Draw the figures and films of a run into one page."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.analysis.graph_builder import graph_of_run
from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.files import file_sha256
from netcore.core.formatting import format_percent, format_percent_range
from netcore.core.run import Run, load_run
from netcore.publish.html_page import Table, check_page, gallery_item, write_page
from netcore.publish.run_comparison import run_results, run_settings
from netcore.rendering.api import render_all
from netcore.rendering.pool import TIMEOUT_SECONDS
from netcore.rendering.provenance import read_sidecar, sidecar_path
from netcore.rendering.request import Request
from netcore.rendering.requirements import check_requirements
from netcore.rendering.result import ProgressListener, RenderResult
from netcore.rendering.scenes import Scene, all_scenes

KINDS = ("figure", "film")
FORMATS = {"figure": "png", "film": "mp4"}


@dataclass(frozen=True)
class Report:
    """A written report.

    Attributes
    ----------
    page : Path
        The HTML page.
    rendered : tuple of RenderResult
        One per figure or film that was requested, in the order of the page.
    skipped : dict of str to str
        Reason by scene, in one line, of figures and films that are not in the report.
    failed : tuple of str
        Scenes among them that the run supports: their earlier files remain as they were.
    """

    page: Path
    rendered: tuple[RenderResult, ...]
    skipped: dict[str, str]
    failed: tuple[str, ...] = ()


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
    films: bool = False,
) -> Report:
    """Draw all figures that a run supports, and write ``index.html`` with them.

    What is up to date is not drawn again. Of an earlier report, files that have another number now are removed; no
    other file is.

    Parameters
    ----------
    run : str or Run
        Name of a run in `runs`, the path of its folder, or the run itself.
    runs : str or Path
        Folder of the runs.
    output : str or Path, optional
        Folder of the report; default: ``renders/<run>/report``.
    at, theme, force, timeout, listener :
        As in `netcore.rendering.api.render_all`.
    jobs : int
        Number of figures drawn in parallel.
    films : bool
        Also render the films that the run supports, as MP4; the page plays them.

    Raises
    ------
    NetcoreError
        If there is no such run or snapshot, or a file in the folder that is not netcore's would be replaced.
    """
    run = run if isinstance(run, Run) else load_run(run, runs)
    run.snapshot(at)
    folder = Path(output) if output is not None else Path("renders") / run.name / "report"
    skipped: dict[str, str] = {}
    scenes = [scene for kind in KINDS[: 1 + films] for scene in _supported_scenes(run, kind, skipped)]
    targets = {folder / f"{i:02}-{scene.name}.{FORMATS[scene.kind]}": scene for i, scene in enumerate(scenes, 1)}
    common: dict[str, Any] = {"run": str(run.path), "at": at, "theme": theme}
    requests = [
        Request(scene=str(s.path), output=str(t), formats=(FORMATS[s.kind],), **common) for t, s in targets.items()
    ]
    page = folder / "index.html"
    check_page(page)
    _check_targets(targets)
    done = render_all(requests, force=force, jobs=jobs, timeout=timeout, listener=listener)
    skipped |= {targets[r.target].name: r.message for r in done if r.state in ("refused", "failed")}
    there = [r.target for r in done if r.state in ("drawn", "fresh")]
    failed = tuple(targets[r.target].name for r in done if r.state in ("refused", "failed") and not r.lacking)
    _remove_renumbered(folder, {targets[target].name: target for target in there})
    if there or not failed:  # if nothing could be drawn, an earlier page is better than an empty one
        items, intro = [gallery_item(target) for target in there], _intro(run, at)
        found = tables(run, skipped)
        write_page(page, title=f"Report: {run.name}", intro=intro, items=items, tables=found, embed=True, theme=theme)
    return Report(page, tuple(done), skipped, failed)


def _supported_scenes(run: Run, kind: str, skipped: dict[str, str]) -> list[Scene]:
    """Return the figures or films that the run supports, in order; enter the reasons of the others in `skipped`."""
    found = [scene for scene in all_scenes() if scene.kind == kind]
    out = []
    for scene in sorted(found, key=lambda s: (s.order, s.name)):
        try:
            check_requirements(scene.name, scene.needs, run)
            out.append(scene)
        except RequirementError as error:
            skipped[scene.name] = str(error)
    return out


def _check_targets(targets: Iterable[Path]) -> None:
    """Refuse a folder in which a file that is not netcore's has the name of a render or of its sidecar."""
    for target in targets:
        if (os.path.lexists(target) or os.path.lexists(sidecar_path(target))) and not _is_own(target):
            raise NetcoreError(f"{target} was not written by netcore: choose another folder with -o, or move it")


def _is_own(file: Path) -> bool:
    """Whether a sidecar of netcore describes a file, which may have been changed since."""
    sidecar = read_sidecar(file)
    return sidecar is not None and {"scene", "key", "sha256", "inputs"} <= sidecar.keys()


def _remove_renumbered(folder: Path, drawn: Mapping[str, Path]) -> None:
    """Remove figures and films that have another number now, as netcore wrote them.

    Parameters
    ----------
    folder : Path
    drawn : mapping of str to Path
        Files of the report by scene.
    """
    for file in [file for suffix in FORMATS.values() for file in folder.glob(f"*.{suffix}")]:
        match = re.fullmatch(r"\d\d-(.+)", file.stem)
        if not match or file in drawn.values() or match[1] not in drawn or not _is_own(file):
            continue
        content = read_sidecar(file) or {}
        if content.get("scene") == match[1] and content.get("sha256") == file_sha256(file):
            file.unlink()
            sidecar_path(file).unlink()


# ---- text and tables


def _intro(run: Run, at: str) -> str:
    data = run.info.get("data", {}).get("name", "its data")
    count = run.info.get("parameters", 0)
    return (
        f"{_words(graph_of_run(run).summary)} with {count:,} parameters, trained on {data}, "
        f"as it is at {run.snapshot(at).label}. "
        "Every number, shade and line is a value of this network."
    )


def tables(run: Run, skipped: dict[str, str]) -> list[Table]:
    """Return the tables of the report: results, settings, skipped figures."""
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
    """Return the number of images of an accuracy, and its 95 % interval if it is known."""
    entry = run.info.get("evaluations", {}).get(name.removeprefix("accuracy on "), {})
    count = entry.get("count")
    if name.startswith("held-out"):
        count = run.info.get("data", {}).get("held_out")
    words = f" of {count:,} images" if count else ""
    if entry.get("interval"):
        low, high = entry["interval"]
        words += f" (95 % interval {format_percent_range(low, high, 2)})"
    return words


def _words(key: str) -> str:
    text = key.replace("_", " ")
    return text[:1].upper() + text[1:]


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_words(k).lower()} {_plain(v)}" for k, v in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(v) for v in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)

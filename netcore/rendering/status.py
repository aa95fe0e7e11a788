"""Which renders are fresh, stale or missing."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, RequirementError
from netcore.rendering.config import read_config
from netcore.rendering.freshness import stale_reason
from netcore.rendering.provenance import clear_caches, read_sidecar
from netcore.rendering.reading_once import reading_once, real_path
from netcore.rendering.request import RenderTask, Request, make_tasks
from netcore.rendering.run_cache import cached_run
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import find_scene


@dataclass(frozen=True)
class RenderStatus:
    """State of one render: ``fresh``, ``stale`` or ``missing``, and the reason."""

    target: str
    state: str
    reason: str = ""


def render_status(file: Path, runs_dir: str = "runs", renders_dir: str = "renders") -> list[RenderStatus]:
    """Return the status of the renders listed in `file`, or found with a sidecar in its folder or `renders_dir`."""
    clear_caches()
    with reading_once():
        return _all_statuses(file, runs_dir, renders_dir)


def _all_statuses(file: Path, runs_dir: str, renders_dir: str) -> list[RenderStatus]:
    wanted = read_config(file, runs_dir, renders_dir, allow_outside=True) if file.is_file() else []
    by_run = sorted(range(len(wanted)), key=lambda i: wanted[i].run)  # so that few runs are in memory at a time
    found = {i: list(_statuses(wanted[i])) for i in by_run}
    out = [status for i in range(len(wanted)) for status in found[i]]
    known = {real_path(status.target) for status in out}
    for sidecar in sidecars(file.parent, Path(renders_dir), runs_dir):
        target = sidecar.with_suffix("")
        if (place := real_path(str(target))) in known:
            continue
        content = read_sidecar(target)
        if content is not None:
            known.add(place)
            out.append(_status(target, _unlisted_reason(target, content)))
    return out


def sidecars(project: Path, renders: Path, runs: str | Path) -> list[Path]:
    """Find the files ``NAME.SUFFIX.json`` beside a file ``NAME.SUFFIX``, in a project and in the folder of the renders.

    Hidden folders, virtual environments, installed packages and the runs are left out.
    """
    found: dict[tuple[Path, str], Path] = {}
    skipped = Path(runs).resolve()
    for top in (renders, project):
        for folder, below, files in os.walk(top):
            place, real, names = Path(folder), Path(folder).resolve(), {*files}
            below[:] = [n for n in sorted(below) if not _is_skipped(place / n) and (place / n).resolve() != skipped]
            for name in sorted(files):
                if name.endswith(".json") and name.removesuffix(".json") in names:
                    found.setdefault((real, name), place / name)
    return list(found.values())


def _is_skipped(folder: Path) -> bool:
    is_foreign = folder.name in ("node_modules", "site-packages", "__pycache__") or (folder / "pyvenv.cfg").is_file()
    return folder.name.startswith(".") or is_foreign


def _statuses(request: Request) -> Iterator[RenderStatus]:
    try:
        tasks = make_tasks(request)
    except RequirementError as error:
        yield RenderStatus(request.output or f"{request.scene} of {request.run}", "stale", str(error))
    except NetcoreError as error:
        yield RenderStatus(request.output or f"{request.scene} of {request.run}", "missing", str(error))
    else:
        for task in tasks:
            for name, target in task.targets.items():
                yield _status(target, stale_reason(task, name, read_sidecar(target)))


def _status(target: Path, reason: str) -> RenderStatus:
    state = "fresh" if not reason else "missing" if reason == "missing" else "stale"
    return RenderStatus(target.as_posix(), state, reason)


def _unlisted_reason(target: Path, content: Mapping[str, Any]) -> str:
    """Return why a render known only by its sidecar must be drawn again, "" if it is fresh."""
    try:
        return stale_reason(task_from_sidecar(target, content), content["inputs"]["format"], content)
    except NetcoreError as error:
        return str(error)
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        return f"damaged sidecar: {error}"


def task_from_sidecar(target: Path, content: Mapping[str, Any]) -> RenderTask:
    """Rebuild the task of a render from its sidecar's content.

    Raises
    ------
    NetcoreError
        If its scene or its run is gone.
    """
    where, values = content["where"], content["inputs"]
    is_user_scene = where["scene"].endswith(".py")
    scene = find_scene(target.parent / where["scene"] if is_user_scene else where["scene"])
    folder = target.parent / where["run"]
    if not (folder / "run.json").is_file():
        raise NetcoreError(f"run '{content['run']}' is gone")
    image = str(target.parent / where["image"]) if where["image"] else None
    sample = values["sample"]
    return RenderTask(
        scene=scene, run=cached_run(folder),
        selector=SampleSelector.from_text(sample | ({"image": image} if image else {})), at=values["at"],
        theme=values["theme"], size=tuple(values["size"]), fps=values["fps"], max_mb=values["max_mb"],
        options=scene.resolve_options(values["options"]), targets={values["format"]: target},
        transparent=values.get("transparent", False), steps=values.get("steps", ""),
    )  # fmt: skip

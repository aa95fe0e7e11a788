"""Which renders are fresh, stale or missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, RequirementError
from netcore.rendering.config import read_config
from netcore.rendering.freshness import stale_reason
from netcore.rendering.provenance import clear_caches, read_sidecar
from netcore.rendering.request import RenderTask, Request, cached_run, make_tasks
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import find_scene


@dataclass(frozen=True)
class RenderStatus:
    """How one render stands: ``fresh``, ``stale`` or ``missing``, and why."""

    target: str
    state: str
    reason: str = ""


# ---- how they stand


def render_status(file: Path, runs_dir: str = "runs", renders_dir: str = "renders") -> list[RenderStatus]:
    """How each render stands that `file` lists or that lies in `renders_dir` with its sidecar."""
    clear_caches()
    wanted = read_config(file, runs_dir, renders_dir) if file.is_file() else []
    out = [standing for request in wanted for standing in _statuses(request)]
    known = {Path(s.target).resolve() for s in out}
    for told in sorted(Path(renders_dir).rglob("*.json")):
        target = told.with_suffix("")
        content = read_sidecar(target)
        if content is not None and target.resolve() not in known:
            out.append(_status_of(target, _stray(target, content)))
    return out


def _statuses(request: Request) -> Iterator[RenderStatus]:
    try:
        passes = make_tasks(request)
    except RequirementError as error:
        yield RenderStatus(request.output or f"{request.scene} of {request.run}", "stale", str(error))
    except NetcoreError as error:
        yield RenderStatus(request.output or f"{request.scene} of {request.run}", "missing", str(error))
    else:
        for task in passes:
            for name, target in task.targets.items():
                yield _status_of(target, stale_reason(task, name))


def _status_of(target: Path, why: str) -> RenderStatus:
    state = "fresh" if not why else "missing" if why == "missing" else "stale"
    return RenderStatus(target.as_posix(), state, why)


def _stray(target: Path, content: Mapping[str, Any]) -> str:
    """Why a render that nothing lists must be drawn again, judged by its sidecar alone; empty where it is fresh."""
    try:
        return stale_reason(task_from_sidecar(target, content), content["inputs"]["format"])
    except NetcoreError as error:
        return str(error)
    except (KeyError, TypeError) as error:
        return f"damaged sidecar: {error}"


def task_from_sidecar(target: Path, content: Mapping[str, Any]) -> RenderTask:
    """The pass that made a render, by its sidecar's content.

    Raises
    ------
    NetcoreError
        If its scene or its run is gone.
    """
    where, values = content["where"], content["inputs"]
    own = where["scene"].endswith(".py")
    scene = find_scene(target.parent / where["scene"] if own else where["scene"])
    folder = target.parent / where["run"]
    if not (folder / "run.json").is_file():
        raise NetcoreError(f"run '{content['run']}' is gone")
    image = str(target.parent / where["image"]) if where["image"] else None
    sample = values["sample"]
    index = int(sample["index"]) if "index" in sample else None
    return RenderTask(
        scene=scene, run=cached_run(folder),
        selector=SampleSelector(sample.get("digit"), index, image), at=values["at"],
        theme=values["theme"], size=tuple(values["size"]), fps=values["fps"], max_mb=values["max_mb"],
        options=scene.resolve_options(values["options"]), targets={values["format"]: target},
    )  # fmt: skip

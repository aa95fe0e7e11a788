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
    """State of one render: ``fresh``, ``stale`` or ``missing``, and the reason."""

    target: str
    state: str
    reason: str = ""


def render_status(file: Path, runs_dir: str = "runs", renders_dir: str = "renders") -> list[RenderStatus]:
    """Return the status of the renders listed in `file` or found in `renders_dir` with a sidecar."""
    clear_caches()
    wanted = read_config(file, runs_dir, renders_dir, allow_outside=True) if file.is_file() else []
    out = [status for request in wanted for status in _statuses(request)]
    known = {Path(status.target).resolve() for status in out}
    for sidecar in sorted(Path(renders_dir).rglob("*.json")):
        target = sidecar.with_suffix("")
        content = read_sidecar(target)
        if content is not None and target.resolve() not in known:
            out.append(_status(target, _unlisted_reason(target, content)))
    return out


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
                yield _status(target, stale_reason(task, name))


def _status(target: Path, reason: str) -> RenderStatus:
    state = "fresh" if not reason else "missing" if reason == "missing" else "stale"
    return RenderStatus(target.as_posix(), state, reason)


def _unlisted_reason(target: Path, content: Mapping[str, Any]) -> str:
    """Return why a render known only by its sidecar must be drawn again, "" if it is fresh."""
    try:
        return stale_reason(task_from_sidecar(target, content), content["inputs"]["format"])
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
    index = int(sample["index"]) if "index" in sample else None
    return RenderTask(
        scene=scene, run=cached_run(folder),
        selector=SampleSelector(sample.get("digit"), index, image), at=values["at"],
        theme=values["theme"], size=tuple(values["size"]), fps=values["fps"], max_mb=values["max_mb"],
        options=scene.resolve_options(values["options"]), targets={values["format"]: target},
        transparent=values.get("transparent", False), steps=values.get("steps", ""),
    )  # fmt: skip

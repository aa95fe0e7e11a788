"""Write and read sidecars: the inputs of each render, and their digest."""

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcore.core.context import read_digest
from netcore.core.files import atomic_write_text
from netcore.core.plain_text import parse_json
from netcore.core.run import Run
from netcore.core.run_checks import check_sidecar
from netcore.rendering import code_digest
from netcore.rendering.library_versions import versions
from netcore.rendering.request import RenderTask
from netcore.rendering.run_cache import forget_results, kept_by_run

if TYPE_CHECKING:
    from netcore.rendering.draw_task import DrawnFile


SCHEMA = 2  # 1: no digest per module, only some versions, the image under "picture"; read as out of date
# Identify the network: recorded for every scene, whatever it reads from its context.
ALWAYS = ("model", "input", "classes", "layers", "data")
# Options of scenes that were renamed since schema 1, by scene ("": any scene): old name to new.
RENAMED_OPTIONS: dict[str, dict[str, str]] = {}


def sidecar_path(target: Path) -> Path:
    """Return the path of the sidecar of `target`: ``x.gif.json`` for ``x.gif``."""
    return target.with_name(target.name + ".json")


# ---- inputs


def render_inputs(task: RenderTask, format: str, reads: Iterable[str]) -> dict[str, Any]:
    """Return everything that determines a render's bytes, as digests and plain values.

    Parameters
    ----------
    task : RenderTask
    format : str
        One of its formats.
    reads : iterable of str
        What the scene read of the run, see `SceneContext.reads`.

    Raises
    ------
    NetcoreError
        If the run no longer has something that was read, or the image file does not exist.
    """
    selector = {k: str(v) for k, v in task.selector.given.items() if k != "image"}
    reach = code_digest.TREE.reach(task.scene.path, task.scene.kind, format)
    return {
        "scene": task.scene.sha256,
        "helpers": reach.helpers,
        "code": reach.package,
        "versions": versions(reach.libraries),
        "run": task.run.name,
        "reads": dict(_read_digests(task.run, tuple(reads))),
        "sample": selector | {"sha256": task.selector.digest(task.run)},
        "at": task.at,
        "options": dict(task.options),
        "theme": task.theme,
        "size": list(task.size),
        "fps": task.fps,
        "format": format,
        "max_mb": task.max_mb,
        "transparent": task.transparent,
        **({"steps": task.steps} if task.steps else {}),
    }


@kept_by_run
def _read_digests(run: Run, reads: tuple[str, ...]) -> dict[str, str]:
    return {word: _read_digest(run, word) for word in sorted({*ALWAYS, *reads})}


@kept_by_run
def _read_digest(run: Run, word: str) -> str:
    return read_digest(run, word)


def inputs_key(values: Mapping[str, Any]) -> str:
    """Return the digest of all inputs."""
    return new_sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def clear_caches() -> None:
    """Read source files again, and compute facts of runs again: in a notebook they may have changed."""
    code_digest.TREE.clear()
    forget_results()


# ---- sidecars


def write_sidecar(task: RenderTask, format: str, reads: Iterable[str], drawn: "DrawnFile", alt: str) -> None:
    """Write the sidecar of one render."""
    values, target = render_inputs(task, format, reads), task.targets[format]
    snapshot = task.run.snapshot(task.at)
    content = {
        "schema": SCHEMA,
        "scene": task.scene.name,
        "kind": task.scene.kind,
        "title": task.scene.title,
        "alt": alt,
        "run": task.run.name,
        "snapshot": {"label": snapshot.label, "step": snapshot.step, "sha256": snapshot.sha256},
        "command": command_line(task, format),
        "frames": drawn.frames,
        "seconds": drawn.seconds,
        "bytes": drawn.bytes,
        "width": drawn.width,
        "height": drawn.height,
        "delays": delays(drawn, task.fps),
        "steps": [step.row(task.fps) for step in drawn.steps],
        "sha256": drawn.sha256,
        "key": inputs_key(values),
        "inputs": values,
        "where": {
            "scene": _relative(task.scene.path, target) if task.scene.is_user_scene else task.scene.name,
            "run": _relative(task.run.path, target),
            "image": _relative(Path(task.selector.image), target) if task.selector.image else None,
        },
    }
    atomic_write_text(sidecar_path(target), json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def delays(drawn: "DrawnFile", fps: float) -> dict[str, float]:
    """Return the duration of one frame and of the clip, in milliseconds; empty for a still."""
    return {"frame": round(1000 / fps, 3), "total": round(1000 * drawn.seconds)} if drawn.frames > 1 else {}


def read_sidecar(target: Path) -> dict[str, Any] | None:
    """Read the sidecar of `target`; None if there is none, or it is damaged or of a later schema.

    One of an earlier schema keeps its number, so that it is recognised as out of date; its names become today's.
    """
    file = sidecar_path(target)
    try:
        if not os.path.isfile(file):
            return None
        content = parse_json(file.read_bytes())
        check_sidecar(content)
        if content["schema"] == 1:
            return _upgraded(content)
        return content if content["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """Translate a sidecar of schema 1: the image's key, and options that have new names."""
    values = dict(content["inputs"])
    values["sample"] = values.pop("picture")
    values["options"] = renamed_options(content["scene"], values["options"])
    return {**content, "inputs": values}


def renamed_options(scene: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scene's options under the names that they have now."""
    new = RENAMED_OPTIONS.get("", {}) | RENAMED_OPTIONS.get(scene, {})
    return {new.get(name, name): value for name, value in options.items()}


def command_line(task: RenderTask, format: str) -> str:
    """Return the command that makes this render."""
    words = [
        "netcore",
        "render",
        str(task.scene.path.name) if task.scene.is_user_scene else task.scene.name,
        "--run",
        task.run.name,
    ]
    words += task.selector.options
    words += ["--at", task.at] if task.at != "best" else []
    for option in task.scene.options:
        value = task.options[option.name]
        flag = option.name.replace("_", "-")
        if value != option.default:
            words += [f"--{flag}" if value else f"--no-{flag}"] if option.type == "bool" else [f"--{flag}", str(value)]
    words += ["--steps", task.steps] if task.steps else []
    words += ["--theme", task.theme] if task.theme != "dark" else []
    words += ["--transparent"] if task.transparent else []
    return shlex.join([*words, "-f", format])


def _relative(path: Path, target: Path) -> str:
    return Path(os.path.relpath(path.resolve(), target.parent.resolve())).as_posix()

"""The sidecar beside each render: what it was made of, what came out, and the key that all inputs hash to."""

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcore.case import digest_of
from netcore.files import write_text
from netcore.render import code_digest
from netcore.render.plan import Job

if TYPE_CHECKING:
    from netcore.render.draw import Drawn

SCHEMA = 2  # 1: no digest per module, only some versions, the image under "picture"; read as out of date
# Which network it is: read for every scene, whatever it asks its case for.
ALWAYS = ("model", "input", "classes", "layers", "data")
# Options of scenes that were renamed since schema 1, by scene ("": any scene): old name to new.
RENAMED_OPTIONS: dict[str, dict[str, str]] = {}


def sidecar(target: Path) -> Path:
    """The file that tells of `target`: ``x.gif`` -> ``x.gif.json``."""
    return target.with_name(target.name + ".json")


# ---- what goes in


def inputs(job: Job, format: str, reads: Iterable[str]) -> dict[str, Any]:
    """All that decides a render's bytes, as digests and plain values.

    Parameters
    ----------
    job : Job
    format : str
        Which of its formats.
    reads : iterable of str
        What the scene read of the run, as `Case.reads` has it.

    Raises
    ------
    NetcoreError
        If the run no longer has something that was read, or the picture file is gone.
    """
    choice = {k: str(v) for k, v in vars(job.choice).items() if v is not None and k != "image"}
    reach = code_digest.TREE.reach(job.scene.path, job.scene.kind)
    return {
        "scene": job.scene.sha256,
        "helpers": reach.helpers,
        "code": reach.package,
        "versions": code_digest.versions(reach.libraries),
        "run": job.run.name,
        "reads": {word: digest_of(job.run, word) for word in sorted({*ALWAYS, *reads})},
        "sample": choice | {"sha256": job.choice.digest(job.run)},
        "at": job.at,
        "options": dict(job.options),
        "theme": job.theme,
        "size": list(job.size),
        "fps": job.fps,
        "format": format,
        "max_mb": job.max_mb,
    }


def key_of(values: Mapping[str, Any]) -> str:
    """The digest that all inputs hash to."""
    return new_sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def forget() -> None:
    """Look at source files again: in a notebook they may have changed since the last time."""
    code_digest.TREE.clear()


# ---- what stands beside the file


def write(job: Job, format: str, reads: Iterable[str], drawn: "Drawn", alt: str) -> None:
    """Write the sidecar of one render."""
    values, target = inputs(job, format, reads), job.targets[format]
    snapshot = job.run.snapshot(job.at)
    content = {
        "schema": SCHEMA,
        "scene": job.scene.name,
        "kind": job.scene.kind,
        "title": job.scene.title,
        "alt": alt,
        "run": job.run.name,
        "snapshot": {"label": snapshot.label, "step": snapshot.step, "sha256": snapshot.sha256},
        "command": command_of(job, format),
        "frames": drawn.frames,
        "seconds": drawn.seconds,
        "bytes": drawn.bytes,
        "width": drawn.width,
        "height": drawn.height,
        "delays": delays(drawn, job.fps),
        "sha256": drawn.sha256,
        "key": key_of(values),
        "inputs": values,
        "where": {
            "scene": _relative(job.scene.path, target) if job.scene.own else job.scene.name,
            "run": _relative(job.run.path, target),
            "image": _relative(Path(job.choice.image), target) if job.choice.image else None,
        },
    }
    write_text(sidecar(target), json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def delays(drawn: "Drawn", fps: float) -> dict[str, float]:
    """Milliseconds that a frame stands, and that the clip lasts."""
    return {"frame": round(1000 / fps, 3), "total": round(1000 * drawn.seconds)} if drawn.frames > 1 else {}


def read(target: Path) -> dict[str, Any] | None:
    """Read the sidecar of `target`; None if there is none, or it is damaged or of a later schema.

    One of an earlier schema keeps its number, so that it is recognised as out of date; its names become today's.
    """
    try:
        content = json.loads(sidecar(target).read_text(encoding="utf-8"))
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


def command_of(job: Job, format: str) -> str:
    """The command that makes this render."""
    words = ["netcore", "render", str(job.scene.path.name) if job.scene.own else job.scene.name, "--run", job.run.name]
    for name, value in vars(job.choice).items():
        words += [f"--{name}", str(value)] if value is not None else []
    words += ["--at", job.at] if job.at != "best" else []
    for option in job.scene.options:
        value = job.options[option.name]
        flag = option.name.replace("_", "-")
        if value != option.default:
            words += [f"--{flag}" if value else f"--no-{flag}"] if option.type == "bool" else [f"--{flag}", str(value)]
    words += ["--theme", job.theme] if job.theme != "dark" else []
    return shlex.join([*words, "-f", format])


def _relative(path: Path, target: Path) -> str:
    return Path(os.path.relpath(path.resolve(), target.parent.resolve())).as_posix()

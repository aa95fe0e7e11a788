"""The sidecar beside each render: what it was made of, what came out, and the key that all inputs hash to."""

import ast
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256 as new_sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import netcore
from netcore.case import digest_of
from netcore.files import sha256, write_text
from netcore.render.plan import Job

SCHEMA = 1
PACKAGE = Path(netcore.__file__).parent
# Which network it is: read for every scene, whatever it asks its case for.
ALWAYS = ("model", "input", "classes", "layers", "data")
MACHINE = (
    "render/*.py", "learn/record.py", "learn/watch.py", "learn/kinds.py", "learn/models.py", "learn/stored.py",
    "learn/batch.py", "trace.py", "case.py", "picture.py",
)  # fmt: skip
NO_PIXELS = {  # of render/: what decides no pixel
    "__init__", "api", "catalogue", "farm", "freshness", "live", "manifest", "needs", "passes", "plan", "project",
    "result", "worker",
}  # fmt: skip
DRAWERS = {"film": ("manim", "numpy", "av"), "figure": ("matplotlib", "numpy", "av")}


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
    return {
        "scene": job.scene.sha256,
        "netcore": machine(job.scene.path),
        "versions": {name: _version(name) for name in DRAWERS[job.scene.kind]},
        "run": job.run.name,
        "reads": {word: digest_of(job.run, word) for word in sorted({*ALWAYS, *reads})},
        "picture": choice | {"sha256": job.choice.digest(job.run)},
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


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


@cache
def machine(scene: Path) -> str:
    """Digest of netcore's own files that draw this scene: those of the stage that it imports, and the renderer's."""
    files = {f for pattern in MACHINE for f in PACKAGE.glob(pattern) if f.stem not in NO_PIXELS}
    waiting = [scene]
    while waiting:
        for file in _stage_imports(waiting.pop()):
            if file not in files:
                files.add(file)
                waiting.append(file)
    lines = (f"{f.relative_to(PACKAGE).as_posix()} {sha256(f)}\n" for f in sorted(files))
    return new_sha256("".join(lines).encode()).hexdigest()


def forget() -> None:
    """Look at netcore's own files again: in a notebook they may have changed since the last time."""
    machine.cache_clear()
    _stage_imports.cache_clear()


@cache
def _stage_imports(file: Path) -> tuple[Path, ...]:
    """The modules of `netcore.stage` that a file imports."""
    words = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            words |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            words |= {alias.name for alias in node.names}
    names = {w.removeprefix("netcore.stage.") for w in words if w.startswith("netcore.stage.")}
    return tuple(f for name in sorted(names) if (f := PACKAGE / "stage" / f"{name}.py").is_file())


# ---- what stands beside the file


@dataclass(frozen=True)
class Drawn:
    """What a worker tells of one drawn file."""

    frames: int
    seconds: float  # how long the clip plays
    bytes: int
    width: int
    height: int
    sha256: str
    warning: str = ""


def write(job: Job, format: str, reads: Iterable[str], drawn: Drawn, alt: str) -> None:
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


def delays(drawn: Drawn, fps: float) -> dict[str, float]:
    """Milliseconds that a frame stands, and that the clip lasts."""
    return {"frame": round(1000 / fps, 3), "total": round(1000 * drawn.seconds)} if drawn.frames > 1 else {}


def read(target: Path) -> dict[str, Any] | None:
    """Read the sidecar of `target`; None where there is none, or it is damaged or of another schema."""
    try:
        content = json.loads(sidecar(target).read_text(encoding="utf-8"))
        return content if content["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


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

"""The renders that a project keeps: those that `netcore.toml` lists, and those that lie in its folder."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from netcore.errors import NetcoreError, Refused, unknown
from netcore.render import catalogue, manifest
from netcore.render.cases import Choice
from netcore.render.freshness import reason
from netcore.render.plan import Job, Request, cached_run, jobs

FILE = "netcore.toml"
CHOICE = tuple(f.name for f in fields(Choice))
KEYS = ("scene", "run", "at", "formats", "quality", "size", "fps", "theme", "max_mb", "output", *CHOICE)
KINDS = {"index": int, "fps": float, "max_mb": float}  # the others are words


@dataclass(frozen=True)
class Standing:
    """How one render stands: ``fresh``, ``stale`` or ``missing``, and why."""

    target: str
    state: str
    reason: str = ""


def requests(file: Path, runs: str = "runs", renders: str = "renders") -> list[Request]:
    """Read the ``[[render]]`` tables of a `netcore.toml`.

    Each names a `scene` and a `run`, and may say what `netcore render` can be told; every other key is an option of the
    scene.

    Raises
    ------
    NetcoreError
        If the file is no TOML, or a table lacks a scene or a run or has a key that means nothing (nearest offered).
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetcoreError(f"{file} is no TOML: {error}") from None
    strange = set(content) - {"render"}
    if strange:
        raise NetcoreError(f"{file}: {unknown('table', min(strange), ['render'])}")
    tables = content.get("render", [])
    if not isinstance(tables, list):
        raise NetcoreError(f"{file}: write [[render]], with two brackets, before each render")
    return [_request(table, f"{file}, render {n}", runs, renders) for n, table in enumerate(tables, 1)]


def _request(table: Mapping[str, Any], where: str, runs: str, renders: str) -> Request:
    for key in ("scene", "run"):
        if not isinstance(table.get(key), str):
            raise NetcoreError(f"{where}: say which {key}")
    own = {o.name for o in catalogue.find(table["scene"]).options}
    given: dict[str, Any] = {}
    for name, value in table.items():
        name = {"format": "formats"}.get(name, name.replace("-", "_"))
        if name not in own and name not in KEYS:
            raise NetcoreError(f"{where}: {unknown('key', name, own | set(KEYS))}")
        try:
            given[name] = value if name in own or name in ("formats", "size") else KINDS.get(name, str)(value)
        except (TypeError, ValueError):
            raise NetcoreError(f"{where}: {name} takes a number, not {value!r}") from None
    formats = given.pop("formats", ())
    return Request(
        formats=(formats,) if isinstance(formats, str) else tuple(map(str, formats)),
        size=parse_size(given.pop("size", None)),
        choice=Choice(**{k: given.pop(k) for k in CHOICE if k in given}),
        options={k: given.pop(k) for k in list(given) if k in own},
        runs=runs,
        renders=renders,
        **given,
    )


def parse_size(value: Any) -> tuple[int, int] | None:
    """``"854x480"`` or ``[854, 480]`` as (width, height); NetcoreError where it is neither."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", str(value).lower())
    if match:
        return int(match[1]), int(match[2])
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, int) for v in value):
        return value[0], value[1]
    raise NetcoreError(f"no size '{value}': say WIDTHxHEIGHT in pixels, such as 854x480")


# ---- how they stand


def status(file: Path, runs: str = "runs", renders: str = "renders") -> list[Standing]:
    """How each render stands that `file` lists or that lies in `renders` with its sidecar."""
    manifest.forget()
    wanted = requests(file, runs, renders) if file.is_file() else []
    out = [standing for request in wanted for standing in _standings(request)]
    known = {Path(s.target).resolve() for s in out}
    for told in sorted(Path(renders).rglob("*.json")):
        target = told.with_suffix("")
        content = manifest.read(target)
        if content is not None and target.resolve() not in known:
            out.append(_standing(target, _stray(target, content)))
    return out


def _standings(request: Request) -> Iterator[Standing]:
    try:
        passes = jobs(request)
    except Refused as error:
        yield Standing(request.output or f"{request.scene} of {request.run}", "stale", str(error))
    except NetcoreError as error:
        yield Standing(request.output or f"{request.scene} of {request.run}", "missing", str(error))
    else:
        for job in passes:
            for name, target in job.targets.items():
                yield _standing(target, reason(job, name))


def _standing(target: Path, why: str) -> Standing:
    state = "fresh" if not why else "missing" if why == "missing" else "stale"
    return Standing(target.as_posix(), state, why)


def _stray(target: Path, content: Mapping[str, Any]) -> str:
    """Why a render that nothing lists must be drawn again, judged by its sidecar alone; empty where it is fresh."""
    try:
        return reason(recall(target, content), content["inputs"]["format"])
    except NetcoreError as error:
        return str(error)
    except (KeyError, TypeError) as error:
        return f"damaged sidecar: {error}"


def recall(target: Path, content: Mapping[str, Any]) -> Job:
    """The pass that made a render, by its sidecar's content.

    Raises
    ------
    NetcoreError
        If its scene or its run is gone.
    """
    where, values = content["where"], content["inputs"]
    own = where["scene"].endswith(".py")
    scene = catalogue.find(target.parent / where["scene"] if own else where["scene"])
    folder = target.parent / where["run"]
    if not (folder / "run.json").is_file():
        raise NetcoreError(f"run '{content['run']}' is gone")
    image = str(target.parent / where["image"]) if where["image"] else None
    sample = values["sample"]
    index = int(sample["index"]) if "index" in sample else None
    return Job(
        scene=scene, run=cached_run(folder), choice=Choice(sample.get("digit"), index, image), at=values["at"],
        theme=values["theme"], size=tuple(values["size"]), fps=values["fps"], max_mb=values["max_mb"],
        options=scene.settings(values["options"]), targets={values["format"]: target},
    )  # fmt: skip

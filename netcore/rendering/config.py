"""Read render requests from netcore.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.renamed import renamed_key
from netcore.rendering.reading_once import once
from netcore.rendering.request import Request
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import find_scene

FILE_NAME = "netcore.toml"
SELECTOR_KEYS = tuple(f.name for f in fields(SampleSelector))
KEYS = ("scene", "run", "at", "formats", "quality", "size", "fps", "theme", "max_mb", "steps", "output", *SELECTOR_KEYS)
KEY_TYPES = {"index": int, "mistake": int, "fps": float, "max_mb": float}  # the others are strings
BOOL_KEYS = {"transparent"} | {f.name for f in fields(SampleSelector) if f.type is bool}


def read_config(
    file: Path, runs_dir: str = "runs", renders_dir: str = "renders", allow_outside: bool = False
) -> list[Request]:
    """Read the ``[[render]]`` tables of a `netcore.toml`.

    Each has a `scene` and a `run`, and may have the options of `netcore render`; every other key is an option of the
    scene.

    Parameters
    ----------
    file : Path
    runs_dir, renders_dir : str
        Folders of the runs and of the renders.
    allow_outside : bool
        Whether renders may be written outside of the folder of the file.

    Raises
    ------
    NetcoreError
        If the file is no TOML, or a table lacks a scene or a run, has a key that means nothing (nearest offered), or
        an output outside of the folder.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise NetcoreError(f"{file} is not valid TOML: {error}") from None
    except OSError as error:
        raise NetcoreError(f"cannot read {file}: {error.strerror}") from None
    unknown = set(content) - {"render"}
    if unknown:
        raise NetcoreError(f"{file}: {unknown_name('table', min(unknown), ['render'])}")
    tables = content.get("render", [])
    if not isinstance(tables, list):
        raise NetcoreError(f"{file}: write [[render]], with two brackets, before each render")
    found = [_request(table, f"{file}, render {n}", runs_dir, renders_dir) for n, table in enumerate(tables, 1)]
    for n, request in enumerate(found, 1):
        if not allow_outside and not _is_inside(request, file.resolve().parent):
            raise NetcoreError(
                f"{file}, render {n}: its output {request.output or request.renders_dir} is outside of the project: "
                "choose another, or pass --allow-outside"
            )
    return found


def _is_inside(request: Request, project: Path) -> bool:
    """Whether a request's files, links followed, are written below a folder."""
    target = Path(request.output) if request.output else Path(request.renders_dir, Path(request.run).name)
    try:
        return target.resolve().is_relative_to(project)
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL character
        return False


def _request(table: object, where: str, runs_dir: str, renders_dir: str) -> Request:
    if not isinstance(table, Mapping):
        raise NetcoreError(f"{where}: write [[render]], with two brackets, before each render")
    for key in ("scene", "run"):
        if not isinstance(table.get(key), str):
            raise NetcoreError(f"{where}: {key} is missing")
    scene_options = {o.name for o in once(find_scene, table["scene"]).options}
    given: dict[str, Any] = {}
    for name, value in table.items():
        name = {"format": "formats"}.get(name, name.replace("-", "_"))
        if name not in scene_options and name not in (*KEYS, *BOOL_KEYS):
            renamed = renamed_key(find_scene(table["scene"]).name, name)
            known = scene_options | set(KEYS) | BOOL_KEYS
            raise NetcoreError(f"{where}: {renamed or unknown_name('key', name, known)}")
        if name in BOOL_KEYS and not isinstance(value, bool):
            raise NetcoreError(f"{where}: {name} must be true or false, got {value!r}")
        if name == "confused" and isinstance(value, list):
            value = ",".join(map(str, value))
        try:
            is_plain = name in scene_options or name in {"formats", "size", *BOOL_KEYS}
            if isinstance(value, (dict, list)) and name not in ("formats", "size"):
                raise NetcoreError(f"{where}: {name} must be a single value, got {value!r}")
            given[name] = value if is_plain else KEY_TYPES.get(name, str)(value)
        except (TypeError, ValueError, OverflowError):
            raise NetcoreError(f"{where}: {name} must be a number, got {value!r}") from None
    formats = given.pop("formats", ())
    if not isinstance(formats, (str, list, tuple)):
        raise NetcoreError(f"{where}: formats must be a list of names, got {formats!r}")
    return Request(
        formats=(formats,) if isinstance(formats, str) else tuple(map(str, formats)),
        size=parse_size(given.pop("size", None)),
        selector=SampleSelector(**{k: given.pop(k) for k in SELECTOR_KEYS if k in given}),
        options={k: given.pop(k) for k in list(given) if k in scene_options},
        runs_dir=runs_dir,
        renders_dir=renders_dir,
        **given,
    )


def parse_size(value: object) -> tuple[int, int] | None:
    """``"854x480"`` or ``[854, 480]`` as (width, height); NetcoreError where it is neither."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", str(value).lower())
    if match:
        return int(match[1]), int(match[2])
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, int) for v in value):
        return value[0], value[1]
    raise NetcoreError(f"a size must be WIDTHxHEIGHT in pixels, such as 854x480, got '{value}'")

"""Read render requests from netcore.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.renamed import renamed_key
from netcore.rendering.request import Request
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import find_scene

FILE_NAME = "netcore.toml"
SELECTOR_KEYS = tuple(f.name for f in fields(SampleSelector))
KEYS = ("scene", "run", "at", "formats", "quality", "size", "fps", "theme", "max_mb", "steps", "output", *SELECTOR_KEYS)
BOOL_KEYS = {"transparent"}
KEY_TYPES = {"index": int, "fps": float, "max_mb": float}  # the others are strings


def read_config(file: Path, runs_dir: str = "runs", renders_dir: str = "renders") -> list[Request]:
    """Read the ``[[render]]`` tables of a `netcore.toml`.

    Each has a `scene` and a `run`, and may have the options of `netcore render`; every other key is an option of the
    scene.

    Parameters
    ----------
    file : Path
    runs_dir, renders_dir : str
        Folders of the runs and of the renders.

    Raises
    ------
    NetcoreError
        If the file is no TOML, or a table lacks a scene or a run or has a key that means nothing (nearest offered).
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetcoreError(f"{file} is not valid TOML: {error}") from None
    unknown = set(content) - {"render"}
    if unknown:
        raise NetcoreError(f"{file}: {unknown_name('table', min(unknown), ['render'])}")
    tables = content.get("render", [])
    if not isinstance(tables, list):
        raise NetcoreError(f"{file}: write [[render]], with two brackets, before each render")
    return [_request(table, f"{file}, render {n}", runs_dir, renders_dir) for n, table in enumerate(tables, 1)]


def _request(table: Mapping[str, Any], where: str, runs_dir: str, renders_dir: str) -> Request:
    for key in ("scene", "run"):
        if not isinstance(table.get(key), str):
            raise NetcoreError(f"{where}: {key} is missing")
    scene_options = {o.name for o in find_scene(table["scene"]).options}
    given: dict[str, Any] = {}
    for name, value in table.items():
        name = {"format": "formats"}.get(name, name.replace("-", "_"))
        if name not in scene_options and name not in (*KEYS, *BOOL_KEYS):
            renamed = renamed_key(find_scene(table["scene"]).name, name)
            known = scene_options | set(KEYS) | BOOL_KEYS
            raise NetcoreError(f"{where}: {renamed or unknown_name('key', name, known)}")
        if name in BOOL_KEYS and not isinstance(value, bool):
            raise NetcoreError(f"{where}: {name} must be true or false, got {value!r}")
        try:
            is_plain = name in scene_options or name in {"formats", "size", *BOOL_KEYS}
            given[name] = value if is_plain else KEY_TYPES.get(name, str)(value)
        except (TypeError, ValueError):
            raise NetcoreError(f"{where}: {name} must be a number, got {value!r}") from None
    formats = given.pop("formats", ())
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

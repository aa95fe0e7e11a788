"""Compare renders with their inputs to find stale ones.

Nothing is drawn and no weights are read: the digests in `run.json`, of the source files and of the render are compared.
"""

from collections.abc import Mapping
from typing import Any

from netcore.core.errors import NetcoreError
from netcore.core.files import file_sha256
from netcore.rendering.provenance import SCHEMA, inputs_key, render_inputs
from netcore.rendering.request import RenderTask


def stale_reason(task: RenderTask, format: str, sidecar: Mapping[str, Any] | None) -> str:
    """Return why a render must be drawn (again), "" if it is fresh.

    Parameters
    ----------
    task : RenderTask
    format : str
        One of its formats.
    sidecar : mapping or None
        As `read_sidecar` returns it.
    """
    target = task.targets[format]
    if not target.is_file():
        return "missing"
    if sidecar is None:
        return "has no sidecar"
    if file_sha256(target) != sidecar["sha256"]:
        return "changed by hand"
    if sidecar["schema"] < SCHEMA:
        return "rendered by an earlier netcore"
    try:
        now = render_inputs(task, format, sidecar["inputs"]["reads"])
    except NetcoreError as error:
        return f"run retrained: {error}"
    is_same = now == sidecar["inputs"] or inputs_key(now) == sidecar["key"]
    return "" if is_same else describe_difference(sidecar["inputs"], now)


def describe_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Describe in a few words how two results of `render_inputs` differ."""
    changed = [word for word in now if before.get(word) != now[word]]
    if "run" in changed:
        return f"was made of run '{before.get('run')}'"
    if "reads" in changed:
        return f"run retrained: {_changed_keys(before['reads'], now['reads'])}"
    if "scene" in changed:
        return "scene changed"
    for word, what in (("helpers", "scene's helpers"), ("code", "netcore's drawing code")):
        if word in changed:
            return f"{what} changed: {_changed_keys(before.get(word, {}), now[word])}"
    if "versions" in changed:
        return _value_changes(before["versions"], now["versions"])
    settings = {**now, **now["options"]}, {**before, **before["options"]}
    plain = [name for name in settings[0] if name != "options" and settings[0][name] != settings[1].get(name)]
    return "options changed: " + _value_changes(
        *({name: values.get(name) for name in plain} for values in reversed(settings))
    )


def _changed_keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return the first three keys whose values differ: ``viz/colors.py, viz/theme.py``."""
    words = [key for key in {**now, **before} if before.get(key) != now.get(key)]
    return ", ".join(words[:3]) + (" …" if len(words) > 3 else "")


def _value_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return the values that differ: ``fps 25 → 20, theme dark → light``."""
    keys = [key for key in {**now, **before} if now.get(key) != before.get(key)]
    return ", ".join(f"{key} {_short(before.get(key, 'none'))} → {_short(now.get(key, 'none'))}" for key in keys)


def _short(value: object) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    if isinstance(value, Mapping):  # which sample
        words = [f"{k} {v}" for k, v in value.items() if k != "sha256"]
        return " ".join(words) or value.get("sha256", "")[:8]
    return str(value)

"""Replaced names, and the message that names the new one.

The table is `renamed.toml`. It is read when an old name is met, never before.
"""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def renamed_option(owners: Iterable[str], option: str) -> str:
    """Say what an option of a command or scene is called now, "" if it was not renamed.

    Parameters
    ----------
    owners : iterable of str
        Names of the command and of the scenes that it was given.
    option : str
        As it was written, dashes included or not.

    Examples
    --------
    >>> renamed_option(["evaluate"], "--on")
    '--on is now --data'
    """
    word = option.lstrip("-").replace("_", "-")
    no = "no-" * word.startswith("no-")
    for owner in owners:
        for kind in ("commands", "scenes"):
            if new := _table()[kind].get(owner, {}).get(word.removeprefix("no-")):
                return f"--{word} is now --{no}{new}"
    return ""


def renamed_key(scene: str, key: str) -> str:
    """Say what an option of a scene is called now in Python and in `netcore.toml`, "" if it was not renamed.

    Examples
    --------
    >>> renamed_key("forward-propagation", "shown")
    'shown is now max_units'
    """
    new = _table()["scenes"].get(scene, {}).get(key.replace("_", "-"))
    return f"{key} is now {new.replace('-', '_')}" if new else ""


def renamed_value(option: str, value: str) -> str:
    """Say what a value of an option is called now, "" if it was not renamed.

    Examples
    --------
    >>> renamed_value("over", "snapshots")
    "'snapshots' is now 'training'"
    """
    new = _table()["values"].get(option.lstrip("-").replace("_", "-"), {}).get(value)
    return f"'{value}' is now '{new}'" if new else ""


def renamed_need(word: str) -> str:
    """Say what a word of a scene's NEEDS is called now, "" if it was not renamed.

    Examples
    --------
    >>> renamed_need("answers")
    "'answers' is now 'predictions'"
    """
    new = _table()["needs"].get(word)
    return f"'{word}' is now '{new}'" if new else ""


# ---- modules


def renamed_module(module: str) -> str:
    """Say where a module and its names are now, "" if it was not replaced.

    Examples
    --------
    >>> renamed_module("netcore.stage.change")
    'netcore.stage.change is now netcore.viz.film.animation (Change: netcore.viz.film.animation.Animate)'
    """
    old = module.removeprefix("netcore.")
    if not (new := _table()["modules"].get(old)):
        return ""
    names = ", ".join(f"{name}: {_new_name(old, name)}" for name in _table()["names"].get(old, {}))
    return f"{module} is now netcore.{new}" + f" ({names})" * bool(names)


def _new_name(module: str, name: str) -> str:
    """Full new name of what an old module defined; both without ``netcore.``."""
    new = _table()["names"].get(module, {}).get(name, name)
    return f"netcore.{new}" if "." in new else f"netcore.{_table()['modules'].get(module, module)}.{new}"


def raise_if_renamed(module: str) -> None:
    """Refuse the import of a module that was replaced; called when no module of that name was found.

    Raises
    ------
    ModuleNotFoundError
        With the new name. It has no `name`: else ``from netcore.stage import film`` would hide it.
    """
    if line := renamed_module(_asked_for(module)) or renamed_module(module):
        raise ModuleNotFoundError(line)


def _asked_for(module: str) -> str:
    """Name of the module that is being imported: Python looks for its package first, which is missing too."""
    frame: FrameType | None = sys._getframe()
    while frame:
        name = frame.f_locals.get("name")
        if frame.f_code.co_filename.startswith("<frozen importlib") and str(name).startswith(f"{module}."):
            module = str(name)
        frame = frame.f_back
    return module


# ---- scene files


def renamed_in_source(tree: ast.Module) -> list[str]:
    """Find names in a scene file that were replaced, each with its line and the new name.

    Parameters
    ----------
    tree : ast.Module
        The file's syntax tree.
    """
    found = {(node.lineno, line): None for node in ast.walk(tree) for line in _in_node(node)}  # type: ignore[attr-defined]
    return [f"line {number}: {line}" for number, line in sorted(found)]


def _in_node(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        yield from _in_import(node)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            yield from filter(None, [renamed_module(alias.name)])
    elif isinstance(node, ast.FunctionDef) and node.name == "draw":
        if [argument.arg for argument in node.args.args[1:2]] == ["case"]:
            yield "draw(fig, case) is now draw(fig, context)"
    elif isinstance(node, ast.Attribute):
        yield from _in_attribute(node)


def _in_import(node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    old = module.removeprefix("netcore.")
    for alias in node.names if module.startswith("netcore") and not node.level else []:
        submodule = f"{old}.{alias.name}".removeprefix("netcore.")
        if module == "netcore" and submodule in ("render", "trace"):  # functions, then and now
            continue
        if submodule in _table()["modules"]:
            yield f"netcore.{submodule} is now netcore.{_table()['modules'][submodule]}"
        elif old in _table()["modules"]:
            yield f"{module}.{alias.name} is now {_new_name(old, alias.name)}"


def _in_attribute(node: ast.Attribute) -> Iterator[str]:
    owner = ast.unparse(node.value)
    if owner == "self" and node.attr == "case":
        yield "self.case is now self.context"
    for name, table in (("case", "context"), ("theme", "theme")):
        if owner.rpartition(".")[2] == name and (new := _table()[table].get(node.attr)):
            yield f"{owner}.{node.attr} is now {owner.removesuffix(name)}{table}.{new}"

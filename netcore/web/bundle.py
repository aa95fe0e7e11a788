"""Join JavaScript modules into one inline script.

Module files do not load from file://.
"""

import re
from functools import cache
from importlib.resources import files

from netcore.core.errors import NetcoreError

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_DECLARED = re.compile(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


@cache
def bundle(entry: str, folder: str = "lab") -> str:
    """Return one script of a module and all that it imports.

    Parameters
    ----------
    entry : str
        Name of a module file: ``"main.js"``.
    folder : str
        Folder of the modules, inside ``netcore/web/static``.

    Raises
    ------
    NetcoreError
        If two modules define the same name at their top level.
    """
    parts: dict[str, str] = {}
    _add_module(entry, folder, parts)
    seen: dict[str, str] = {}
    for module, text in parts.items():
        for name in _DECLARED.findall(text):
            if seen.setdefault(name, module) != module:
                raise NetcoreError(f"{module} and {seen[name]} both define {name}: rename one")
    return '(() => {\n"use strict";\n' + "\n".join(parts.values()) + "\n})();\n"


def _add_module(name: str, folder: str, parts: dict[str, str]) -> None:
    """Add a module after those that it imports."""
    if name in parts:
        return
    text = static_text(f"{folder}/{name}")
    for imported in _IMPORT.findall(text):
        _add_module(imported, folder, parts)
    parts[name] = _EXPORT.sub("", _IMPORT.sub("", text))


def static_text(path: str) -> str:
    """Read a file of ``netcore/web/static``."""
    return files("netcore.web").joinpath("static", *path.split("/")).read_text(encoding="utf-8")

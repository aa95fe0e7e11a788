"""Cache what source files import, by their content."""

import json
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write_text, cache_dir
from netcore.rendering import module_source
from netcore.rendering.module_source import ModuleSource, parse

MAX_ENTRIES = 2000  # the oldest are dropped


class SourceCache:
    """Imports of source files in a JSON file, so that a command need not parse every module again.

    A key is a digest of the source, its package and the parser: an entry cannot be out of date. A file that is damaged
    or cannot be written is ignored. It is in the cache folder.
    """

    def __init__(self) -> None:
        self._salt = sha256(Path(module_source.__file__).read_bytes() + sys.version.encode()).hexdigest()
        self._entries: dict[str, dict[str, Any]] | None = None
        self._is_new = False

    def parse(self, text: bytes, package: str, root: str) -> ModuleSource:
        """Return the imports of a module's source, as `module_source.parse` does."""
        if self._entries is None:
            self._entries = self._read()
        key = sha256("\0".join([self._salt, package, root, ""]).encode() + text).hexdigest()
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            return _from_json(self._entries[key])
        source = parse(text, package, root)
        self._entries[key], self._is_new = _to_json(source), True
        return source

    def save(self) -> None:
        """Write the file if there is something new."""
        if self._is_new and self._entries is not None:
            kept = dict(list(self._entries.items())[-MAX_ENTRIES:])
            with suppress(NetcoreError):
                atomic_write_text(_file(), json.dumps(kept))
            self._is_new = False

    def _read(self) -> dict[str, dict[str, Any]]:
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads(_file().read_bytes())
            return found if isinstance(found, dict) else {}
        return {}


def _file() -> Path:
    return cache_dir() / "sources.json"


def _to_json(source: ModuleSource) -> dict[str, Any]:
    return vars(source) | {"uses": {name: sorted(used) for name, used in source.uses.items()}}


def _from_json(entry: dict[str, Any]) -> ModuleSource:
    imports = {name: tuple((str(m), str(n)) for m, n in found) for name, found in entry["imports"].items()}
    uses = {name: frozenset(map(str, used)) for name, used in entry["uses"].items()}
    return ModuleSource(str(entry["digest"]), imports, uses, {k: str(v) for k, v in entry["lazy"].items()})

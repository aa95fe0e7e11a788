"""Runs, and what was computed of them, each once a command."""

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from netcore.core.run import Run, load_run
from netcore.core.run_info import run_stamp
from netcore.rendering.reading_once import once

Stamp = tuple[Any, ...]
P = ParamSpec("P")
T = TypeVar("T")

_in_use: WeakValueDictionary[tuple[Path, Stamp], Run] = WeakValueDictionary()
_kept: WeakKeyDictionary[Run, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()


def cached_run(path: str | Path, runs: str | Path = "runs") -> Run:
    """Load a run as `load_run` does, once while its files are unchanged; for reading only.

    Tasks of one run share it; of those that nothing uses any more, a few are kept.
    """
    found = once(_find_run, str(path), str(runs))
    return load_run(path, runs) if found is None else _recent_run(*found)


def _find_run(path: str, runs: str) -> tuple[Path, Stamp] | None:
    """Return the folder of a run, and the stamp of its files."""
    folder = next((p for p in (Path(path), Path(runs, path)) if (p / "run.json").is_file()), None)
    return None if folder is None else (folder.resolve(), run_stamp(folder))


@lru_cache(maxsize=32)
def _recent_run(path: Path, stamp: Stamp) -> Run:
    run = _in_use.get((path, stamp))
    if run is None:
        run = _in_use[path, stamp] = load_run(path)
    return run


def kept_by_run(function: Callable[Concatenate[Run, P], T]) -> Callable[Concatenate[Run, P], T]:
    """Keep the results of a function of a run and hashable values, as long as the run, until `forget_results`."""

    @wraps(function)
    def kept(run: Run, *args: P.args, **kwargs: P.kwargs) -> T:
        known = _kept.setdefault(run, {})
        key = (function, args, tuple(kwargs.items()))
        if key not in known:
            known[key] = function(run, *args, **kwargs)
        found: T = known[key]
        return found

    return kept


def forget_results() -> None:
    """Compute what `kept_by_run` keeps again, from now on."""
    _kept.clear()

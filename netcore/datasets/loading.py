"""Load a data set by its name."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from netcore import datasets
from netcore.core.errors import unknown_name
from netcore.datasets.base import DatasetSplits, DatasetUnavailable
from netcore.datasets.cache import cache_dir

Loader = Callable[[str, Path], DatasetSplits]


def resolve_data_dir(named: str | Path | None = None) -> Path:
    """Folder of the data files: `named`, else ``NETCORE_DATA``, else one in the user's cache."""
    return Path(named or os.environ.get("NETCORE_DATA") or cache_dir() / "data").expanduser()


@cache
def sources() -> dict[str, Loader]:
    """Find the modules of this package that have `NAMES`: name, or prefix with a colon, to the module's `load`."""
    modules = [import_module(found.name) for found in iter_modules(datasets.__path__, f"{datasets.__name__}.")]
    return {name: module.load for module in modules for name in getattr(module, "NAMES", ())}


def dataset_names() -> list[str]:
    """List the names of all data sets as users type them, ``folder:PATH`` for one that takes a path."""
    return [f"{name}PATH" if name.endswith(":") else name for name in sources()]


def load_dataset(name: str, data_dir: str | Path | None = None) -> DatasetSplits:
    """Load a data set by name: one of `sources`, with a path after a colon where it ends with one.

    Raises
    ------
    DatasetUnavailable
        If its files are not there and cannot be downloaded.
    NetcoreError
        If there is no such data set (the nearest name is offered), or a file is damaged.
    """
    kind, colon, _ = name.partition(":")
    load = sources().get(kind + colon)
    if load is None:
        raise unknown_name("data set", name, dataset_names())
    return load(name, resolve_data_dir(data_dir))


def load_with_fallback(name: str, data_dir: str | Path | None = None) -> DatasetSplits:
    """Load a data set; where MNIST cannot be had the embedded digits serve, and `note` says so."""
    try:
        return load_dataset(name, data_dir)
    except DatasetUnavailable as error:
        if name != "mnist":
            raise
        note = f"training on the 5,000 embedded digits instead, since {error}"
        return replace(load_dataset("embedded"), note=note)

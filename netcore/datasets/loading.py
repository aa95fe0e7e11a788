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
from netcore.core.files import cache_dir
from netcore.datasets.base import DatasetSplits, DatasetUnavailable

Loader = Callable[[str, Path], DatasetSplits]


def resolve_data_dir(named: str | Path | None = None) -> Path:
    """Return the folder of the data files: `named`, else NETCORE_DATA, else a folder in the user's cache."""
    return Path(named or os.environ.get("NETCORE_DATA") or cache_dir() / "data").expanduser()


@cache
def sources() -> dict[str, Loader]:
    """Return the loader of each data set by its name, or by its prefix with a colon.

    The loaders are the functions `load` of the modules of this package that have `NAMES`.
    """
    modules = [import_module(found.name) for found in iter_modules(datasets.__path__, f"{datasets.__name__}.")]
    return {name: module.load for module in modules for name in getattr(module, "NAMES", ())}


def dataset_names() -> list[str]:
    """Return the names of all data sets as users type them.

    Examples
    --------
    >>> dataset_names()[:2]
    ['embedded', 'folder:PATH']
    """
    return [f"{name}PATH" if name.endswith(":") else name for name in sources()]


def load_dataset(name: str, data_dir: str | Path | None = None) -> DatasetSplits:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        One of `dataset_names`.
    data_dir : path, optional
        Folder of the data files. Default: see `resolve_data_dir`.

    Raises
    ------
    DatasetUnavailable
        If its files are not on this machine and cannot be downloaded.
    NetcoreError
        If the name is unknown, or a file is damaged.
    """
    kind, colon, _ = name.partition(":")
    load = sources().get(kind + colon)
    if load is None:
        raise unknown_name("data set", name, dataset_names())
    return load(name, resolve_data_dir(data_dir))


def load_with_fallback(name: str | None, default: str, data_dir: str | Path | None = None) -> DatasetSplits:
    """Load a data set, or the embedded digits if none was requested and MNIST is unavailable; the note reports this.

    Parameters
    ----------
    name : str or None
        Data set that the user requested.
    default : str
        Data set if none was requested.
    data_dir : path, optional
        Folder of the data files; a folder that was requested, or named by NETCORE_DATA, is never replaced.

    Raises
    ------
    DatasetUnavailable
        If what was requested is unavailable.
    """
    try:
        return load_dataset(name or default, data_dir)
    except DatasetUnavailable as error:
        if name or data_dir or os.environ.get("NETCORE_DATA") or default != "mnist":
            raise
        note = f"training on the 5,000 embedded digits instead, since {error}"
        return replace(load_dataset("embedded"), note=note)

"""Load a data set by its name."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from netcore.core.errors import unknown_name
from netcore.datasets.base import DatasetSplits, DatasetUnavailable
from netcore.datasets.cache import cache_dir
from netcore.datasets.embedded import load_embedded
from netcore.datasets.image_folder import load_image_folder
from netcore.datasets.kaggle import load_kaggle


def resolve_data_dir(named: str | Path | None = None) -> Path:
    """Folder of the data files: `named`, else ``NETCORE_DATA``, else one in the user's cache."""
    return Path(named or os.environ.get("NETCORE_DATA") or cache_dir() / "data").expanduser()


def load_dataset(name: str, data_dir: str | Path | None = None) -> DatasetSplits:
    """Load a data set by name.

    Raises
    ------
    Unavailable
        If its files are not there and cannot be downloaded.
    NetcoreError
        If there is no such data set (the nearest name is offered), or a file is damaged.
    """
    from netcore.datasets import mnist_family as idx
    from netcore.datasets.usps import load_usps

    kind, colon, place = name.partition(":")
    if colon and kind in PLACES:
        return PLACES[kind](Path(place).expanduser())
    if name == "embedded":
        return load_embedded()
    if name == "usps":
        return load_usps(resolve_data_dir(data_dir))
    if name in idx.DATASETS:
        return idx.load_idx(name, resolve_data_dir(data_dir))
    raise unknown_name("data set", name, ["embedded", "usps", *idx.DATASETS, *(f"{kind}:FOLDER" for kind in PLACES)])


def load_with_fallback(name: str, data_dir: str | Path | None = None) -> DatasetSplits:
    """Load a data set; where MNIST cannot be had the embedded digits serve, and `note` says so."""
    try:
        return load_dataset(name, data_dir)
    except DatasetUnavailable as error:
        if name != "mnist":
            raise
        return replace(load_embedded(), note=f"training on the 5,000 embedded digits instead, since {error}")


PLACES: dict[str, Callable[[Path], DatasetSplits]] = {"kaggle": load_kaggle, "folder": load_image_folder}

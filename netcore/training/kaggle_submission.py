"""Write a submission to Kaggle's Digit Recognizer."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write_text
from netcore.core.run import Run
from netcore.core.run_writer import RunWriter
from netcore.datasets.kaggle import read_table
from netcore.models.device import module_to_device, select_device, to_tensor
from netcore.models.loading import load_model
from netcore.tracing.batch_inference import batch_logits

DEFAULT_FILE_NAME = "kaggle-test"
EXPECTED_ROWS = 28_000  # of Kaggle's own test.csv
Log = Callable[[str], None]


def write_submission(
    run: Run, test: Path, output: Path, *, at: str = "best", device: str = "auto", log: Log = lambda text: None
) -> NDArray[np.int64]:
    """Classify the images of a table, write the submission, and store the logits in the run.

    Parameters
    ----------
    run : Run
    test : Path
        Kaggle's table ``test.csv``.
    output : Path
        File to write.
    at : str
        Snapshot.
    device : str
        See `netcore.models.device.select_device`.
    log : callable
        Called with each message to the user.

    Returns
    -------
    ndarray of int64, shape (N,)
        The predicted digits.

    Raises
    ------
    NetcoreError
        If the table is damaged or empty, or the run has other images or classes.
    """
    images, _ = read_table(test, labeled=False)
    if run.input_shape != (1, *images.shape[1:]) or run.classes != [str(d) for d in range(10)]:
        raise NetcoreError(
            f"run '{run.name}' must classify digits of 28×28 pixels, as in Kaggle's test.csv: choose another run"
        )
    if len(images) != EXPECTED_ROWS:
        log(f"{test} has {len(images):,} rows, Kaggle's own file has {EXPECTED_ROWS:,}")
    selected = select_device(device)
    snapshot = run.snapshot(at)
    module = module_to_device(copy.deepcopy(load_model(run, snapshot)), selected).eval()
    logits = batch_logits(module, to_tensor(images[:, None], selected), run).cpu().numpy()
    labels = logits.argmax(1)
    atomic_write_text(output, format_submission(labels, len(images)))
    writer, facts = RunWriter(run), {"snapshot": snapshot.label, "count": len(images)}
    writer.add_evaluation(DEFAULT_FILE_NAME, facts, labeled=False, logits=logits, labels=np.zeros(0, np.uint8))
    writer.save()
    return labels


def format_submission(labels: ArrayLike, count: int) -> str:
    """Format predicted digits as the text of a submission with `count` rows.

    Examples
    --------
    >>> print(format_submission([7, 2], 2), end="")
    ImageId,Label
    1,7
    2,2
    """
    labels = np.asarray(labels)
    if labels.shape != (count,) or not np.isin(labels, range(10)).all():
        raise NetcoreError(f"a submission must have one digit per row, {count:,} in all")
    return "ImageId,Label\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels, 1))
